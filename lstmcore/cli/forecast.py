"""``lstmcore forecast``: forecast of a column of a file, with intervals and a backtest."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .common import (
    CommandError,
    Interrupted,
    add_computing,
    add_output,
    add_plot,
    model_path,
    names,
    plot_path,
    print_json,
    print_progress,
    real_number,
    season,
    verbose,
    whole_number,
)

if TYPE_CHECKING:
    from ..data import Known
    from ..forecasting import Backtest, Forecast, LSTMForecaster

COUNTED = ("student", "negative_binomial", "poisson")  # heads of panels
SHOWN = 60  # steps of history in the plot, at least


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "forecast",
        help="forecast a column of a CSV file, with intervals and a backtest",
        description=(
            "Train an LSTM on a column of a CSV file and forecast its next steps, with intervals.\n"
            "A backtest on the last part compares the errors of such forecasts with those of\n"
            "repeating the last value and of repeating the last season."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore forecast passengers.csv --target passengers --horizon 12 --plot out.png\n"
            "  lstmcore forecast sales.csv --target sold --known-future price,holiday\n"
            "  lstmcore forecast load.csv --target mw --season 24 --quantiles 0.05,0.95 --json\n"
            "  lstmcore forecast shops.csv --id shop --target sold --output forecast.csv\n"
            "With --known-future the file ends with rows that have the columns known ahead, and\n"
            "an empty target."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("data", metavar="CSV", help="UTF-8; the first line names the columns")
    _add_data(parser.add_argument)
    _add_model(parser.add_argument)
    _add_panel(parser.add_argument_group("many series in one file, a row for each and date"))
    add_computing(parser)
    add_plot(parser)
    add_output(parser)


def _add_data(option: Any) -> None:
    number = whole_number(1)
    option("--target", metavar="NAME", help="the column to forecast, if there are several")
    option("--horizon", metavar="N", type=number, default=7, help="steps to forecast (default: 7)")
    option("--known-future", metavar="A,B", type=names, default=[], help="columns known ahead")
    option("--with", metavar="A,B", type=names, default=[], dest="past", help="other columns")
    option(
        "--season",
        metavar="N",
        type=season,
        help="steps in a season, 0 for none (default: from dates)",
    )
    option("--freq", metavar="STEP", help="h, 15min, D, B, W, MS ... (default: from dates)")
    option(
        *("--fill",),
        choices=("none", "forward", "interpolate", "zero", "mask"),
        help="what missing steps get; masked ones count in no error (default: up to 5 %% are "
        "interpolated)",
    )
    option(
        *("--dates",),
        choices=("day-first", "month-first"),
        help="how 01/02/2024 is meant, where no row tells",
    )
    option("--window", metavar="N", type=number, help="input steps (default: from the season)")
    option(
        *("--log",),
        action=argparse.BooleanOptionalAction,
        default="auto",
        help="forecast the logarithm of positive values (default: where that is clearly better)",
    )
    option("--refit", metavar="K", type=number, help="backtest: train again every K forecasts")


def _add_model(option: Any) -> None:
    number = whole_number(1)
    option(
        *("--quantiles",),
        metavar="Q,Q",
        type=_quantiles,
        default=[0.1, 0.5, 0.9],
        help="(default: 0.1,0.5,0.9)",
    )
    option(
        *("--head",),
        choices=("quantile", "gaussian", "point", *COUNTED),
        default="quantile",
        help="what the network learns; point has no intervals; student, and for counts "
        "negative_binomial and poisson, need --id (default: quantile)",
    )
    option(
        *("--method",),
        choices=("auto", "network", "regression", "smoothing"),
        default="auto",
        help="what forecasts; auto blends them by their errors on the validation part",
    )
    option(
        *("--strategy",),
        choices=("direct", "recursive"),
        default="direct",
        help="all steps at once, or one after the other (default: direct)",
    )
    option("--hidden", metavar="N", type=number, default=32, help="units of the LSTM (default: 32)")
    option("--epochs", metavar="N", type=number, default=50, help="at most (default: 50)")
    option("--model", metavar="PATH", help="write the trained forecaster here (.safetensors)")


def _add_panel(group: Any) -> None:
    option = group.add_argument
    option("--id", metavar="NAME", help="the column that says which series a row is of")
    option("--static", metavar="A,B", type=names, default=[], help="columns constant in a series")
    option("--calendar", action="store_true", help="let the network see the calendar")
    option("--holidays", metavar="US", help="let it see the public holidays of a country")
    option("--output", metavar="FILE.csv", help="write the forecasts of all series here")


def _quantiles(text: str) -> list[float]:
    return [real_number(0.001, 0.999)(entry) for entry in text.split(",")]


def execute(args: argparse.Namespace) -> None:
    """Execute the command."""
    if args.id is not None:
        from . import forecast_panel

        forecast_panel.execute(args)
        return
    _refuse_panel(args)
    plot = plot_path(args)
    path = model_path(args.model) if args.model else None
    from ..data import read_columns
    from ..forecasting import LSTMForecaster

    known = read_columns(
        args.data,
        args.target,
        args.past,
        args.known_future,
        freq=args.freq,
        fill=args.fill,
        order=args.dates,
        option="--target",
    )
    target = next(iter(known.columns))
    _check_known_future(args, target, known)
    forecaster = LSTMForecaster(
        target=target,
        horizon=args.horizon,
        window=args.window,
        known_future=args.known_future,
        strategy=args.strategy,
        head=args.head,
        quantiles=args.quantiles,
        season="auto" if args.season is None else args.season,
        freq=args.freq,
        method=args.method,
        log=args.log,
        units=args.hidden,
        epochs=args.epochs,
        random_state=args.seed,
        verbose=verbose(args),
    )
    print_progress(args, *_introduction(args, target, known), "")
    _fit(forecaster, known, path)
    print_progress(args, "", "backtest")
    try:
        tested = forecaster.backtest(refit=args.refit)
    except KeyboardInterrupt:
        raise Interrupted(f"the trained model is in {path}" if path else "") from None
    found = forecaster.forecast(future=known.ahead or None)
    if plot is not None:
        _draw(plot, forecaster, tested, found)
    if args.json:
        print_json(_to_json(args, known, forecaster, tested, found, plot, path))
    else:
        print_progress(args, "")
        print("\n".join(_report(known, forecaster, tested, found, plot, path)))


def _refuse_panel(args: argparse.Namespace) -> None:
    """Raise CommandError for options that are for many series."""
    options = ("static", "calendar", "holidays", "output")
    given = [f"--{name}" for name in options if getattr(args, name)]
    given += [f"--head {args.head}"] * (args.head in COUNTED)
    if given:
        raise CommandError(f"{given[0]} is for many series in one file; name their column by --id")


def _check_known_future(args: argparse.Namespace, target: str, known: Known) -> None:
    for name, values in known.ahead.items():
        if len(values) < args.horizon:
            raise CommandError(
                f"{args.data}: --known-future {name}: expected {args.horizon} rows with an empty "
                f"{target!r} below the others, found {len(values)}; add rows or ask for a smaller "
                "--horizon"
            )


def _columns(known: Known) -> Any:
    """Return a file's columns as the forecaster has them, with what is masked."""
    import numpy as np

    from ..forecasting.columns import DICT, Columns

    values = np.stack(list(known.columns.values()), axis=1)
    return Columns(tuple(known.columns), values, known.dates, DICT, observed=known.observed)


