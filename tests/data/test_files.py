"""Tables that are no plain text: compressed, JSON, Parquet."""

import gzip
import sys

import numpy as np
import pytest

from lstmcore.data import DataError, read_columns, read_table

CSV = "ds,y\n2024-01-01,1.5\n2024-01-02,-2\n2024-01-03,3\n"
LINES = '{"ds": "2024-01-01", "y": 1.5}\n\n{"y": -2, "ds": "2024-01-02"}\n'
LINES += '{"ds": "2024-01-03", "y": 3, "sunny": true}\n'
ARRAY = (
    '[{"ds": "2024-01-01", "y": 1.5}, {"ds": "2024-01-02", "y": -2}, {"ds": "2024-01-03", "y": 3}]'
)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv.gz", CSV), ("a.jsonl", LINES), ("a.ndjson.gz", LINES), ("a.json", ARRAY)],
)
def test_compressed_files_and_json(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    found = read_columns(path, "y")
    assert found.columns["y"].tolist() == [1.5, -2, 3]
    assert str(found.dates[-1])[:10] == "2024-01-03"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv.gz", b"no gzip", "is no whole gzip file"),
        ("a.csv.gz", gzip.compress(CSV.encode())[:-9], "is no whole gzip file"),
        ("a.jsonl", b'{"y": 1}\n{"y": \n', "line 2 is not JSON"),
        ("a.jsonl", b'{"y": 1}\n[2]\n', r"line 2 holds '\[2\]', not an object"),
        ("a.jsonl", b'{"y": 1}\n{"y": {"a": 2}}\n', "line 2: column 'y' holds .*not a number"),
        ("a.json", b'[{"y": 1}', "line 1 is not JSON"),
    ],
)
def test_damaged_files_get_one_line(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match=message) as error:
        read_columns(path, "y")
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_parquet(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    days = pandas.date_range("2024-01-01", periods=3, freq="D", tz="Europe/Berlin")
    frame = pandas.DataFrame({"y": [1.5, np.nan, 3], "n": [1, 2, 3]}, index=days.rename("ds"))
    frame.to_parquet(tmp_path / "a.parquet")
    found = read_columns(tmp_path / "a.parquet", "y", fill="interpolate")
    assert found.columns["y"].tolist() == [1.5, 2.25, 3]
    assert found.text(found.dates[2]) == "2024-01-03T00:00:00+01:00"
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"b\.parquet cannot be read by pandas"):
        read_table(tmp_path / "b.parquet")


def test_parquet_without_a_library_names_the_extra(tmp_path, monkeypatch):
    for name in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DataError, match=r"pip install lstmcore\[tables\]"):
        read_table(tmp_path / "a.parquet")
