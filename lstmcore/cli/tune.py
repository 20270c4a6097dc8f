"""``lstmcore tune``: search for the network that best forecasts a column of a CSV file."""

from __future__ import annotations

import argparse
from typing import Any

from .common import (
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
            "Try networks of different sizes, windows and learning rates on a series, and show\n"
            "the best one with its error on the held-out last fifth, compared with repeating the\n"
            "last value. The fifth before it is for validation. The same command continues an\n"
            "interrupted search."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore tune sales.csv --target sold --horizon 7 --trials 30\n"
            "  lstmcore tune sales.csv --target sold --jobs 4 --save best.safetensors\n"
            "  lstmcore tune sales.csv --target sold --storage sqlite:///study.db\n"
            "  lstmcore tune sales.csv --target sold --build network.py\n\n"
            "network.py has a function build_model(hp) that returns a compiled model, which takes\n"
            "(hp.get('window'), 1) and gives hp.get('horizon') numbers."
        ),
    )
    parser.set_defaults(execute=execute)
    option, number = parser.add_argument, whole_number(1)
    option("data", metavar="CSV", help="a CSV file in UTF-8 whose first line names the columns")
    option("--target", metavar="NAME", help="the column to forecast (default: the one of numbers)")
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
    plot, save = plot_path(args), args.save and model_path(args.save, "--save")
    from . import tune_run

    problem = tune_run.read(args)
    tuner = tune_run.make_tuner(args, problem)
    if not is_silent(args):
        print(tune_run.introduce(problem, args), flush=True)
    try:
        tuner.search(verbose=0 if is_silent(args) else "auto", epochs=args.epochs)
    except KeyboardInterrupt:
        raise Interrupted(tune_run.save_best_so_far(tuner, save)) from None
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
