"""``lstmcore info``: what the library runs on."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "info",
        help="show the versions, the instruction set and the threads in use",
        description="Show what the library runs on; put it into every report of a fault.",
        epilog="example:\n  lstmcore info",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..utils import show_config

    show_config()
