"""The command line: what it prints, writes and returns, and how it refuses."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import fails

import lstmcore
from lstmcore import _core, cli
from lstmcore.cli import common, demo

# The package under test, also from the temporary folders that the processes start in.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lstmcore.__file__).parent.parent)}
QUICK = ["--window", "12", "--horizon", "3", "--hidden", "4", "--epochs", "2"]


@pytest.fixture
def prices(tmp_path, monkeypatch):
    """A CSV file of prices in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    values = 100 + np.random.default_rng(0).normal(size=120).cumsum()
    rows = [f"{i},{value:.4f}" for i, value in enumerate(values)]
    (tmp_path / "prices.csv").write_text("\n".join(["trade,price", *rows]))
    return tmp_path


def demo_of(*options):
    return ["demo", "--data", "prices.csv", "--column", "price", *QUICK, *options]


def commands():
    """The commands there are."""
    return [name for name in cli.COMMANDS if f"\n    {name} " in cli.make_parser().format_help()]


# --- help and versions --------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], *([name] for name in sorted(commands()))])
def test_help_shows_an_example(capsys, command):
    with pytest.raises(SystemExit) as stop:
        cli.main([*command, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "example" in out
    assert "  lstmcore " in out
    assert max(map(len, out.splitlines())) < 100


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"lstmcore {lstmcore.__version__}\n"


def test_info(capsys):
    assert cli.main(["info"]) == 0
    out = capsys.readouterr().out
    assert lstmcore.__version__ in out
    assert _core.isa() in out


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from lstmcore import cli\n"
        "try: cli.main(['demo', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'scipy', 'tqdm', 'matplotlib', 'optuna', 'sklearn', 'lstmcore.cli.demo_run'}\n"
        "assert not heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=ENVIRONMENT)


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
    ("argv", "message"),
    [
        ([], "lstmcore: the following arguments are required: COMMAND (see lstmcore --help)"),
        (["forecats"], "invalid choice: 'forecats'"),
        (["demo", "--colum", "x"], "unrecognized arguments: --colum x"),
        (["demo", "--window", "0"], "argument --window: expected a whole number from 1 to"),
        (
            ["demo", "--horizon", "a week"],
            "expected a whole number from 1 to 2147483647, got 'a we",
        ),
        (["demo", "--seed", "-1"], "argument --seed: expected"),
        (["demo", "--season", "1"], "argument --season: expected 0 for none, or 2 steps or more"),
        (["demo", "--plot", "a.png", "--no-plot"], "not allowed with"),
    ],
)
def test_a_wrong_call_is_one_line_and_code_2(capsys, argv, message):
    code, out, err = fails(capsys, argv)
    assert code == 2
    assert out == ""
    assert message in err
    assert "--help)" in err


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


# --- as a process -------------------------------------------------------------------------------


def run(*argv, **environment):
    return subprocess.run(
        [sys.executable, "-m", "lstmcore", *argv],
        capture_output=True,
        env={**ENVIRONMENT, **environment},
    )


def test_the_process_returns_the_exit_code(prices):
    assert run("demo", "--help").returncode == 0
    assert run("demo", "--window", "x").returncode == 2
    missing = run("demo", "--data", "gone.csv")
    assert missing.returncode == 1
    assert missing.stdout == b""


def test_a_terminal_without_unicode_is_no_reason_to_fail(prices):
    done = run("demo", *QUICK, "--no-plot", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert b"in ?C" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(prices):
    command = f'"{sys.executable}" -m lstmcore {" ".join(demo_of("--no-plot"))} | true'
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"], capture_output=True, env=ENVIRONMENT
    )
    assert done.returncode == 0
    assert done.stderr == b""


def test_ctrl_c_in_the_middle_of_training(prices):
    command = [sys.executable, "-m", "lstmcore", *demo_of("--no-plot", "--epochs", "1000000")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True
    )
    while "Epoch 3/" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "lstmcore: interrupted\n")
