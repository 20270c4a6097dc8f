"""``lstmcore predict``: the outputs of `predict`, whole or in shares."""

import json

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Sequential, cli, layers
from lstmcore.cli.predict import share_of


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """Write a model and rows to an empty directory; return what the model gives for them."""
    monkeypatch.chdir(tmp_path)
    lstmcore.utils.set_random_seed(0)
    model = Sequential([Input((4, 2)), layers.LSTM(5), layers.Dense(3)])
    model.save("m.safetensors")
    rows = np.random.default_rng(0).standard_normal((23, 4, 2)).astype(np.float32)
    np.save("rows.npy", rows)
    names = ",".join(f"x{i}" for i in range(8))
    lines = [",".join(map(repr, map(float, row))) for row in rows.reshape(23, 8)]
    (tmp_path / "rows.csv").write_text("\n".join([names, *lines]) + "\n")
    return model.predict(rows, verbose=0)


def run(*options):
    return cli.main(["predict", "m.safetensors", *options])


@pytest.mark.parametrize("source", ["rows.npy", "rows.csv"])
def test_all_rows(files, capsys, source):
    assert run(source, "out.npy", "--json") == 0
    np.testing.assert_array_equal(np.load("out.npy"), files)
    assert json.loads(capsys.readouterr().out)["rows"] == 23
    assert run(source, "out.csv") == 0
    found = np.loadtxt("out.csv", delimiter=",", skiprows=1, dtype=np.float32)
    np.testing.assert_array_equal(found, files)


def test_shares_are_the_whole_and_are_not_computed_twice(files, capsys):
    for i in range(1, 6):
        assert run("rows.npy", "out.npy", "--shard", f"{i}/5", "--batch-size", "3") == 0
    parts = [np.load(f"out.{i}of5.npy") for i in range(1, 6)]
    assert [len(part) for part in parts] == [5, 5, 5, 4, 4]
    np.testing.assert_array_equal(np.concatenate(parts), files)
    np.save("out.2of5.npy", np.zeros(1))
    assert run("rows.npy", "out.npy", "--shard", "2/5") == 0
    assert "out.2of5.npy is there already" in capsys.readouterr().out
    assert np.load("out.2of5.npy").shape == (1,)
    assert run("rows.npy", "out.npy", "--shard", "2/5", "--again") == 0
    np.testing.assert_array_equal(np.load("out.2of5.npy"), parts[1])


def test_parquet(files):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.read_csv("rows.csv").to_parquet("rows.parquet")
    assert run("rows.parquet", "out.parquet") == 0
    found = pandas.read_parquet("out.parquet")
    assert list(found.columns) == ["output_0", "output_1", "output_2"]
    np.testing.assert_array_equal(found.to_numpy(), files)


@pytest.mark.parametrize("count", [0, 1, 7, 23])
@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_shares_have_every_row_once(count, n):
    rows = [i for k in range(1, n + 1) for i in range(count)[share_of(count, (k, n))]]
    assert rows == list(range(count))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["rows.txt", "out.npy"], "rows.txt: expected a name that ends in .npy, .csv, .parquet"),
        (["none.npy", "out.npy"], "none.npy cannot be read"),
        (["rows.npy", "out.npy", "--shard", "9/5"], "expected I/N such as 3/8"),
        (["narrow.csv", "out.npy"], "narrow.csv has 2 columns; expected as many as"),
        (["flat.npy", "out.npy"], "flat.npy: "),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path, capsys, options, message):
    (tmp_path / "narrow.csv").write_text("a,b\n1,2\n")
    np.save("flat.npy", np.zeros((3, 5), np.float32))
    try:
        code = run(*options)
    except SystemExit as stop:
        code = stop.code
    assert code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.npy").exists()
