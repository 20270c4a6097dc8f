"""``lstmcore tune``: search for the network that best forecasts a column of a CSV file."""

from __future__ import annotations

import argparse
from typing import Any

from .common import (
    CommandError,
    Interrupted,
    add_computing,
    add_output,
    add_plot,
    is_silent,
    model_path,
    need,
    plot_path,
    print_json,
    whole_number,
)

SEARCHES = ("bayesian", "random", "hyperband")


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "tune",
        help="search for the LSTM that best forecasts a column of a CSV file",
        description=(
            "Train the forecaster of `lstmcore forecast` with different sizes, windows and\n"
            "learning rates, and show the best one with its error on the held-out last fifth,\n"
            "compared with repeating the last value. It is chosen by its error on the fifth\n"
            "before. With --id it is one forecaster for many series, chosen and tested on the\n"
            "last two horizons of each. The same command continues an interrupted search."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore tune sales.csv --target sold --horizon 7 --trials 30\n"
            "  lstmcore tune sales.csv --target sold --jobs 4 --save best.safetensors\n"
            "  lstmcore tune sales.csv --target sold --storage sqlite:///study.db\n"
            "  lstmcore tune shops.csv --id shop --target sold --horizon 14\n"
            "  lstmcore tune sales.csv --target sold --build network.py\n\n"
            "network.py has a function build_model(hp) that returns a compiled model, which takes\n"
            "(hp.get('window'), 1) and gives hp.get('horizon') numbers."
        ),
    )
    parser.set_defaults(execute=execute)
    option, number = parser.add_argument, whole_number(1)
    option("data", metavar="CSV", help="a CSV file in UTF-8 whose first line names the columns")
    option("--target", metavar="NAME", help="the column to forecast (default: the one of numbers)")
    option("--id", metavar="NAME", help="many series: the column that says which a row is of")
    option("--horizon", metavar="N", type=number, default=1, help="steps to forecast (default: 1)")
    option("--window", metavar="N", type=number, help="input steps (default: searched)")
    option("--trials", metavar="N", type=number, default=20, help="networks to try (default: 20)")
    option("--epochs", metavar="N", type=number, default=30, help="at most, for each (default: 30)")
    option(
        "--search",
        choices=SEARCHES,
        default=SEARCHES[0],
        help="search algorithm (default: bayesian)",
    )
    option("--jobs", metavar="N", type=number, default=1, help="processes (default: 1)")
    option(
        "--storage", metavar="URL", help="an Optuna storage, to share the search between machines"
    )
    option("--build", metavar="FILE.py", help="a Python file with build_model(hp) of your own")
    option(
        *("--directory",),
        metavar="PATH",
        default="lstmcore-tune",
        help="the folder for the search and its models (default: lstmcore-tune)",
    )
    option("--save", metavar="PATH", help="write the best model here too (.safetensors)")
    option("--new", action="store_true", help="delete an earlier search of the same command")
    add_computing(parser)
    add_plot(parser)
    add_output(parser)


def execute(args: argparse.Namespace) -> None:
    """Execute the command."""
    need("optuna", "tuner", "tune")
    if args.id is not None and args.build is not None:
        raise CommandError("--build is for a single series; leave out --id or --build")
    plot, save = plot_path(args), args.save and model_path(args.save, "--save")
    from . import tune_forecaster, tune_run

    if args.build is None:
        task = tune_forecaster.read(args)
        tuner, introduction = tune_forecaster.make_tuner(args, task), task.introduction()
    else:
        problem = tune_run.read(args)
        tuner, introduction = tune_run.make_tuner(args, problem), tune_run.introduce(problem)
    if not is_silent(args):
        print(introduction, tune_run.plan(args), sep="\n", flush=True)
    try:
        tuner.search(verbose=0 if is_silent(args) else "auto", **tune_run.training(args))
    except KeyboardInterrupt:
        if args.build is None:
            raise Interrupted(tune_forecaster.best_so_far(tuner, task, save)) from None
        raise Interrupted(tune_run.save_best_so_far(tuner, save)) from None
    if args.build is None:
        result = tune_forecaster.result(tuner, task, save)
    else:
        result = tune_run.result(tuner, problem)
        if save:
            tuner.get_best_models()[0].save(save)
            result["model"] = save
    if plot:
        from ..tuner import plot_history

        plot_history(tuner, plot)
    if args.json:
        print_json({**result, "plot": plot})
    else:
        print("" if is_silent(args) else "\n", tune_run.report(result, plot), sep="")