def _fit(forecaster: LSTMForecaster, known: Known, path: str | None) -> None:
    """Train and write the model file, also after Ctrl-C."""
    try:
        forecaster.fit(_columns(known))
    except KeyboardInterrupt:
        model = getattr(forecaster, "model_", None)
        if path is None or model is None or not model.optimizer.iterations:
            raise
        forecaster.save(path)
        raise Interrupted(f"the best model so far is in {path}") from None
    if path is not None:
        forecaster.save(path)


def _introduction(args: argparse.Namespace, target: str, known: Known) -> list[str]:
    steps, dates = len(known.columns[target]), known.dates
    span = "" if dates is None else f", {known.text(dates[0])} to {known.text(dates[-1])}"
    others = [name for name in known.columns if name not in (target, *args.known_future)]
    lines = [f"data      {target} in {args.data}: {steps} steps{span}"]
    if others:
        lines.append(f"with      {', '.join(others)}, known up to now")
    if args.known_future:
        lines.append(f"with      {', '.join(args.known_future)}, known ahead")
    return lines


def _report(
    known: Known,
    forecaster: LSTMForecaster,
    tested: Backtest,
    found: Forecast,
    plot: str | None,
    path: str | None,
) -> list[str]:
    digits = max(tested.digits - 1, 0)
    shown = [i for i, level in enumerate(found.levels) if level != 0.5]
    rows = [["forecast", *(f"{100 * found.levels[i]:g} %" for i in shown)]]
    for i, point in enumerate(found.point[:, 0]):
        numbers = [point, *found.quantiles[i, 0, shown]]
        rows.append([f"{number:.{digits}f}" for number in numbers])
    when = [f"+{i + 1}" for i in range(len(found.point))]
    if found.dates is not None:
        when = [known.text(date) for date in found.dates]
    from ..data.comparison import aligned

    first = tested.origins[0]
    chosen = forecaster.blends_[0].words if forecaster.blends_ else "network"
    lines = [
        f"backtest  {len(tested.truth)} forecasts from step {first} on, trained on those before"
        + (f" {tested.fits} times" if tested.fits > 1 else ""),
        tested.summary(),
        "",
        *aligned([("step", "date")[found.dates is not None], *when], rows),
        "",
        *([f"gaps      {known.note}"] if known.note else []),
        f"chosen    {chosen}" + _by_errors(forecaster),
        f"model     window {forecaster.window_}, season {forecaster.season_ or 'none'}, "
        f"{forecaster.epochs_} epochs, {forecaster.model_.count_params()} weights"
        + ("" if forecaster.epochs_ else ": nothing was found to learn beyond level and season"),
    ]
    lines += [f"file      {path}"] if path else []
    return lines + ([f"plot      {plot}"] if plot else [])


