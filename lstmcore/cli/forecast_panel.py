"""``lstmcore forecast --id``: one network for all series of a long table."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .common import (
    CommandError,
    Interrupted,
    model_path,
    print_json,
    print_progress,
    verbose,
    writable,
)

if TYPE_CHECKING:
    from ..data import Long
    from ..forecasting import CrossValidation, GlobalForecaster

SHOWN = 21  # rows of the forecast on the terminal
ORIGINS = 4  # of the backtest, at most


def execute(args: argparse.Namespace) -> None:
    """Execute the command for a panel."""
    _refuse(args)
    path = model_path(args.model) if args.model else None
    output = _table_path(args.output) if args.output else None
    from ..data import DataError, read_long

    known = read_long(
        args.data,
        args.id,
        args.target,
        args.past,
        args.known_future,
        args.static,
        order=args.dates,
        empty=args.fill not in (None, "none"),
    )
    print_progress(args, *_introduction(args, known), "")
    model = forecaster(args)
    try:
        tested = _backtest(args, model, known)
        print_progress(args, "" if tested is None else "backtest done; training on all steps")
        _fit(args, model, known, path)
        found = model.predict(
            future=known.ahead if args.known_future else None, quantiles=levels(args)
        )
    except (DataError, ValueError, ImportError) as error:
        raise CommandError(f"{args.data}: {_as_options(str(error))}") from None
    if output:
        _write(output, found, known)
    if args.json:
        print_json(_to_json(args, model, tested, found, known, path, output))
    else:
        print_progress(args, "")
        print("\n".join(_report(model, tested, found, known, path, output)))


def _refuse(args: argparse.Namespace) -> None:
    """Raise CommandError for options that are for a single series."""
    single = {
        "--plot": args.plot is not None,
        "--log": args.log is True,
        f"--method {args.method}": args.method != "auto",
        "--strategy recursive": args.strategy != "direct",
        "--head point": args.head == "point",
    }
    for option, given in single.items():
        if given:
            raise CommandError(f"{option} is for a single series; leave out --id or {option}")


def forecaster(args: argparse.Namespace) -> GlobalForecaster:
    """Return the forecaster of the options."""
    from ..forecasting import GlobalForecaster

    return GlobalForecaster(
        horizon=args.horizon,
        window=args.window,
        season="auto" if args.season is None else args.season,
        past=args.past,
        known_future=args.known_future,
        static=args.static,
        calendar=args.calendar,
        holidays=args.holidays,
        head=args.head,
        quantiles=args.quantiles,
        units=args.hidden,
        epochs=args.epochs,
        random_state=args.seed,
        verbose=verbose(args),
    )


def data_options(args: argparse.Namespace, known: Long) -> dict[str, Any]:
    """Return the arguments of `fit` beside the table."""
    id_col, time_col, target_col = known.names
    fill = None if args.fill == "none" else args.fill
    numbered = known.columns[time_col].dtype.kind != "M"
    freq = args.freq if not numbered else None
    return {
        "id_col": id_col,
        "time_col": time_col,
        "target_col": target_col,
        "freq": freq,
        "fill": fill,
    }


def levels(args: argparse.Namespace) -> list[float]:
    """Return the quantiles to print: those asked for, but for the median."""
    return sorted({level for level in args.quantiles if level != 0.5}) or [0.1, 0.9]


def _backtest(
    args: argparse.Namespace, model: GlobalForecaster, known: Long
) -> CrossValidation | None:
    """Return a cross-validation over a few origins; None if most series are too short for one."""
    import numpy as np

    from ..forecasting import cross_validation

    lengths = np.unique(known.columns[args.id].astype(str), return_counts=True)[1]
    origins = int(min(ORIGINS, np.median(lengths) // (4 * args.horizon)))
    if not origins:
        return None
    print_progress(args, "backtest")
    return cross_validation(
        {"LSTM": model},
        known.columns,
        n_windows=origins,
        level=[80],
        refit=args.refit is not None,
        **data_options(args, known),
    )


def _fit(args: argparse.Namespace, model: GlobalForecaster, known: Long, path: str | None) -> None:
    """Train and write the model file, also after Ctrl-C."""
    try:
        model.fit(known.columns, **data_options(args, known))
    except KeyboardInterrupt:
        trained = getattr(model, "model_", None)
        if path is None or trained is None or not trained.optimizer.iterations:
            raise
        model.save(path)
        raise Interrupted(f"the model so far is in {path}") from None
    if path is not None:
        model.save(path)


def _as_options(message: str) -> str:
    """Return a message of the library in terms of the command line."""
    message = message.replace("give fill='forward', 'interpolate', 'zero' or 'mask'", "say --fill")
    return message.replace("give freq=...", "say --freq").replace("head='", "--head '")


def _introduction(args: argparse.Namespace, known: Long) -> list[str]:
    id_col, time_col, target = known.names
    dates, ids = known.columns[time_col], known.columns[id_col]
    span = ""
    if dates.dtype.kind == "M":
        span = f", {_day(dates.min(), known)} to {_day(dates.max(), known)}"
    lines = [
        f"data      {target} in {args.data}: {len(set(ids.tolist()))} series by {id_col}, "
        f"{len(ids)} rows{span}"
    ]
    for names, what in (
        (args.past, "known up to now"),
        (args.known_future, "known ahead"),
        (args.static, "of each series"),
    ):
        if names:
            lines.append(f"with      {', '.join(names)}, {what}")
    return lines


def _report(
    model: GlobalForecaster,
    tested: CrossValidation | None,
    found: dict[str, Any],
    known: Long,
    path: str | None,
    output: str | None,
) -> list[str]:
    from ..data.comparison import aligned

    lines = []
    if tested is None:
        lines += ["backtest  none: the series are too short", ""]
    else:
        means = tested.metrics(by_series=False)
        rows = [
            [metric, *(f"{means[m][i]:.4g}" for m in tested.models)]
            for i, metric in enumerate(means["metric"])
        ]
        names = ["", *(row[0] for row in rows)]
        lines += [
            "backtest  means over series",
            *aligned(names, [list(tested.models), *(r[1:] for r in rows)]),
            "",
        ]
    id_col, time_col, _ = known.names
    shown = [name for name in found if name not in (id_col, time_col)]
    count = min(len(found[id_col]), SHOWN)
    head = ["forecast", *(name.replace("LSTM_ql", "quantile ") for name in shown[1:])]
    cells = [[f"{found[name][i]:.6g}" for name in shown] for i in range(count)]
    when = [f"{found[id_col][i]}  {_day(found[time_col][i], known)}" for i in range(count)]
    lines += aligned([f"{id_col}  {time_col}", *when], [head, *cells])
    if count < len(found[id_col]):
        lines.append(f"... {len(found[id_col]) - count} more rows: --output FILE.csv or --json")
    lines += [
        "",
        f"model     window {model.window_}, season {model.season_}, {model.epochs_} epochs, "
        f"{model.model_.count_params()} weights for all series",
    ]
    lines += [f"file      {path}"] if path else []
    return lines + ([f"table     {output}"] if output else [])


def _day(date: Any, known: Long) -> str:
    """Return a date as the file writes it, or the number of a step."""
    from ..data import write_date

    return str(date) if date.dtype.kind != "M" else write_date(date, known.unit, known.offset)


def _table_path(path: str) -> str:
    if not path.lower().endswith(".csv"):
        raise CommandError(f"--output {path}: the name must end in .csv")
    return writable(path, "give another --output PATH")


def _write(path: str, found: dict[str, Any], known: Long) -> None:
    import csv

    time_col = known.names[1]
    columns = {name: column.tolist() for name, column in found.items()}
    columns[time_col] = [_day(date, known) for date in found[time_col]]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _to_json(
    args: argparse.Namespace,
    model: GlobalForecaster,
    tested: CrossValidation | None,
    found: dict[str, Any],
    known: Long,
    path: str | None,
    output: str | None,
) -> dict[str, Any]:
    from .._version import __version__

    table = {name: column.tolist() for name, column in found.items()}
    table[known.names[1]] = [_day(date, known) for date in found[known.names[1]]]
    return {
        "lstmcore": __version__,
        "data": args.data,
        "series": len(model.panel_),
        "rows": len(known.columns[args.id]),
        "settings": model.get_params(),
        "season": model.season_,
        "window": model.window_,
        "epochs": model.epochs_,
        "forecast": table,
        "backtest": None if tested is None else tested.metrics(by_series=False),
        "model": path,
        "output": output,
    }
