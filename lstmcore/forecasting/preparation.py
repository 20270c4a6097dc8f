"""Transforms of a forecaster's inputs and targets, and the inverse for its outputs.

A target y is transformed in three steps, each fitted on the training part only:

1. Subtract the season (a smooth curve, or the value one season earlier) and standardize: z.
2. The anchor of each step ahead is a linear function of the last z, fitted by regression.
3. The network forecasts the residual, divided by its standard deviation. An untrained network
   therefore forecasts about the same as persistence, or the mean where persistence does not help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._binding.numpy_blas import dot
from ..data import DataError, SeasonalCurve, Standardizer, seasonal_naive, windows_at
from .smoothing import LONGEST_SEASON, Smoothing, seasonal_profile

NONE, CURVE, DIFFERENCE, AVERAGE = "none", "curve", "difference", "average"
AUTO = "auto"
LOG_GAIN = 0.8  # logarithms are taken where smoothing them has at most this share of the error
FAR = 1e4  # standard deviations; float32 still resolves a thousandth of one there
LEAST_SPREAD = 1e-3  # standard deviations; a straight line leaves no residual at all
TREND = 0.5  # share of the variance that a straight line must explain to be a trend

Array = np.ndarray


@dataclass(frozen=True)
class SeasonalProfile:
    """Averaged season: one value for each of its steps.

    Parameters
    ----------
    season : int
    weights : ndarray of float64, shape (season,)
    """

    season: int
    weights: Array

    def at(self, steps: Array) -> Array:
        """Return the season at these steps, counted from the first value fitted to."""
        return np.asarray(self.weights[np.asarray(steps) % self.season])


@dataclass(frozen=True)
class Target:
    """Fitted transform of one target.

    Parameters
    ----------
    log : bool
        Take the logarithm first.
    adjust : {"none", "curve", "average", "difference"}
        The seasonal adjustment.
    season : int
    curve : SeasonalCurve or SeasonalProfile, optional
    scale : Standardizer
        Standardization to z.
    relative : bool
        Subtract the window's last z from the network's input, because the level of a series with
        a trend does not recur.
    slope, shift, spread : ndarray, shape (horizon,)
        For each step ahead: the anchor is ``slope * z + shift``, and `spread` is the standard
        deviation of the residual.
    """

    log: bool
    adjust: str
    season: int
    curve: SeasonalCurve | SeasonalProfile | None
    scale: Standardizer
    relative: bool
    slope: Array
    shift: Array
    spread: Array

    @property
    def lag(self) -> int:
        """The number of steps needed before the window."""
        return self.season if self.adjust == DIFFERENCE else 0

    @property
    def error(self) -> float:
        """The error of the anchor on the training part, in the units of the target."""
        return float(self.spread.mean() * self.scale.std)

    def seasonal(self, history: Array, origins: Array) -> tuple[Array, Array]:
        """Return the season in the window, and the season to add to forecasts.

        Parameters
        ----------
        history : ndarray, shape (rows, window + lag)
            The steps before each origin.
        origins : ndarray of int, shape (rows,)
        """
        horizon = len(self.slope)
        rows, steps = history.shape
        if self.adjust == DIFFERENCE:
            back = seasonal_steps(horizon, self.season)
            return history[:, : steps - self.season], history[:, back]
        if self.curve is None:
            return np.zeros((1, 1)), np.zeros((rows, horizon))
        before = self.curve.at(origins[:, None] + np.arange(-steps, 0))
        return before, self.curve.at(origins[:, None] + np.arange(horizon))

    def inputs(self, history: Array, origins: Array) -> tuple[Array, Array, Array]:
        """Return z of the window, the anchor and the season ahead: (rows, window), 2 (rows, h)."""
        before, ahead = self.seasonal(history, origins)
        z = self.scale.transform(history[:, self.lag :] - before)
        anchor = z[:, -1:] * self.slope + self.shift
        if self.relative:
            z = (z - z[:, -1:]) / self.spread.mean()
        return z, anchor, ahead

    def encode(self, future: Array, anchor: Array, ahead: Array) -> Array:
        """Return the network's target outputs for these values, (rows, horizon)."""
        return np.asarray((self.scale.transform(future - ahead) - anchor) / self.spread)

    def decode(self, outputs: Array, anchor: Array, ahead: Array) -> Array:
        """Invert `encode`; `outputs` may have more axes at the end."""
        more = (...,) + (None,) * (outputs.ndim - anchor.ndim)
        spread = self.spread[: anchor.shape[1]][more]
        values = self.scale.inverse(outputs * spread + anchor[more]) + ahead[more]
        return np.exp(values) if self.log else np.asarray(values)

    def maybe_log(self, values: Array) -> Array:
        """Return the logarithms if `log`, otherwise the values."""
        if not self.log:
            return values
        if not (values > 0).all():
            raise DataError("log: there are values <= 0, which have no logarithm")
        return np.asarray(np.log(values))


