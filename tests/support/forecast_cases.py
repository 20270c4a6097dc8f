"""Series and forecasters for the tests of forecasting."""

import numpy as np

from lstmcore.forecasting import LSTMForecaster

QUICK = {"window": 12, "horizon": 3, "units": 4, "epochs": 2, "random_state": 0}
QUICK |= {"method": "network", "log": False}  # what else forecasts has tests of its own
MONTHS = np.datetime64("2001-01", "M") + np.arange(150)


def make_series(n=150, *, noise=0.3, seed=0):
    """A season of 12, a trend and noise."""
    time = np.arange(n)
    wave = 5 * np.sin(2 * np.pi * time / 12) + 2 * np.cos(4 * np.pi * time / 12)
    return 20 + 0.05 * time + wave + noise * np.random.default_rng(seed).normal(size=n)


def make_autoregressive(n, seed=0, phi=0.8):
    noise = np.random.default_rng(seed).normal(size=n)
    values = np.zeros(n)
    for i in range(1, n):
        values[i] = phi * values[i - 1] + noise[i]
    return values


def quick(**settings):
    return LSTMForecaster(**{**QUICK, **settings})
