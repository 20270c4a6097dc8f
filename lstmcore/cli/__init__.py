"""The command line: ``lstmcore demo | forecast | classify | text | tune | bench | info``.

A command is a module of this package, named in `COMMANDS`, with a function `add` that adds its
parser and names the function that runs it; `common` has what they share. Exit codes: 0 the job is
done, 1 it cannot be done, 2 the call is wrong, 130 it was interrupted. Every error is one line on
stderr that says what to do.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from .._version import __version__
from .common import CommandError, Parser, computing

COMMANDS = ("demo", "forecast", "classify", "text", "tune", "bench", "info")

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
    from ..data import DataError

    try:
        with computing(args):
            args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        return _refuse("interrupted" + (f"; {stop}" if str(stop) else ""), 130)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (CommandError, DataError, ImportError, OSError, FloatingPointError) as error:
        return _refuse(str(error))
    except MemoryError:
        return _refuse("there is not enough memory; try fewer units, or smaller batches")
    return 0


def _refuse(message: str, code: int = 1) -> int:
    """Say in one line why the job is not done."""
    print(f"lstmcore: {' '.join(message.split())}", file=sys.stderr)
    return code
