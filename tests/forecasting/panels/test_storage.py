"""Panels from parquet files, a row group at a time, in memory-mapped arrays."""

import numpy as np
import pytest

from lstmcore.data import DataError
from lstmcore.forecasting import GlobalForecaster
from lstmcore.forecasting.panels.reading import read

pytest.importorskip("pyarrow")
import pyarrow
from pyarrow import parquet


def table(series=5, steps=30):
    random = np.random.default_rng(2)
    rows = series * steps
    return {
        "unique_id": np.repeat([f"s{i}" for i in range(series)], steps),
        "ds": np.tile(np.datetime64("2024-01-01") + np.arange(steps), series),
        "y": random.normal(size=rows),
        "price": random.normal(size=rows),
        "kind": np.repeat(list("xyxyx")[:series], steps),
    }


def written(path, columns):
    parquet.write_table(pyarrow.table(columns), path, row_group_size=17)
    return path


def test_it_is_the_panel_of_the_table(tmp_path):
    columns = table()
    path = written(tmp_path / "a.parquet", columns)
    options = {"covariates": ["price"], "static_names": ["kind"]}
    panel, want = read(path, **options), read(columns, **options)
    assert isinstance(panel.y, np.memmap)
    for name in ("ids", "starts", "y", "dates"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(want, name))
    np.testing.assert_array_equal(panel.covariates["price"], columns["price"])
    assert panel.static["kind"].tolist() == list("xyxyx")
    assert panel.frequency == want.frequency
    model = GlobalForecaster(horizon=3, window=6, units=4, epochs=1, random_state=0)
    found = model.fit(path).predict()
    np.testing.assert_array_equal(found["LSTM"], model.fit(columns).predict()["LSTM"])


def test_files_that_cannot_be_read_in_order(tmp_path):
    columns = table()
    order = np.arange(150)
    order[[20, 21]] = [21, 20]
    path = written(tmp_path / "a.parquet", {n: c[order] for n, c in columns.items()})
    with pytest.raises(DataError, match="s0: 2024-01-21 follows 2024-01-22; sort the file"):
        read(path)
    apart = np.r_[0:30, 60:150, 30:60]
    apart = np.r_[apart, 0:1]
    path = written(tmp_path / "b.parquet", {n: c[apart] for n, c in columns.items()})
    with pytest.raises(DataError, match="rows of unique_id s0 do not stand together"):
        read(path)
    columns["kind"][40] = "z"
    path = written(tmp_path / "c.parquet", columns)
    with pytest.raises(DataError, match="'kind': expected one value for each series"):
        read(path, static_names=["kind"])
    with pytest.raises(DataError, match=r"no column 'sold'"):
        read(path, ("unique_id", "ds", "sold"))
    with pytest.raises(DataError, match="no file"):
        read(tmp_path / "d.parquet")
    (tmp_path / "e.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"e\.parquet: "):
        read(tmp_path / "e.parquet")


def test_gaps_in_a_file(tmp_path):
    columns = table()
    kept = np.delete(np.arange(150), [40, 41])
    path = written(tmp_path / "a.parquet", {n: c[kept] for n, c in columns.items()})
    with pytest.raises(DataError, match="missing before unique_id s1 at 2024-01-13"):
        read(path)
    assert read(path, fill="forward").y[41] == columns["y"][39]
