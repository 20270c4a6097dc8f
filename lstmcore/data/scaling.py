"""Standardization and seasonal curves, removed before training and restored in forecasts.

Both are fitted on the training part only: a mean or a season computed from the held-out part
would leak it into the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from .._binding.numpy_blas import held, matmul
from ..validation import plain_array

YEAR = 365.2425  # days: a season of 365 means the calendar year, leap days included


@dataclass(frozen=True)
class Standardizer:
    """Standardization to mean 0 and standard deviation 1.

    Parameters
    ----------
    mean, std : float
        In the unit of the values; `std` is above 0.
    """

    mean: float
    std: float

    @classmethod
    def fit(cls, values: np.ndarray) -> Self:
        """Compute the mean and standard deviation of `values`.

        Raises
        ------
        ValueError
            If the values are empty, not finite, or all equal.
        """
        values = plain_array(values, "values", np.float64)
        if values.size == 0 or not np.isfinite(values).all():
            raise ValueError("Standardizer: values: expected at least one, all finite")
        mean, std = float(values.mean()), float(values.std())
        # A constant's standard deviation is rounding noise, seldom exactly zero.
        if std <= 1e-12 * max(abs(mean), float(np.abs(values).max())):
            raise ValueError(f"Standardizer: values: all are {mean:.6g}, so they have no scale")
        return cls(mean, std)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return ``(values - mean) / std``."""
        return (plain_array(values, "values") - self.mean) / self.std

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """Return ``scaled * std + mean``, the inverse of `transform`."""
        return plain_array(scaled, "scaled") * self.std + self.mean


@dataclass(frozen=True)
class SeasonalCurve:
    """Smooth season: a sum of its first harmonics, with a mean of about zero.

    Parameters
    ----------
    season : int
        The length of the season in steps; 365 means the calendar year.
    weights : ndarray of float64
        Amplitudes of sine and cosine, alternating, of the first harmonic, the second, and so on.
    """

    season: int
    weights: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, season: int, harmonics: int | None = None) -> Self:
        """Fit by least squares.

        From two seasons on, a straight line is fitted along with the harmonics, so that a trend
        does not distort the season. It is not part of the curve.

        Parameters
        ----------
        values : ndarray, shape (n,)
            The training part, one value per step; at least one season.
        season : int
        harmonics : int, optional
            The number of sine and cosine pairs, at most N // 2 for a season of N steps. By default
            all of them for seasons of up to 12 steps (one value per weekday or month), otherwise 2.

        Raises
        ------
        ValueError
            If the season is shorter than 2 steps or longer than the series.
        """
        values = plain_array(values, "values", np.float64)
        if not 2 <= season <= len(values):
            raise ValueError(f"season: expected 2 to {len(values)} steps, got {season}")
        most = season // 2
        if harmonics is None:
            harmonics = most if season <= 12 else 2
        time = np.arange(len(values))
        waves = _waves(time, season, min(harmonics, most))
        rest = [np.ones(len(time))]
        if len(values) >= 2 * season:
            rest.append(time / len(values))
        basis = np.concatenate([waves, np.stack(rest, axis=1)], axis=1)
        with held():
            weights = np.linalg.lstsq(basis, values, rcond=None)[0]
        return cls(season, weights[: waves.shape[1]])

    def at(self, steps: np.ndarray) -> np.ndarray:
        """Return the curve at these steps, counted from the first value fitted to."""
        return matmul(_waves(steps, self.season, len(self.weights) // 2), self.weights)


def _waves(steps: np.ndarray, season: int, pairs: int) -> np.ndarray:
    phase = 2 * np.pi * np.asarray(steps) / (YEAR if season == 365 else season)
    return np.stack([wave(k * phase) for k in range(1, pairs + 1) for wave in (np.sin, np.cos)], -1)


def seasonal_curve(
    values: np.ndarray, season: int, length: int, *, harmonics: int | None = None
) -> np.ndarray:
    """Fit a smooth season to a series and extend it; see `SeasonalCurve`.

    Parameters
    ----------
    values, season, harmonics
        As for `SeasonalCurve.fit`.
    length : int
        The number of steps to return, from the first value on.

    Returns
    -------
    ndarray of float64, shape (length,)
    """
    return SeasonalCurve.fit(values, season, harmonics).at(np.arange(length))
