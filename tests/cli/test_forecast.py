"""``lstmcore forecast``: what it prints, writes and refuses."""

import json

import numpy as np
import pytest

from lstmcore import cli
from lstmcore.cli import forecast
from lstmcore.forecasting import LSTMForecaster

QUICK = ["--window", "12", "--horizon", "3", "--hidden", "4", "--epochs", "2"]


@pytest.fixture(autouse=True)
def sales(tmp_path, monkeypatch):
    """Write a CSV file of monthly sales, with prices known ahead, to an empty directory."""
    monkeypatch.chdir(tmp_path)
    months = np.datetime64("2010-01", "M") + np.arange(120)
    rng = np.random.default_rng(0)
    sold = 100 + 20 * np.sin(np.arange(117) * np.pi / 6) + rng.normal(size=117)
    price = rng.normal(size=120).round(3)
    rows = [f"{m},{s:.3f},{p}" for m, s, p in zip(months, sold, price, strict=False)]
    ahead = [f"{m},,{p}" for m, p in zip(months[117:], price[117:], strict=True)]
    (tmp_path / "sales.csv").write_text("\n".join(["month,sold,price", *rows]))
    (tmp_path / "ahead.csv").write_text("\n".join(["month,sold,price", *rows, *ahead]))
    return tmp_path


def run_json(capsys, *options):
    assert cli.main(["forecast", *options, *QUICK, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def fails(capsys, *options):
    try:
        code = cli.main(["forecast", *options, *QUICK])
    except SystemExit as stop:
        code = stop.code
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return code, err


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["forecast", "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "  lstmcore forecast passengers.csv" in out
    assert max(map(len, out.splitlines())) < 100


def test_the_report(capsys):
    assert cli.main(["forecast", "sales.csv", "--target", "sold", *QUICK]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("data      sold in sales.csv: 117 steps, 2010-01 to 2019-09\n")
    for name in ("forecast", "persistence", "seasonal naive", "network", "smoothing"):
        assert f"\n{name}" in out
    assert "% of the values lie in the 80 % interval" in out
    assert "verdict   the mean error of the forecast is" in out
    lines = out[out.index("\ndate") :].splitlines()
    assert lines[1].split() == ["date", "forecast", "10", "%", "90", "%"]
    for line, day in zip(lines[2:5], ("2019-10", "2019-11", "2019-12"), strict=True):
        when, middle, low, high = line.split()
        assert when == day
        assert float(low) <= float(middle) <= float(high)
    assert "window 12, season 12" in out


def test_json_is_what_python_gives(capsys):
    found = run_json(capsys, "sales.csv", "--target", "sold", "--quantiles", "0.05,0.95")
    sold = np.loadtxt("sales.csv", delimiter=",", skiprows=1, usecols=1)
    months = np.datetime64("2010-01", "M") + np.arange(117)
    model = LSTMForecaster(
        window=12, horizon=3, units=4, epochs=2, random_state=0, quantiles=[0.05, 0.95]
    ).fit(sold, months)
    np.testing.assert_allclose(found["forecast"]["values"], model.predict())
    assert list(found["forecast"]["quantiles"]) == ["0.05", "0.5", "0.95"]
    assert found["forecast"]["dates"] == ["2019-10", "2019-11", "2019-12"]
    assert found["backtest"]["mean_rmse"] == pytest.approx(model.backtest().mean_rmse)
    assert list(found["backtest"]["coverage"]) == ["0.9"]
    assert found["season"] == 12


def test_columns_known_ahead(capsys):
    options = ("ahead.csv", "--target", "sold", "--known-future", "price")
    found = run_json(capsys, *options)
    assert found["steps"] == 117
    assert len(found["forecast"]["values"]) == 3
    code, err = fails(capsys, "sales.csv", "--target", "sold", "--known-future", "price")
    assert code == 1
    assert "expected 3 rows with an empty 'sold' below the others, found 0" in err
    found = run_json(capsys, "sales.csv", "--target", "sold", "--with", "price", "--refit", "20")
    assert found["backtest"]["fits"] == 2


def test_model_and_plot(capsys, sales):
    options = ["sales.csv", "--target", "sold", "--model", "sold.safetensors"]
    plot = []
    try:
        import matplotlib  # noqa: F401

        plot = ["--plot", "out.png"]
    except ImportError:
        pass
    found = run_json(capsys, *options, *plot)
    model = LSTMForecaster.load("sold.safetensors")
    np.testing.assert_allclose(model.predict(), found["forecast"]["values"])
    if plot:
        assert (sales / "out.png").read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_keeps_the_best_model(capsys, monkeypatch):
    from lstmcore.forecasting import fitting

    class Stop(fitting.EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "EarlyStopping", Stop)
    options = ["forecast", "sales.csv", "--target", "sold", "-q", *QUICK]
    assert cli.main([*options, "--model", "sold.safetensors"]) == 130
    err = capsys.readouterr().err
    assert err == "lstmcore: interrupted; the best model so far is in sold.safetensors\n"
    assert np.isfinite(LSTMForecaster.load("sold.safetensors").predict()).all()
    assert cli.main(options) == 130
    assert capsys.readouterr().err == "lstmcore: interrupted\n"


def test_ctrl_c_in_the_backtest(capsys, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(LSTMForecaster, "backtest", stop)
    options = ["forecast", "sales.csv", "--target", "sold", "-q", *QUICK]
    assert cli.main([*options, "--model", "sold.safetensors"]) == 130
    err = capsys.readouterr().err
    assert err == "lstmcore: interrupted; the trained model is in sold.safetensors\n"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["gone.csv"], 1, "gone.csv cannot be read: No such file"),
        (["sales.csv"], 1, "sold, price"),
        (["sales.csv", "--target", "solt"], 1, "no column 'solt'; did you mean 'sold'?"),
        (["ahead.csv", "--target", "sold"], 1, "ahead.csv line 119: column 'sold' has no value"),
        (["sales.csv", "--target", "month"], 1, "holds '2010-01', not a number"),
        (["empty.csv"], 1, "empty.csv is empty"),
        (["latin.csv"], 1, "latin.csv is not UTF-8 text"),
        (["short.csv"], 1, "too short: 9 steps"),
        (["sales.csv", "--target", "sold", "--horizon", "0"], 2, "argument --horizon"),
        (["sales.csv", "--target", "sold", "--quantiles", "0.1,2"], 2, "argument --quantiles"),
        (["sales.csv", "--target", "sold", "--model", "a.h5"], 1, "must end in .safetensors"),
        (
            ["sales.csv", "--target", "sold", "--with", "price", "--strategy", "recursive"],
            1,
            "column 'price' is not known ahead",
        ),
    ],
)
def test_refusals_are_one_line(capsys, sales, options, code, message):
    (sales / "empty.csv").write_text("")
    (sales / "latin.csv").write_bytes("größe\n1\n".encode("latin-1"))
    (sales / "short.csv").write_text("y\n" + "\n".join("123456789"))
    assert forecast.SHOWN  # the command's module is the one that is tested
    found, err = fails(capsys, *options)
    assert found == code
    assert message in err


@pytest.mark.filterwarnings("default")
def test_an_absurd_value_gets_one_line(capsys):
    sold = np.loadtxt("sales.csv", delimiter=",", skiprows=1, usecols=1)
    sold[49] = 9e9
    np.savetxt("absurd.csv", sold, header="sold", comments="")
    assert cli.main(["forecast", "absurd.csv", *QUICK]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("lstmcore: warning: column 'sold' has 9e+09 at step 49, far from all")
    assert err.count("\n") == err.count("lstmcore: warning: ")
    assert "\nchosen    " in out