def _covered(tested: Backtest) -> str:
    """Return what the intervals held in the backtest, for the title."""
    parts = [
        f"{100 * share:g} % interval held {100 * inside.mean():.0f} %"
        for share, inside in tested.coverage.items()
    ]
    return f" (in the backtest the {', the '.join(parts)})" if parts else ""


def _by_errors(forecaster: LSTMForecaster) -> str:
    """Return the errors by which the forecasts were chosen."""
    if not forecaster.blends_ or len(forecaster.blends_[0].errors) < 2:
        return ""
    errors = forecaster.blends_[0].errors
    said = ", ".join(f"{error:.3g} of {name}" for name, error in errors.items())
    return f", by mean absolute errors on the validation part: {said}"


def _draw(path: str, forecaster: LSTMForecaster, tested: Backtest, found: Forecast) -> None:
    import numpy as np

    from ..plotting import plot_forecast

    columns, horizon = forecaster.columns_, len(found.point)
    count = min(max(SHOWN, 4 * horizon), len(columns))
    times = None
    if found.dates is not None and columns.dates is not None:
        times = np.concatenate([columns.dates[-count:], found.dates])
    plot_forecast(
        found.point[:, 0],
        history=columns.select(found.names)[-count:, 0],
        intervals={share: (low[:, 0], high[:, 0]) for share, low, high in found.intervals},
        times=times,
        name="forecast",
        ylabel=tested.name,
        title=f"{tested.name}: the next {horizon} steps{_covered(tested)}",
        to_file=path,
    )


def _to_json(
    args: argparse.Namespace,
    known: Known,
    forecaster: LSTMForecaster,
    tested: Backtest,
    found: Forecast,
    plot: str | None,
    path: str | None,
) -> dict[str, Any]:
    from .._version import __version__

    return {
        "lstmcore": __version__,
        "data": args.data,
        "steps": len(forecaster.columns_),
        "gaps": known.note or None,
        "settings": forecaster.get_params(),
        "season": forecaster.season_,
        "window": forecaster.window_,
        "epochs": forecaster.epochs_,
        "chosen": [
            {"weights": blend.weights, "validation_mae": blend.errors}
            for blend in forecaster.blends_
        ],
        "forecast": {
            "target": found.names[0],
            "dates": None if found.dates is None else [known.text(date) for date in found.dates],
            "values": found.point[:, 0],
            "quantiles": {f"{k:g}": found.quantiles[:, 0, i] for i, k in enumerate(found.levels)},
        },
        "backtest": tested.to_dict(),
        "plot": plot,
        "model": path,
    }
