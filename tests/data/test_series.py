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


@pytest.mark.parametrize("other", ["1,2", "20240101,20240102", "a-1,b-2", "1/2/2024,2/2/2024"])
def test_what_is_no_date_dates_nothing(write, other):
    first, second = other.split(",")
    series = read_series(write(f"other,v\n{first},1\n{second},2\n"), "v")
    assert series.dates is None
    assert not series.daily


BAD = {
    "missing column": ("date,prise\n2024-01-01,1\n", "has no column 'price'; did you mean 'prise'"),
    "two of a name": ("price,price\n1,2\n", "several columns 'price'"),
    "text": ("price\n1\n\n12 USD\n", "line 4: column 'price' holds '12 USD', not a number"),
    "decimal comma": ("a;price\n1;2,5\n", "holds '2,5', not a number; write it like 1234.5"),
    "gap": ("date,price\n2024-01-01,1\n2024-01-02,\n", "line 3: column 'price' has no value"),
    "NaN": ("price\n1\nNaN\n", "line 3: column 'price' has no value; fill the gap"),
    "infinite": ("price\n1\n1e999\n", "line 3: column 'price' is not finite"),
    "empty": ("", "is empty"),
    "blank": ("\n \n", "is empty"),
    "header alone": ("date,price\n", "is empty"),
    "encoding": ("date,price\n2024-01-01,1 \u20ac\n".encode("cp1252"), "is not UTF-8 text"),
    "UTF-16": ("price\n1\n".encode("utf-16"), "is not UTF-8 text (byte 0)"),
    "short row": ("date,price\n2024-01-01,1\n2024-01-02\n", "line 3 has 1 fields"),
    "wrong date": ("date,price\n2024-01-01,1\n2024-02-30,1\n", "'2024-02-30', not a date like"),
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
        read_series(write(content))


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
