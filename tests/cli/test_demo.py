"""``lstmcore demo``: what it prints, writes and refuses."""

import json
import sys

import numpy as np
import pytest
from command_line import QUICK, demo_of, fails

from lstmcore import _core, cli
from lstmcore.cli import common, demo

# --- demo ---------------------------------------------------------------------------------------


def test_demo_of_a_file(capsys, prices):
    pytest.importorskip("matplotlib")
    assert cli.main(demo_of("--plot", "out.png")) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "120 steps" in out
    assert "Epoch 2/2" in out
    assert "persistence" in out
    assert "same day last year" not in out
    assert f"kernel    {_core.isa()}" in out
    assert "season    none (no dates like 2024-01-31)" in out
    assert out.endswith("plot      out.png\n")
    assert (prices / "out.png").read_bytes().startswith(b"\x89PNG")


def test_demo_without_data_is_the_weather(capsys, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo", *QUICK]) == 0
    out = capsys.readouterr().out
    assert "daily maximum temperature in °C; Seattle" in out
    assert "NOAA" in out
    assert "same day last year" in out
    assert (tmp_path / demo.DEFAULT_PLOT).exists()


def test_season(capsys, prices):
    assert cli.main(demo_of("--season", "5", "--no-plot")) == 0
    out = capsys.readouterr().out
    assert "5 steps earlier" in out
    assert out.endswith("plot      none\n")
    assert not list(prices.glob("*.png"))


def test_quiet_prints_the_result_alone(capsys, prices):
    assert cli.main(demo_of("-q", "--no-plot")) == 0
    out = capsys.readouterr().out
    assert "Epoch" not in out
    assert out.startswith("RMSE, steps ahead")


def test_json_is_all_there_is(capsys, prices):
    assert cli.main(demo_of("--json", "--no-plot", "--seed", "5")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plot"] is None
    assert found["settings"]["seed"] == 5
    assert found["data"]["name"] == "price"
    assert [len(v) for v in found["rmse"].values()] == [3, 3]


def test_without_matplotlib_the_numbers_are_printed(capsys, prices, monkeypatch):
    monkeypatch.setattr(common, "find_spec", lambda name: None)
    assert cli.main(demo_of("-q")) == 0
    assert capsys.readouterr().out.endswith("plot      none: it needs pip install lstmcore[plot]\n")
    assert fails(capsys, demo_of("--plot", "out.png")) == (
        1,
        "",
        "lstmcore: --plot needs matplotlib: pip install lstmcore[plot]",
    )


def test_a_broken_matplotlib_is_named(prices, monkeypatch):
    from lstmcore.plotting import plot_backtest

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install lstmcore\[plot\]"):
        plot_backtest(np.zeros((2, 2)), {}, {}, to_file="out.png")


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "gone.csv"], "gone.csv cannot be read: No such file or directory"),
        (["--data", "prices.csv"], "choose a column of numbers with --column: trade, price"),
        (["--data", "prices.csv", "--column", "prize"], "did you mean 'price'?"),
        (["--column", "rain"], "the bundled weather has no column 'rain'"),
        (["--data", "prices.csv", "--column", "price", "--window", "80"], "is too short"),
        (["--data", "bad.csv", "--column", "v"], "bad.csv line 3: column 'v' holds 'x', not a num"),
        (["--plot", "out.gif"], "the name must end in .png, .pdf, .svg"),
        (["--plot", "no/such/folder/out.png"], "cannot be written; give another --plot PATH"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_code_1(capsys, prices, options, message):
    (prices / "bad.csv").write_text("v\n1\nx\n")
    if "--plot" in options:
        pytest.importorskip("matplotlib")
    code, _, err = fails(capsys, ["demo", *options])
    assert code == 1
    assert err.startswith("lstmcore: ")
    assert message in err


def test_an_interrupt_is_code_130(capsys, prices, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("lstmcore.cli.demo_run.forecast", interrupt)
    code, _, err = fails(capsys, demo_of("--no-plot"))
    assert (code, err) == (130, "lstmcore: interrupted")
