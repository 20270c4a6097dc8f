"""The command line: ``lstmcore demo | forecast | classify | text | tune | bench | info | convert |
serve``.

A command is a module of this package, named in `COMMANDS`, whose function `add` adds a parser
with the function that executes the command. `common` has shared parts. Exit codes: 0 success, 1
failure, 2 invalid arguments, 130 interrupted. Every error is one line on stderr that says what to
do.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from .._version import __version__
from .common import CommandError, Parser, computing

COMMANDS = (
    "demo",
    "forecast",
    "classify",
    "text",
    "tune",
    "bench",
    "info",
    "convert",
    "predict",
    "serve",
)

__all__ = ["COMMANDS", "CommandError", "main", "make_parser"]


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="lstmcore",
        description="Long short-term memory networks on CPUs.",
        epilog="example:\n  lstmcore demo\n\nlstmcore COMMAND --help explains one command.",
    )
    parser.add_argument("--version", action="version", version=f"lstmcore {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        if find_spec(f"{__name__}.{name}") is not None:
            import_module(f"{__name__}.{name}").add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Execute a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack °C
    args = make_parser().parse_args(argv)
    from ..data import DataError

    try:
        with warnings.catch_warnings(), computing(args):
            warnings.showwarning = lambda message, *_: _print_warning(message)
            args.execute(args)
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        return _print_error("interrupted" + (f"; {stop}" if str(stop) else ""), 130)
    except BrokenPipeError:  # the reader, such as `head`, has stopped
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (CommandError, DataError, ImportError, OSError, FloatingPointError) as error:
        return _print_error(str(error))
    except MemoryError:
        return _print_error("there is not enough memory; try fewer units, or smaller batches")
    return 0


def _print_warning(message: Warning | str) -> None:
    """Print a warning in one line, without the place in the code that Python adds."""
    _print_error(f"warning: {message}")


def _print_error(message: str, code: int = 1) -> int:
    """Print an error in one line, and return the exit code."""
    print(f"lstmcore: {' '.join(message.split())}", file=sys.stderr)
    return code
