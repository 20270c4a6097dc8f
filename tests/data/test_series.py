"""Series and columns from CSV files, and what is wrong with them."""

import numpy as np
import pytest

from lstmcore.data import (
    DataError,
    held_out,
    read_columns,
    read_series,
)

# --- CSV ----------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def write(content, name="my.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "date,shop,price\n2024-02-28,a,1.5\n2024-02-29,b,-2\n2024-03-01,c,3e2\n",
        "\ufeffdate,shop,price\r\n2024-02-28,a,1.5\r\n2024-02-29,b,-2\r\n2024-03-01,c,3e2",
        "date;shop;price\n2024/02/28;a;1.5\n\n2024/02/29;b; -2\n;;\n2024/03/01;c;3e2\n",
        'price\tshop\tdate\n1.5\t"a\tb"\t2024-02-28\n-2\tb\t2024-02-29\n3e2\tc\t2024-03-01\n',
    ],
    ids=["plain", "bom-crlf", "semicolons-blank-lines", "tabs-quotes"],
)
def test_read_series(write, content):
    series = read_series(write(content), "price")
    assert series.name == "price"
    assert series.values.tolist() == [1.5, -2.0, 300.0]
    assert [str(d)[:10] for d in series.dates] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert series.daily


def test_the_only_column_of_numbers_needs_no_name(write):
    assert read_series(write("day,sold\n2024-01-01,4\n2024-01-02,5\n")).name == "sold"


@pytest.mark.parametrize(
    ("dates", "daily"),
    [
        (["2024-01", "2024-02"], False),
        (["2024-01-01", "2024-01-03"], False),
        (["2024-01-01 10:00", "2024-01-02 10:00"], True),
        (["2024-01-01T10:00Z", "2024-01-01T11:00Z"], False),
    ],
)
def test_steps_between_dates(write, dates, daily):
    series = read_series(write(f"when,v\n{dates[0]},1\n{dates[1]},2\n"), "v")
    assert series.dates is not None
    assert series.daily is daily


@pytest.mark.parametrize("other", ["1,2", "a-1,b-2", "1.5,2.5", "2020.5,2021.5", "0412,0413"])
def test_what_is_no_date_dates_nothing(write, other):
    first, second = other.split(",")
    series = read_series(write(f"other,v\n{first},1\n{second},2\n"), "v")
    assert series.dates is None
    assert not series.daily


BAD = {
    "missing column": ("date,prise\n2024-01-01,1\n", "has no column 'price'; did you mean 'prise'"),
    "two of a name": ("price,price\n1,2\n", "several columns 'price'"),
    "text": ("price\n1\n\n12 kg\n", "line 4: column 'price' holds '12 kg', not a number"),
    "two decimal signs": ("price\n1.5\n2,5,\n", "line 3 has 3 fields"),
    "groups or decimals": ("a;price\n1;2,500\n", "no row tells whether the comma is the decimal"),
    "mixed signs": ("a;price\n1;1.234,5\n2;1,234.5\n", "line 3: column 'price' holds '1,234.5'"),
    "unknown date": ("date,price\nsoon,1\n", "'soon', not a date in a known form: 2024-01-31"),
    "day or month": (
        "date,price\n01/02/2024,1\n02/02/2024,2\n",
        "no row tells whether day or month comes first",
    ),
    "zone missing": (
        "date,price\n2024-01-01T00:00Z,1\n2024-01-01 01:00,2\n",
        "line 3: column 'date' holds '2024-01-01 01:00': some rows have a time zone",
    ),
    "no names": ("2024-01-01,5\n2024-01-02,6\n", "line 1 holds values, '2024-01-01,5', where"),
    "gaps": (
        "date,price\n2024-01-01,1\n2024-01-02,2\n2024-01-05,2\n",
        "2 of 5 steps of one day are missing, the first 2024-01-03; choose what they get",
    ),
    "irregular": (
        "date,price\n2024-01-01,1\n2024-01-02,2\n2024-01-03T07:00,2\n2024-01-04,2\n2024-01-05,2\n",
        "do not lead to 2024-01-03T07:00:00, which follows 2024-01-02",
    ),
    "several series": (
        "date,shop,price\n2024-01-01,a,1\n2024-01-02,a,2\n2024-01-01,b,1\n2024-01-02,b,2\n",
        "line 4: column 'date' holds 2024-01-01, no later than the row before; column 'shop' has 2",
    ),
    "gap": ("date,price\n2024-01-01,1\n2024-01-02,\n", "line 3: column 'price' has no value"),
    "NaN": ("price\n1\nNaN\n", "line 3: column 'price' has no value; fill the gap, remove"),
    "infinite": ("price\n1\n1e999\n", "line 3: column 'price' is not finite"),
    "empty": ("", "is empty"),
    "blank": ("\n \n", "is empty"),
    "header alone": ("date,price\n", "is empty"),
    "encoding": ("date,price\n2024-01-01,1 \u20ac\n".encode("cp1252"), "is not UTF-8 text"),
    "UTF-16": ("price\n1\n".encode("utf-16"), "is not UTF-8 text (byte 0)"),
    "short row": ("date,price\n2024-01-01,1\n2024-01-02\n", "line 3 has 1 fields"),
    "wrong date": ("date,price\n2024-01-01,1\n2024-02-30,1\n", "'2024-02-30', no date: day is out"),
    "falling dates": ("date,price\n2024-01-02,1\n2024-01-01,1\n", "sort the rows by date"),
    "same date": ("date,price\n2024-01-02,1\n2024-01-02,1\n", "keep one row per date"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_files_get_one_clear_line(write, content, message):
    path = write(content)
    with pytest.raises(DataError) as error:
        read_series(path, "price")
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "names"), [("a,b,c\n1,x,2\n", "a, c"), ("a,b\nx,y\n", "none holds numbers")]
)
def test_a_choice_of_columns_is_shown(write, content, names):
    with pytest.raises(DataError, match=f"choose a column of numbers with --column: {names}"):
        read_series(write(content), option="--column")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be read: No such file"):
        read_series(tmp_path / "nowhere.csv", "price")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_series(tmp_path, "price")


