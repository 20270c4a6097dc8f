"""Forecast a week of temperatures with intervals, and check the intervals' coverage.

Usage: python forecast_intervals.py [--epochs 50] [--plot week.png]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from lstmcore.datasets import load_seattle_weather
from lstmcore.forecasting import LSTMForecaster

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=50)
parser.add_argument("--plot")
args = parser.parse_args()

# Four years of days; all columns are inputs, one is forecast. `fit` also fits scale and season.
dates, columns = load_seattle_weather()
settings = {"target": "temp_max", "horizon": 7, "epochs": args.epochs, "random_state": 0}

# Backtest on the last year: forecast a week from each day, and compare with baselines.
for head in ("quantile", "gaussian"):
    model = LSTMForecaster(head=head, **settings)
    tested = model.backtest(columns, dates)
    print(f"-- {head} head, {len(tested.truth)} forecasts, trained once")
    print(tested.summary("day", "°C"), end="\n\n")

# One forecast per week, with training repeated every 12 weeks on all days before.
tested = model.backtest(columns, dates, step=7, refit=12)
print(f"-- trained {tested.fits} times: mean RMSE {tested.mean_rmse['forecast']:.2f} °C\n")

# Forecast the days after the last one. Rain is known ahead, from a weather forecast.
model = LSTMForecaster(known_future=["precipitation"], quantiles=(0.05, 0.25, 0.5, 0.75, 0.95))
model.set_params(**settings).fit(columns, dates)
dry = {"precipitation": np.zeros(7)}
found = model.forecast(future=dry)
print("a dry week           5 %    50 %    95 %")
for day, (low, _, middle, _, high) in zip(found.dates, found.quantiles[:, 0], strict=True):
    print(f"{day}      {low:8.1f}{middle:8.1f}{high:8.1f}")

# Recursive forecasts: any horizon, but no columns that are known up to now only.
paths = LSTMForecaster(strategy="recursive", head="gaussian", **settings)
paths.fit({"temp_max": columns["temp_max"]}, dates)
low, high = paths.predict_interval(30, level=0.9)
print(f"\nin 30 days with probability 0.9 between {low[-1]:.1f} and {high[-1]:.1f} °C")

# One file has the network, its scaling and the last days; new days can be appended.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "week.safetensors"
    model.save(path)
    again = LSTMForecaster.load(path)
print("the same from a file:", np.array_equal(again.predict(future=dry), model.predict(future=dry)))
day_after = {"temp_max": 8.3, "temp_min": 2.2, "precipitation": 0.0, "wind": 3.1}
again.append({name: [value] for name, value in day_after.items()})
print("from the day after:", again.predict(future=dry).round(1))

if args.plot:
    from lstmcore.plotting import plot_forecast

    plot_forecast(
        found.point[:, 0],
        history=columns["temp_max"][-60:],
        intervals={share: (a[:, 0], b[:, 0]) for share, a, b in found.intervals},
        times=np.concatenate([dates[-60:], found.dates]),
        ylabel="°C",
        title="Daily maximum temperature, if no rain falls",
        to_file=args.plot,
    )
