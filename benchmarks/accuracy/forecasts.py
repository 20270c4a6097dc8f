"""Forecasts of public series: MASE, coverage of intervals, what was chosen.

    python -m benchmarks.accuracy.forecasts --data FOLDER --only airline,births

Monthly series: 12 steps from each of the 13 origins in the last two years, trained anew at each.
Quarterly: 8 steps from 17 origins of the last 24 quarters, anew. Yearly: 5 steps from 9 origins,
anew. Daily: 7 steps from 26 weekly origins, trained once. MASE is the mean absolute error over that
of the seasonal naive forecast in the part before the origin (Hyndman and Koehler 2006).
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lstmcore.data import seasonal_naive
from lstmcore.forecasting import LSTMForecaster

Array = np.ndarray


class Kind(NamedTuple):
    """How series of one frequency are tested."""

    season: int  # of the errors' scale
    horizon: int
    origins: Callable[[int], list[int]]  # for a number of steps
    anew: bool = True


MONTHLY = Kind(12, 12, lambda n: list(range(n - 24, n - 11)))
QUARTERLY = Kind(4, 8, lambda n: list(range(n - 24, n - 7)))
YEARLY = Kind(1, 5, lambda n: list(range(n - 13, n - 4)))
DAILY = Kind(7, 7, lambda n: list(range(n - 182, n - 6, 7)), anew=False)

UNIVARIATE, STATSMODELS = "timeseries_univariate", "statsmodels"
# Name: file, column, how it is tested.
SERIES = {
    "airline": (f"{UNIVARIATE}/airline-passengers.csv", 1, MONTHLY),
    "car sales": (f"{UNIVARIATE}/monthly-car-sales.csv", 1, MONTHLY),
    "champagne": (f"{UNIVARIATE}/monthly_champagne_sales.csv", 1, MONTHLY),
    "robberies": (f"{UNIVARIATE}/monthly-robberies.csv", 1, MONTHLY),
    "CO2 monthly": (f"{STATSMODELS}/co2.csv", 1, MONTHLY),
    "births": (f"{UNIVARIATE}/daily-total-female-births.csv", 1, DAILY),
    "Seattle max": ("vega/seattle-weather.csv", 2, DAILY),
    "Melbourne min": (f"{UNIVARIATE}/daily-min-temperatures.csv", 1, DAILY),
    "sunspots yr": (f"{STATSMODELS}/sunspots.csv", 1, YEARLY),
    "Melbourne max": (f"{UNIVARIATE}/daily-max-temperatures.csv", 1, DAILY),
    "mean temp": (f"{UNIVARIATE}/monthly-mean-temp.csv", 1, MONTHLY),
    "Nile": (f"{STATSMODELS}/nile.csv", 1, YEARLY),
    "GDP": (f"{STATSMODELS}/macrodata.csv", 2, QUARTERLY),
    "consumption": (f"{STATSMODELS}/macrodata.csv", 3, QUARTERLY),
    "investment": (f"{STATSMODELS}/macrodata.csv", 4, QUARTERLY),
    "prices": (f"{STATSMODELS}/macrodata.csv", 7, QUARTERLY),
    "money": (f"{STATSMODELS}/macrodata.csv", 8, QUARTERLY),
    "treasury bills": (f"{STATSMODELS}/macrodata.csv", 9, QUARTERLY),
    "unemployment": (f"{STATSMODELS}/macrodata.csv", 10, QUARTERLY),
}


def read(path: Path, column: int, kind: Kind) -> Array:
    """Return the values of a file; weeks of CO2 as means of months, gaps interpolated."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    texts = [row[column].strip() for row in rows if len(row) > column]
    values = np.array([float(text) if text not in ("", "nan", "NA") else np.nan for text in texts])
    if path.name == "co2.csv":
        months = np.array([int(row[0][:4]) * 12 + int(row[0][4:6]) - 1 for row in rows])
        every = np.arange(months[0], months[-1] + 1)
        known = ~np.isnan(values)
        counts = [np.sum(known & (months == month)) for month in every]
        sums = [np.nansum(values[months == month]) for month in every]
        values = np.divide(
            sums, counts, out=np.full(len(every), np.nan), where=np.array(counts) > 0
        )
    missing = np.isnan(values)
    steps = np.arange(len(values))
    values[missing] = np.interp(steps[missing], steps[~missing], values[~missing])
    return values


def measure(y: Array, kind: Kind) -> dict[str, float | str]:
    """Return the figures of one series."""
    season = kind.season if kind.anew else 365 if len(y) > 730 else kind.season
    settings = {"horizon": kind.horizon, "season": season if season > 1 else 0, "random_state": 0}
    errors: dict[str, list[float]] = {}
    inside, chosen, model = [], [], None
    for origin in kind.origins(len(y)):
        before, truth = y[:origin], y[origin : origin + kind.horizon]
        if kind.anew or model is None:
            model = LSTMForecaster(**settings).fit(before)
        scale = np.abs(before[kind.season :] - before[: -kind.season]).mean()
        point, quantiles = model.forecast_at(before, np.array([origin]))
        found = {"blend": point[0, :, 0]}
        columns = model.columns_ if kind.anew else model.read(before)
        for name, points in model.forecasts_by_method(
            columns, np.array([origin]), kind.horizon
        ).items():
            found[name] = points[0, :, 0]
        naive = seasonal_naive(y[: origin + kind.horizon], kind.horizon, kind.season, start=origin)
        found["naive"] = naive[0]
        for name, forecast in found.items():
            errors.setdefault(name, []).append(float(np.abs(forecast - truth).mean() / scale))
        low, high = quantiles[0, :, 0, 0], quantiles[0, :, 0, -1]
        inside.append(float(((low <= truth) & (truth <= high)).mean()))
        chosen.append(model.blends_[0].words)
    figures: dict[str, float | str] = {name: float(np.mean(e)) for name, e in errors.items()}
    return {**figures, "coverage": float(np.mean(inside)), "chosen": chosen[-1]}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--only", default=",".join(SERIES), help="series (all of them)")
    args = parser.parse_args()
    columns = ("blend", "network", "regression", "smoothing", "naive")
    head = " | ".join(f"{column:>10}" for column in columns)
    print(f"| {'MASE':14} | {head} | in 80 % | seconds | chosen last |")
    print("|" + "---|" * 9)
    for name in args.only.split(","):
        file, column, kind = SERIES[name]
        begin = time.perf_counter()
        found = measure(read(args.data / file, column, kind), kind)
        numbers = " | ".join(f"{found.get(c, np.nan):10.3f}" for c in columns)
        rest = f"{found['coverage']:7.2f} | {time.perf_counter() - begin:7.1f} | {found['chosen']}"
        print(f"| {name:14} | {numbers} | {rest} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
