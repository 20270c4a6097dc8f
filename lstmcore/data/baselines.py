"""Baseline forecasts without training, which a useful model has to beat."""

from __future__ import annotations

import numpy as np

from ..validation import plain_array


def persistence(values: np.ndarray, horizon: int, *, start: int) -> np.ndarray:
    """Repeat the last value.

    Parameters
    ----------
    values : ndarray, shape (n,)
    horizon : int
        Steps ahead.
    start : int
        The index of the first target, at least 1; the forecasts are for the targets of
        `sliding_windows` with the same `start`.

    Returns
    -------
    ndarray, shape (n - start - horizon + 1, horizon)
    """
    last = plain_array(values, "values")[start - 1 : len(values) - horizon]
    return np.repeat(last[:, None], horizon, axis=1)


def seasonal_naive(values: np.ndarray, horizon: int, season: int, *, start: int) -> np.ndarray:
    """Repeat the value one season earlier (more seasons earlier if that is not known yet).

    Parameters
    ----------
    values : ndarray, shape (n,)
    horizon : int
        Steps ahead.
    season : int
        Steps in a season; with 365 daily values are forecast by the same day of last year.
    start : int
        The index of the first target; at least `season` values must precede it.

    Returns
    -------
    ndarray, shape (n - start - horizon + 1, horizon)

    Raises
    ------
    ValueError
        If the season reaches back before the first value.
    """
    values = plain_array(values, "values")
    ahead = np.arange(horizon)
    back = season * (ahead // season + 1)  # the smallest multiple that is known at the origin
    first = start + ahead - back
    if first.min() < 0:
        raise ValueError(f"season: {season} steps reach back before the first value")
    count = len(values) - start - horizon + 1
    return np.asarray(values[np.arange(count)[:, None] + first])


def rmse_per_horizon(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the root mean squared error of every step ahead.

    Parameters
    ----------
    forecast, truth : ndarray, shape (windows, horizon)

    Returns
    -------
    ndarray of float64, shape (horizon,)

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if forecast.shape != truth.shape:
        raise ValueError(f"forecast {forecast.shape} and truth {truth.shape} differ in shape")
    error = plain_array(forecast, "forecast", np.float64) - truth
    return np.asarray(np.sqrt(np.mean(error * error, axis=0)))