# --- several columns, dates ahead ---------------------------------------------------------------


def test_what_is_held_out():
    days = np.datetime64("2020-01-01") + np.arange(900)
    assert held_out(900, days) == 365
    assert held_out(900, None) == 225
    assert held_out(400, days[:400]) == 100


def test_columns_and_what_is_known_ahead(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("day,price,sold\n2024-01-01,3,5\n2024-01-02,4,6\n2024-01-03,5,\n")
    found = read_columns(path, "sold", known_future=["price"])
    assert {name: column.tolist() for name, column in found.columns.items()} == {
        "sold": [5.0, 6.0],
        "price": [3.0, 4.0],
    }
    assert found.ahead["price"].tolist() == [5.0]
    assert found.dates.astype("datetime64[D]").astype(str).tolist() == ["2024-01-01", "2024-01-02"]
    with pytest.raises(DataError, match="line 4: column 'sold' has no value"):
        read_columns(path, "sold", ["price"])


def test_forms_of_dates_and_numbers_are_those_of_the_column(write):
    path = write("ds;y\n31.01.2024;1.234,5\n29.02.2024;-2,25 \u20ac\n31.03.2024;1.000.000\n")
    found = read_columns(path)
    assert found.columns["y"].tolist() == [1234.5, -2.25, 1e6]
    assert [found.text(date) for date in found.dates] == ["2024-01-31", "2024-02-29", "2024-03-31"]
    path = write('quarter,share,sold\n2023Q3,12.5 %,"$1,200"\n2023Q4,13 %,"$(1,300)"\n')
    found = read_columns(path, "sold", ["share"])
    assert found.columns["share"].tolist() == [12.5, 13]
    assert found.columns["sold"].tolist() == [1200, -1300]
    assert found.text(found.dates[1] + np.timedelta64(92, "D")) == "2024Q1"


def test_gaps_are_named_and_filled_as_asked(write):
    days = np.datetime64("2024-01-01") + np.delete(np.arange(60), [9, 10])
    path = write("date,y\n" + "".join(f"{day},{i}\n" for i, day in enumerate(days)))
    found = read_columns(path)
    assert found.note.startswith("2 of 60 steps of one day are missing, the first 2024-01-10; ")
    assert found.columns["y"][8:12].round(3).tolist() == [8, 8.333, 8.667, 9]
    assert read_columns(path, fill="forward").columns["y"][8:12].tolist() == [8, 8, 8, 9]
    assert read_columns(path, fill="zero").columns["y"][8:12].tolist() == [8, 0, 0, 9]
    with pytest.raises(DataError, match="2 of 60 steps of one day are missing"):
        read_columns(path, fill="none")
    path = write("date,y\n2024-01-01,\n2024-01-02,3\n2024-01-03,na\n2024-01-04,5\n")
    assert read_columns(path, fill="interpolate").columns["y"].tolist() == [3, 3, 4, 5]
    with pytest.raises(DataError, match="line 2: column 'y' has no value"):
        read_columns(path)


def test_the_order_of_day_and_month_is_told_by_rows_or_asked_for(write):
    rows = "01/02/2024,1\n01/03/2024,2\n01/04/2024,3\n"
    path = write("date,y\n" + rows)
    for order, last in (("day-first", "2024-04-01"), ("month-first", "2024-01-04")):
        assert str(read_columns(path, order=order).dates[-1])[:10] == last
    path = write("date,y\n" + rows + "01/13/2024,4\n", "more.csv")
    with pytest.raises(DataError, match="8 of 12 steps"):
        read_columns(path)
    assert str(read_columns(path, fill="zero").dates[-1])[:10] == "2024-01-13"


@pytest.mark.parametrize(
    ("hours", "offset", "text"),
    [
        (["00:00+01:00", "01:00+01:00"], "+01:00", "2024-03-31T00:00:00+01:00"),
        (["01:00+01:00", "03:00+02:00"], "+00:00", "2024-03-31T00:00:00+00:00"),
    ],
)
def test_time_zones_are_kept(write, hours, offset, text):
    path = write("time,y\n" + "".join(f"2024-03-31T{hour},1\n" for hour in hours))
    found = read_columns(path)
    assert found.offset == offset
    assert found.text(found.dates[0]) == text
    assert np.diff(found.dates) == np.timedelta64(1, "h")


def test_the_order_without_gaps_is_meant(write):
    rows = [f"01/{i % 12 + 1:02d}/{2000 + i // 12},1\n" for i in range(30)]
    found = read_columns(write("date,y\n" + "".join(rows)))
    assert str(found.dates[-1])[:7] == "2002-06"
