"""Hyperparameter search for a forecast of tomorrow's maximum temperature.

Usage: python tune.py [--trials 12] [--epochs 8] [--jobs 1] [--directory search]

If it is stopped by Ctrl-C or killed, starting it again continues the search.
"""

import argparse

import numpy as np

import lstmcore.tuner as kt
from lstmcore.callbacks import EarlyStopping
from lstmcore.datasets import load_seattle_weather
from lstmcore.layers import GRU, LSTM, Dense, Dropout, Input
from lstmcore.models import Sequential
from lstmcore.optimizers import Adam
from lstmcore.utils import create_sequences

WINDOW, YEAR = 30, 365


def weather():
    """Return windows of four years: the last year for the test, the one before for validation."""
    _, columns = load_seattle_weather()
    data = np.stack(list(columns.values()), axis=-1)
    past = data[: -2 * YEAR]
    mean, std = past.mean(axis=0), past.std(axis=0)
    target = list(columns).index("temp_max")
    x, y = create_sequences((data - mean) / std, WINDOW, target=target)
    return x.astype("f4"), y.astype("f4"), target, std[target]


def build_model(hp):
    """Return a network; every hp.... is a hyperparameter to search."""
    layers = [Input((WINDOW, 4))]
    kind = hp.Choice("kind", ["lstm", "gru"])
    units = hp.Int("units", 8, 64, step=8)
    layers.append(LSTM(units) if kind == "lstm" else GRU(units))
    if hp.Boolean("dropout"):
        with hp.conditional_scope("dropout", [True]):
            layers.append(Dropout(hp.Float("rate", 0.1, 0.5, step=0.1)))
    model = Sequential([*layers, Dense(1)])
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
    model.compile(Adam(learning_rate=rate), loss="mse")
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--directory", default="search")
    args = parser.parse_args()
    x, y, target, std = weather()
    train, chosen, test = slice(None, -2 * YEAR), slice(-2 * YEAR, -YEAR), slice(-YEAR, None)
    options = {"objective": "val_loss", "max_trials": args.trials, "seed": 0}
    where = {"directory": args.directory, "project_name": "weather", "n_jobs": args.jobs}
    tuner = kt.BayesianOptimization(build_model, pruner="median", **options, **where)
    tuner.search_space_summary()
    tuner.search(
        x[train],
        y[train],
        epochs=args.epochs,
        validation_data=(x[chosen], y[chosen]),
        callbacks=[EarlyStopping(patience=2)],
    )
    tuner.results_summary(num_trials=3)
    best = tuner.get_best_models(num_models=1)[0]
    errors = best.predict(x[test], verbose=0).reshape(-1) - y[test].reshape(-1)
    yesterday = x[test][:, -1, target] - y[test].reshape(-1)
    print(f"\nmean absolute error, best network  {np.abs(errors).mean() * std:.2f} °C")
    print(f"as yesterday                       {np.abs(yesterday).mean() * std:.2f} °C")


if __name__ == "__main__":  # because the processes of --jobs import this file
    main()