def seasonal_steps(horizon: int, season: int) -> Array:
    """Return the last known step of the same season for each step ahead, relative to the origin."""
    steps = np.arange(-season, horizon)
    return np.asarray(seasonal_naive(steps, horizon, season, start=season)[0])


def fit_target(
    y: Array,
    horizon: int,
    season: int,
    adjust: str,
    relative: bool | None,
    log: bool | str,
    name: str,
) -> Target:
    """Fit the transform of a target on its training part, choosing what is "auto".

    Raises
    ------
    DataError
        If the values do not vary, or the logarithm is taken and they are not all positive.
    """
    if log == AUTO:
        log = logarithms_help(y, season, horizon)
    if log:
        if y.min() <= 0:
            raise DataError(f"column {name!r} has values <= 0, which have no logarithm")
        y = np.log(y)
    choices = (
        (NONE,)
        if not season
        else (NONE, DIFFERENCE, CURVE, AVERAGE)
        if adjust == AUTO
        else (adjust,)
    )
    try:
        fits = [_fit(y, horizon, season, choice, relative, bool(log)) for choice in choices]
    except ValueError:
        raise DataError(
            f"column {name!r} does not vary in the {len(y)} steps to train on: there is nothing "
            "to learn"
        ) from None
    found = [fit for fit in fits if fit is not None]
    if not found:
        raise DataError(
            f"column {name!r} has {len(y)} steps to train on, too few for a season of {season}"
        )
    return min(found, key=lambda fit: _penalized(fit, len(y)))


def logarithms_help(y: Array, season: int, horizon: int) -> bool:
    """Return True if smoothing forecasts logarithms clearly better; False unless all are > 0."""
    if y.min() <= 0 or len(y) < horizon + 8:
        return False
    plain, logs = (Smoothing.fit(f(y), season, horizon, f is np.log) for f in (np.asarray, np.log))
    return bool(logs.errors.mean() < LOG_GAIN * plain.errors.mean())


def _penalized(fit: Target, steps: int) -> float:
    """Return the anchor's error, penalized for fitting many curve weights to few steps."""
    weights = 0 if fit.curve is None else len(fit.curve.weights) + 1
    return fit.error * float(np.sqrt(steps / max(steps - weights, 1)))


def _fit(
    y: Array, horizon: int, season: int, adjust: str, relative: bool | None, log: bool
) -> Target | None:
    """Fit with one seasonal adjustment; return None if the series is too short for it."""
    lag = season if adjust == DIFFERENCE else 0
    if len(y) < lag + horizon + 2 or (adjust == CURVE and len(y) < season):
        return None
    if adjust == AVERAGE and (season > LONGEST_SEASON or len(y) < 2 * season + 1):
        return None
    curve: SeasonalCurve | SeasonalProfile | None = None
    if adjust == CURVE:
        curve = SeasonalCurve.fit(y, season)
    if adjust == AVERAGE:
        curve = SeasonalProfile(season, seasonal_profile(y, season))
    plain = Standardizer(0.0, 1.0)
    ones = np.ones(horizon)
    raw = Target(False, adjust, season, curve, plain, False, ones, 0 * ones, ones)
    origins = np.arange(lag + 1, len(y) - horizon + 1)
    z, last, ahead = raw.inputs(windows_at(y, origins, lag + 1), origins)
    scale = (
        Standardizer.fit(z) if np.ptp(z) or adjust == NONE else Standardizer(0.0, float(y.std()))
    )
    z_last = scale.transform(last[:, :1])
    residual = scale.transform(windows_at(y, origins, 0, horizon) - ahead)
    if relative is None:
        relative = trends(z[:, 0])
    slope = np.clip((residual * z_last).sum(0) / max(float((z_last**2).sum()), 1e-12), 0, 1)
    slope = ones if relative else slope
    residual = residual - slope * z_last
    spread = np.maximum(residual.std(0), LEAST_SPREAD)
    return Target(log, adjust, season, curve, scale, relative, slope, residual.mean(0), spread)


