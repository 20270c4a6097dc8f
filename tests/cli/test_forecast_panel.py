"""``lstmcore forecast --id``: many series in one file."""

import csv
import json

import numpy as np
import pytest

from lstmcore import cli
from lstmcore.data import read_long
from lstmcore.forecasting import GlobalForecaster

QUICK = ["--window", "10", "--horizon", "3", "--hidden", "4", "--epochs", "2", "--id", "shop"]


@pytest.fixture(autouse=True)
def shops(tmp_path, monkeypatch):
    """Write counts of four shops, whose prices are known ahead, to an empty directory."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    days = np.datetime64("2024-01-01") + np.arange(63)
    rows, ahead = [], []
    for k in range(4):
        sold = random.poisson(5 * (k + 1) * (1 + 0.5 * np.sin(2 * np.pi * np.arange(60) / 7)))
        lines = [
            f"s{k},{d},{y},{random.normal():.3f},{'xy'[k % 2]}"
            for d, y in zip(days, sold, strict=False)
        ]
        rows += lines
        ahead += [f"s{k},{d},,{random.normal():.3f},{'xy'[k % 2]}" for d in days[60:]]
    head = "shop,day,sold,price,kind"
    (tmp_path / "shops.csv").write_text("\n".join([head, *rows]))
    (tmp_path / "ahead.csv").write_text("\n".join([head, *rows, *ahead]))
    (tmp_path / "gaps.csv").write_text("\n".join([head, *rows[:20], *rows[21:]]))


def run_json(capsys, *options):
    assert cli.main(["forecast", *options, *QUICK, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def fails(capsys, *options):
    code = cli.main(["forecast", *options, "-q"])
    err = capsys.readouterr().err
    assert (code, err.count("\n")) == (1, 1)
    return err


def test_the_report_and_the_table(capsys):
    options = ["forecast", "shops.csv", "--target", "sold", *QUICK, "--output", "out.csv"]
    assert cli.main(options) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(
        "data      sold in shops.csv: 4 series by shop, 240 rows, 2024-01-01 to 2024-02-29\n"
    )
    assert "SeasonalNaive" in out
    assert "coverage-80" in out
    assert "s0  2024-03-01" in out
    with open("out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["shop"] for row in rows] == np.repeat(["s0", "s1", "s2", "s3"], 3).tolist()
    assert [row["day"] for row in rows[:3]] == ["2024-03-01", "2024-03-02", "2024-03-03"]
    assert float(rows[0]["LSTM_ql0.1"]) <= float(rows[0]["LSTM"]) <= float(rows[0]["LSTM_ql0.9"])


def test_json_is_what_python_gives(capsys):
    found = run_json(
        capsys,
        *("ahead.csv", "--target", "sold", "--known-future", "price", "--static", "kind"),
        *("--head", "negative_binomial", "--calendar", "--model", "m.safetensors"),
    )
    known = read_long("ahead.csv", "shop", "sold", (), ["price"], ["kind"])
    model = GlobalForecaster(
        horizon=3,
        window=10,
        units=4,
        epochs=2,
        random_state=0,
        known_future=["price"],
        static=["kind"],
        calendar=True,
        head="negative_binomial",
    ).fit(known.columns, id_col="shop", time_col="day", target_col="sold")
    want = model.predict(future=known.ahead)["LSTM"]
    np.testing.assert_allclose(found["forecast"]["LSTM"], want)
    again = GlobalForecaster.load("m.safetensors").predict(future=known.ahead)
    np.testing.assert_allclose(again["LSTM"], want)
    assert found["backtest"]["metric"][-1] == "coverage-80"
    assert found["series"] == 4


def test_what_it_refuses(capsys):
    target = ["--target", "sold"]
    assert "name their column by --id" in fails(capsys, "shops.csv", *target, "--static", "kind")
    assert "--head poisson is for many" in fails(capsys, "shops.csv", *target, "--head", "poisson")
    for option in (["--log"], ["--strategy", "recursive"], ["--plot", "a.png"]):
        assert "for a single series" in fails(capsys, "shops.csv", *target, *option, *QUICK)
    err = fails(capsys, "gaps.csv", *target, *QUICK)
    assert "missing before shop s0 at 2024-01-22" in err
    assert err.endswith("; say --fill\n")
    assert run_json(capsys, "gaps.csv", *target, "--fill", "interpolate")["series"] == 4
    err = fails(capsys, "shops.csv", *target, *QUICK, "--static", "price")
    assert "shop s0 has" in err
    assert "--output out.txt" in fails(capsys, "shops.csv", *target, *QUICK, "--output", "out.txt")


def test_a_panel_read_as_one_series_says_what_to_do(capsys):
    err = fails(capsys, "shops.csv", "--target", "sold")
    assert "column 'shop' has 4 series" in err
    assert "lstmcore forecast --id shop" in err
