"""The command line: ``lstmcore demo``, ``lstmcore info``.

A command is one function that adds its parser and names the function that runs it, and one line
in `COMMANDS`. Exit codes: 0 the job is done, 1 it cannot be done, 2 the call is wrong, 130 it was
interrupted. Every error is one line on stderr that says what to do.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from ._version import __version__

DEFAULT_PLOT = "lstmcore-demo.png"


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class CommandError(Exception):
    """The job cannot be done; the message is one line and says what to do."""


def _whole_number(low: int, high: int = 2**31 - 1) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {low} to {high}, got {text!r}"
            )
        return number

    return parse


def _season(text: str) -> int:
    number = _whole_number(0)(text)
    if number == 1:
        raise argparse.ArgumentTypeError("expected 0 for none, or 2 steps or more, got '1'")
    return number


# --- demo ----------------------------------------------------------------------------------------


def _add_demo(commands: Any) -> None:
    parser = commands.add_parser(
        "demo",
        help="forecast the bundled weather, or your own series, and compare with simple forecasts",
        description=(
            "Train an LSTM on a series, forecast the held-out last part (a year, or a quarter\n"
            "where there are less than two years of daily values), and compare its error with\n"
            "that of repeating the last value and of repeating the last season. Without --data:\n"
            "four years of daily weather in Seattle."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore demo\n"
            "  lstmcore demo --data prices.csv --column price\n"
            "  lstmcore demo --data sales.csv --column sold --season 12 --window 24 --horizon 3\n"
            "  lstmcore demo --json --no-plot | python -m json.tool"
        ),
    )
    parser.set_defaults(run=_demo)
    add = parser.add_argument
    add("--data", metavar="CSV", help="a CSV file in UTF-8 whose first line names the columns")
    add(
        "--column", metavar="NAME", help="the column to forecast (default without --data: temp_max)"
    )
    number = _whole_number(1)
    add("--window", metavar="N", type=number, default=30, help="steps that go in (default: 30)")
    add("--horizon", metavar="N", type=number, default=7, help="steps to forecast (default: 7)")
    add(
        "--season",
        metavar="N",
        type=_season,
        help="steps in a season, 0 for none (default: 365 for two years of daily dates, or none)",
    )
    add("--hidden", metavar="N", type=number, default=32, help="units of the LSTM (default: 32)")
    add("--epochs", metavar="N", type=number, default=20, help="passes over the data (default: 20)")
    add("--seed", metavar="N", type=_whole_number(0), default=0, help="repeats a run (default: 0)")
    plot = parser.add_mutually_exclusive_group()
    plot.add_argument(
        "--plot", metavar="PATH", help=f".png, .pdf or .svg (default: {DEFAULT_PLOT})"
    )
    plot.add_argument("--no-plot", action="store_true", help="write no plot")
    add("--json", action="store_true", help="print the result as JSON, and nothing else")
    add("-q", "--quiet", action="store_true", help="print the result without the progress")


def _demo(args: argparse.Namespace) -> None:
    plot = _plot_path(args)
    from . import demo, demo_report
    from .data import read_series

    settings = demo.Settings(
        args.window, args.horizon, args.season, args.hidden, args.epochs, args.seed
    )
    series = read_series(args.data, args.column) if args.data else demo.seattle(args.column)
    silent = args.json or args.quiet
    if not silent:
        print(demo_report.introduce(series, settings), flush=True)
    result = demo.forecast(series, settings, verbose=0 if silent else "auto")
    if plot is not None:
        demo.plot(result, plot)
    if args.json:
        print(json.dumps({**demo_report.to_json(result), "plot": plot}, indent=2))
        return
    if plot is None:
        plot = "none" if args.no_plot else "none: it needs pip install lstmcore[plot]"
    print("" if silent else "\n", demo_report.report(result, plot), sep="")


def _plot_path(args: argparse.Namespace) -> str | None:
    """Where to write the plot, checked before the work and not after it."""
    if args.no_plot:
        return None
    if find_spec("matplotlib") is None:
        if args.plot is None:
            return None
        raise CommandError("--plot needs matplotlib: pip install lstmcore[plot]")
    from .plotting import FORMATS

    path = Path(args.plot or DEFAULT_PLOT)
    if path.suffix.lower() not in FORMATS:
        raise CommandError(f"--plot {path}: the name must end in {', '.join(FORMATS)}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"{path} cannot be written; give another --plot PATH, or --no-plot")
    return str(path)


# --- info ----------------------------------------------------------------------------------------


def _add_info(commands: Any) -> None:
    parser = commands.add_parser(
        "info",
        help="show the versions, the instruction set and the threads in use",
        description="Show what the library runs on; put it into every report of a fault.",
        epilog="example:\n  lstmcore info",
    )
    parser.set_defaults(run=_info)


def _info(args: argparse.Namespace) -> None:
    from .utils import show_config

    show_config()


# --- all -----------------------------------------------------------------------------------------

COMMANDS = (_add_demo, _add_info)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="lstmcore",
        description="Long short-term memory networks on CPUs.",
        epilog="example:\n  lstmcore demo\n\nlstmcore COMMAND --help explains one command.",
    )
    parser.add_argument("--version", action="version", version=f"lstmcore {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without °C is no reason to fail
    args = make_parser().parse_args(argv)
    from .data import DataError

    try:
        args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("lstmcore: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (CommandError, DataError, ImportError, OSError) as error:
        print(f"lstmcore: {error}", file=sys.stderr)
        return 1
    return 0
