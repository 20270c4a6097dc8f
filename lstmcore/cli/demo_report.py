"""Reports of `demo`, as text and JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from .._version import __version__
from ..data import Series, finite
from .demo_run import BATCH, CURVE, DROPOUT, Result, Settings, choose_split


def introduce(series: Series, settings: Settings) -> str:
    """Return the lines printed before training: data, task, split, model."""
    season, split = choose_split(series, settings)
    n, unit = len(series.values), _unit(series)
    windows = split - settings.window - settings.horizon + 1
    held = n - split - settings.horizon + 1
    lines = [
        f"lstmcore {__version__} demo: forecast a series with an LSTM",
        "",
        f"data      {series.name}{f' in {series.unit}' if series.unit else ''}; {series.source}",
        f"          {n} {unit}s{_span(series)}",
        f"task      from the last {settings.window} {unit}s forecast the next {settings.horizon}",
        f"split     {split} {unit}s to train on ({windows} windows), "
        f"the last {n - split} held out ({held} windows)",
        f"model     LSTM({settings.hidden}), Dropout({DROPOUT}), Dense({settings.horizon}); Adam; "
        f"{settings.epochs} epochs; seed {settings.seed}",
    ]
    if season:
        lines.append(
            f"season    {season} {unit}s: a curve fitted to the training part is taken off first "
            "and put back last"
        )
    elif settings.season is None:
        reason = "no dates like 2024-01-31" if series.dates is None else "not two years of days"
        lines.append(f"season    none ({reason}); --season N sets one of N steps")
    return "\n".join([*lines, ""])


def report(result: Result, plot: str) -> str:
    """Return a result as text.

    Parameters
    ----------
    result : Result
    plot : str
        The path of the plot, or advice on how to get one.
    """
    settings = result.settings
    samples = result.trained_windows * settings.epochs
    batches = math.ceil(result.trained_windows / BATCH) * settings.epochs
    step = 1e6 * result.seconds / (batches * settings.window)
    return "\n".join(
        [
            *result.table(_unit(result.series), result.series.unit),
            "",
            f"verdict   {result.verdict((CURVE,))}",
            f"training  {result.seconds:.2f} s: {samples / result.seconds:,.0f} samples/s, "
            f"{step:.1f} µs per time step of a batch of {BATCH}, forward and backward",
            f"kernel    {result.isa}, {result.threads} thread{'s' * (result.threads > 1)}, "
            f"float32; {result.weights} weights",
            f"next      {_ahead(result)}",
            f"plot      {plot}",
        ]
    )


def _unit(series: Series) -> str:
    return "day" if series.daily else "step"


def _day(date: np.datetime64) -> str:
    return str(date).removesuffix("T00:00:00")


def _span(series: Series) -> str:
    if series.dates is None:
        return ""
    first, last = series.dates[0], series.dates[-1]
    missing = int((last - first) / np.timedelta64(1, "D")) + 1 - len(series.dates)
    gaps = f" ({missing} missing)" if series.daily and missing else ""
    return f", {_day(first)} to {_day(last)}{gaps}"


def _ahead(result: Result) -> str:
    series, digits = result.series, max(result.digits - 1, 0)
    shown = result.ahead[:10]
    when = f"{len(shown)} steps"
    if series.daily and series.dates is not None:
        day = np.timedelta64(1, "D")
        last = series.dates[-1]
        when = f"{_day(last + day)} to {_day(last + len(shown) * day)}"
    return f"{when}: {'  '.join(f'{v:.{digits}f}' for v in shown)}"


def to_json(result: Result) -> dict[str, Any]:
    """Return a result for JSON; errors and forecasts are in the unit of the data."""
    series, samples = result.series, result.trained_windows * result.settings.epochs
    dates = series.dates
    return {
        "lstmcore": __version__,
        "data": {
            "name": series.name,
            "unit": series.unit,
            "source": series.source,
            "values": len(series.values),
            "first_date": None if dates is None else str(dates[0]),
            "last_date": None if dates is None else str(dates[-1]),
            "trained_on": result.split,
            "held_out": len(series.values) - result.split,
        },
        "settings": asdict(result.settings),
        "rmse": {k: [float(e) for e in v] for k, v in result.rmse.items()},
        "mean_rmse": result.mean_rmse,
        "lstm_better_by_percent": finite(result.gains),
        "forecast": [float(v) for v in result.ahead],
        "training": {
            "seconds": result.seconds,
            "windows": result.trained_windows,
            "samples_per_second": samples / result.seconds,
            "weights": result.weights,
        },
        "kernel": {"isa": result.isa, "threads": result.threads, "dtype": "float32"},
    }
