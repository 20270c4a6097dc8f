"""Long tables in text files: a row for each series and date."""

import numpy as np
import pytest

from lstmcore.data import DataError, read_long

ROWS = """shop,day,sold,price,kind
a,2024-01-01,5,1.5,north
a,2024-01-02,6,1.6,north
b,2024-01-01,7,1.7,south
b,2024-01-02,8,1.8,south
a,2024-01-03,,1.9,north
b,2024-01-03,,2.0,south
"""


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_and_rows_ahead(tmp_path):
    path = written(tmp_path / "a.csv", ROWS)
    found = read_long(path, "shop", "sold", known_future=["price"], labels=["kind"])
    assert found.names == ("shop", "day", "sold")
    assert found.columns["shop"].tolist() == list("aabb")
    assert found.columns["sold"].tolist() == [5, 6, 7, 8]
    assert found.columns["kind"].tolist() == ["north"] * 2 + ["south"] * 2
    assert (
        found.columns["day"].astype("datetime64[D]").astype(str).tolist()
        == [
            "2024-01-01",
            "2024-01-02",
        ]
        * 2
    )
    assert found.ahead["price"].tolist() == [1.9, 2.0]
    assert found.ahead["shop"].tolist() == ["a", "b"]


def test_values_that_lack(tmp_path):
    path = written(tmp_path / "a.csv", ROWS)
    with pytest.raises(DataError, match=r"line 6: column 'sold' has no value"):
        read_long(path, "shop", "sold")
    assert np.isnan(read_long(path, "shop", "sold", empty=True).columns["sold"][[4, 5]]).all()


def test_without_dates_steps_are_numbered(tmp_path):
    path = written(tmp_path / "a.csv", "who,y\nann,1.5\nbob,2\nann,3\n")
    found = read_long(path, "who")
    assert found.names == ("who", "ds", "y")
    assert found.columns["ds"].tolist() == [0, 0, 1]


def test_day_and_month_are_told_within_each_series(tmp_path):
    rows = [f"{s},{d:02}/02/2024,1" for s in "ab" for d in range(11, 15)]
    path = written(tmp_path / "a.csv", "\n".join(["id,date,y", *rows]))
    found = read_long(path, "id")
    assert str(found.columns["date"][4]) == "2024-02-11T00:00:00"
    path = written(tmp_path / "b.csv", "id,date,y\na,01/02/2024,1\na,02/03/2024,2\n")
    with pytest.raises(DataError, match="day-first"):
        read_long(path, "id")
    assert str(read_long(path, "id", order="month-first").columns["date"][0])[:10] == "2024-01-02"


def test_dates_of_a_series_must_increase(tmp_path):
    path = written(
        tmp_path / "a.csv", "id,date,y\na,2024-01-02,1\nb,2024-01-02,1\na,2024-01-01,2\n"
    )
    with pytest.raises(DataError, match="line 4: column 'date' holds 2024-01-01, no later"):
        read_long(path, "id")
    with pytest.raises(DataError, match="no column 'ids'"):
        read_long(path, "ids")
