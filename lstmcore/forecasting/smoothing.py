"""Exponential smoothing: the forecast that a network has to beat, or to be blended with.

Level l, trend b and season s of m steps follow the one-step error e (Hyndman et al. 2008, section
2.5, with additive errors; the damped trend is that of Gardner and McKenzie 1985):

    e = y - (l + phi b + s)      l' = l + phi b + alpha e      b' = phi b + beta e
    s' = s + gamma (1 - alpha) e     h steps ahead: l + (phi + ... + phi^h) b + s

With a fixed b, half the slope of a straight line, and phi = 1 that is the Theta method (Hyndman and
Billah 2003). All settings of a grid run through the series at once; the mean of those with the
smallest errors, over all steps ahead, is the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

Array = np.ndarray

LONGEST_SEASON = 60  # steps; longer ones are curves
MOST_STEPS = 2000  # that are fitted to, the last ones
BEST = 5  # settings in the mean
ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0)
GAMMAS = (0.0, 0.05, 0.15, 0.3, 0.5)
NO_TREND, DRIFT = (0.0, 0.0), (0.0, 1.0)  # beta, phi
TRENDS = (
    *((0.05, 0.98), (0.1, 0.9), (0.2, 0.9), (0.05, 0.9), (0.1, 0.98), (0.02, 0.8), (0.3, 0.8)),
    *((0.005, 1.0), (0.02, 1.0), (0.1, 1.0)),
)


@dataclass(frozen=True)
class Smoothing:
    """Exponential smoothing with several settings, and its states before a step.

    Parameters
    ----------
    settings : ndarray, shape (settings, 4)
        alpha, beta, gamma and phi of each.
    level, trend : ndarray, shape (settings,)
    season : ndarray, shape (settings, m)
        By the number of the step modulo m; m is 1 without a season.
    step : int
        The number of the step that comes next.
    errors : ndarray, shape (horizon,)
        The mean absolute errors of the forecasts, for each step ahead, in the part fitted to.
    """

    settings: Array
    level: Array
    trend: Array
    season: Array
    step: int
    errors: Array

    @classmethod
    def fit(cls, y: Array, season: int, horizon: int, log: bool = False) -> Smoothing:
        """Choose settings by their errors on the later half of a series.

        Parameters
        ----------
        y : ndarray, shape (n,)
        season : int
            0 for none; one that is too long for the series or for smoothing counts as none.
        horizon : int
        log : bool, default False
            True if `y` are logarithms; errors are those of the values.
        """
        first = max(len(y) - MOST_STEPS, 0)
        start, recent = first % season if season else 0, y[first:]
        has = 2 <= season <= LONGEST_SEASON and len(recent) >= 2 * season + 1
        begun = _begin(recent, season if has else 1, start, horizon)
        judged = max(len(recent) // 2, min(2 * season if has else 4, len(recent) - 1))
        errors, count = np.zeros((len(begun.level), horizon)), np.zeros(horizon)
        values = np.exp(recent) if log else recent
        state = begun
        for t, number in enumerate(recent):
            if t >= judged:
                ahead = min(horizon, len(recent) - t)
                found = state.ahead(ahead)
                found = np.exp(np.minimum(found, 700)) if log else found
                errors[:, :ahead] += np.abs(found - values[t : t + ahead])
                count[:ahead] += 1
            state.follow(number)
        means = errors[:, count > 0] / count[count > 0]
        best = np.argsort(means.mean(1), kind="stable")[:BEST]
        chosen = _begin(recent, season if has else 1, start, horizon).part(best)
        per_step = np.interp(np.arange(horizon), np.flatnonzero(count), means[best].mean(0))
        return replace(chosen, errors=per_step, step=first)

    def part(self, which: Array) -> Smoothing:
        """Return some of the settings."""
        names = ("settings", "level", "trend", "season")
        return replace(self, **{name: getattr(self, name)[which].copy() for name in names})

    def ahead(self, horizon: int) -> Array:
        """Return the forecasts of the next steps, (settings, horizon)."""
        phi = self.settings[:, 3:]
        damped = np.cumsum(phi ** np.arange(1, horizon + 1), axis=1)
        steps = (self.step + np.arange(horizon)) % self.season.shape[1]
        return np.asarray(
            self.level[:, None] + damped * self.trend[:, None] + self.season[:, steps]
        )

    def follow(self, y: float) -> None:
        """Move on by one step, in place."""
        alpha, beta, gamma, phi = self.settings.T
        i = self.step % self.season.shape[1]
        drift = phi * self.trend
        error = y - (self.level + drift + self.season[:, i])
        self.level[:] += drift + alpha * error
        self.trend[:] = drift + beta * error
        self.season[:, i] += gamma * (1 - alpha) * error
        object.__setattr__(self, "step", self.step + 1)

    def at(self, step: int, y: Array, first: int = 0) -> Smoothing:
        """Return the smoothing before a step; `y` begins with step `first`."""
        moved = self.part(np.arange(len(self.level)))
        for number in y[self.step - first : step - first]:
            moved.follow(number)
        return moved

    def forecast(self, y: Array, origins: Array, horizon: int, first: int = 0) -> Array:
        """Return the forecasts from increasing origins, (origins, horizon).

        `y` begins with step `first`; origins are places in it, not before this state's step.
        """
        found, state = np.empty((len(origins), horizon)), self
        for i, origin in enumerate(origins):
            state = state.at(int(origin) + first, y, first)
            found[i] = state.ahead(horizon).mean(0)
        return found


def _begin(y: Array, m: int, start: int, horizon: int) -> Smoothing:
    """Return all settings before the first step, which is step `start` of its season."""
    profile = seasonal_profile(y, m, start)
    gammas = (None, *GAMMAS) if m > 1 else (None,)
    grid = [
        (alpha, beta, gamma, phi)
        for alpha, (beta, phi), gamma in product(ALPHAS, (NO_TREND, DRIFT, *TRENDS), gammas)
        if beta <= alpha
    ]
    seasonal = np.array([gamma is not None for _, _, gamma, _ in grid])
    settings = np.array([[a, b, g or 0.0, p] for a, b, g, p in grid])
    phases = (start + np.arange(len(y))) % m
    adjusted = y - profile[phases]
    few, early = max(m, 4), min(len(y), max(2 * m, 10))
    slope = np.polyfit(np.arange(len(y)), adjusted, 1)[0]
    line = np.polyfit(np.arange(early), adjusted[:early], 1)
    drifts = (settings[:, 1] == 0) & (settings[:, 3] == 1)
    trends = settings[:, 1] > 0
    plain = np.where(seasonal, adjusted[:few].mean(), y[:few].mean())
    return Smoothing(
        settings,
        np.where(trends, np.polyval(line, -1), plain),
        np.where(drifts, slope / 2, np.where(trends, line[0], 0.0)),
        np.where(seasonal[:, None], profile, 0.0),
        start,
        np.zeros(horizon),
    )


def seasonal_profile(y: Array, season: int, start: int = 0) -> Array:
    """Return the averaged season: the mean difference from a centred moving average, by phase.

    This is the classical additive decomposition. The first value is of phase `start`.

    Returns
    -------
    ndarray, shape (season,)
        With a mean of zero; zeros where the series is too short.
    """
    if season < 2 or len(y) < 2 * season:
        return np.zeros(max(season, 1))
    weights = np.ones(season + 1 - season % 2)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    trend = np.convolve(y, weights / weights.sum(), "valid")
    half = len(weights) // 2
    rest = y[half : half + len(trend)] - trend
    phases = (start + half + np.arange(len(rest))) % season
    sums, counts = (np.bincount(phases, w, season) for w in (rest, np.ones(len(rest))))
    profile = sums / np.maximum(counts, 1)
    return np.asarray(profile - profile.mean())