def trends(values: Array) -> bool:
    """Return True if a straight line explains most of the variance."""
    time = np.arange(len(values)) - (len(values) - 1) / 2
    centred = values - values.mean()
    explained = dot(time, centred) ** 2
    return bool(explained > TREND * dot(time, time) * dot(centred, centred) > 0)


@dataclass(frozen=True)
class Covariate:
    """Fitted scaling of a column that is not forecast.

    Parameters
    ----------
    scale : Standardizer
        Standardization of the column, or of its changes over half a window.
    relative : bool
        Subtract the window's last value.
    """

    scale: Standardizer
    relative: bool

    @classmethod
    def fit(cls, values: Array, window: int) -> Covariate:
        """Fit to the training part; a constant column is only centred."""
        relative = trends(values)
        half = max(window // 2, 1)
        changes = values[half:] - values[:-half] if relative else values
        try:
            return (
                cls(Standardizer(0.0, Standardizer.fit(changes).std), True)
                if relative
                else cls(Standardizer.fit(values), False)
            )
        except ValueError:
            return cls(Standardizer(float(values.mean()), 1.0), relative)

    def inputs(self, values: Array, window: int) -> Array:
        """Return the network's inputs for values (rows, window + steps ahead)."""
        z = self.scale.transform(values)
        return z - z[:, window - 1 : window] if self.relative else z


@dataclass(frozen=True)
class Preparation:
    """Fitted transforms of all columns.

    Parameters
    ----------
    window, horizon : int
        Steps that the network reads, and forecasts.
    targets : tuple of Target
    past, known : tuple of Covariate
        Columns known up to now, and into the future.
    """

    window: int
    horizon: int
    targets: tuple[Target, ...]
    past: tuple[Covariate, ...] = ()
    known: tuple[Covariate, ...] = ()

    @property
    def length(self) -> int:
        """The number of steps needed before an origin."""
        return self.window + max(target.lag for target in self.targets)

    def inputs(
        self, history: Array, past: Array, known: Array, origins: Array
    ) -> tuple[list[Array], list[tuple[Array, Array]]]:
        """Return the network's inputs, and the anchor and season ahead of each target.

        Parameters
        ----------
        history : ndarray, shape (rows, length, targets)
            After `Target.maybe_log`.
        past : ndarray, shape (rows, window, columns)
        known : ndarray, shape (rows, window + horizon, columns)
        origins : ndarray of int, shape (rows,)
        """
        columns, sides = [], []
        for i, target in enumerate(self.targets):
            z, anchor, ahead = target.inputs(
                history[:, self.length - self.window - target.lag :, i], origins
            )
            columns.append(z)
            sides.append((anchor, ahead))
        columns += [c.inputs(past[..., i], self.window) for i, c in enumerate(self.past)]
        future = [c.inputs(known[..., i], self.window) for i, c in enumerate(self.known)]
        columns += [z[:, : self.window] for z in future]
        x = [_float32(columns)]
        if future:
            x.append(_float32([z[:, self.window :] for z in future]))
        return x, sides

    def encode(self, future: Array, sides: list[tuple[Array, Array]]) -> Array:
        """Return the network's target outputs, (rows, horizon * targets)."""
        outputs = [t.encode(future[..., i], *sides[i]) for i, t in enumerate(self.targets)]
        return _float32(outputs).reshape(len(future), -1)


def _float32(columns: list[Any]) -> Array:
    array = np.stack(columns, axis=-1)
    if array.size and not np.abs(array).max() < FAR:
        raise DataError(
            "values leave the range of those to train on by far; look for a wrong value among "
            "the last rows"
        )
    return array.astype(np.float32)
