"""The command line: help, versions, refusals, and lstmcore as a process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import QUICK, demo_of, fails

import lstmcore
from lstmcore import _core, cli

# The package under test, also from the temporary folders that the processes start in.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lstmcore.__file__).parent.parent)}


def commands():
    """Return the names of all commands."""
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
