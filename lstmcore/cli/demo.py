"""``lstmcore demo``: forecast of the bundled weather, or of a series in a file."""

from __future__ import annotations

import argparse
from typing import Any

from .common import (
    add_computing,
    add_output,
    add_plot,
    is_silent,
    plot_path,
    print_json,
    season,
    whole_number,
)

DEFAULT_PLOT = "lstmcore-demo.png"


def add(commands: Any) -> None:
    """Add the command's parser."""
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
    parser.set_defaults(execute=execute)
    option = parser.add_argument
    option("--data", metavar="CSV", help="a CSV file in UTF-8 whose first line names the columns")
    option(
        "--column", metavar="NAME", help="the column to forecast (default without --data: temp_max)"
    )
    number = whole_number(1)
    option("--window", metavar="N", type=number, default=30, help="input steps (default: 30)")
    option("--horizon", metavar="N", type=number, default=7, help="steps to forecast (default: 7)")
    option(
        "--season",
        metavar="N",
        type=season,
        help="steps in a season, 0 for none (default: 365 for two years of daily dates, or none)",
    )
    option("--hidden", metavar="N", type=number, default=32, help="units of the LSTM (default: 32)")
    option(
        "--epochs", metavar="N", type=number, default=20, help="passes over the data (default: 20)"
    )
    add_computing(parser)
    add_plot(parser, DEFAULT_PLOT)
    add_output(parser)


def execute(args: argparse.Namespace) -> None:
    """Execute the command."""
    plot = plot_path(args, DEFAULT_PLOT)
    from ..data import read_series
    from . import demo_report, demo_run

    settings = demo_run.Settings(
        args.window, args.horizon, args.season, args.hidden, args.epochs, args.seed
    )
    column = args.column
    series = (
        read_series(args.data, column, option="--column") if args.data else demo_run.seattle(column)
    )
    silent = is_silent(args)
    if not silent:
        print(demo_report.introduce(series, settings), flush=True)
    result = demo_run.forecast(series, settings, verbose=0 if silent else "auto")
    if plot is not None:
        demo_run.plot(result, plot)
    if args.json:
        print_json({**demo_report.to_json(result), "plot": plot})
        return
    if plot is None:
        plot = "none" if args.no_plot else "none: it needs pip install lstmcore[plot]"
    print("" if silent else "\n", demo_report.report(result, plot), sep="")
