"""What is done to columns before the network, and undone behind it.

A target y is turned in three steps, each fitted on the training part alone:

1. z = y less its season: a smooth curve, or the value of one season before; standardized.
2. The last z, shrunk for each step ahead as a regression on the training part says, is the anchor.
3. The network forecasts what is left, in units of its spread. So a network that has learnt
   nothing forecasts about what persistence does, or the mean where persistence is no use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._binding.numpy_blas import dot
from ..data import DataError, SeasonalCurve, Standardizer, seasonal_naive, windows_at

NONE, CURVE, DIFFERENCE = "none", "curve", "difference"
FAR = 1e4  # standard deviations: float32 still holds a thousandth of one there
TREND = 0.5  # share of the variance that a straight line explains, from which on it is a trend

Array = np.ndarray


@dataclass(frozen=True)
class Target:
    """How one target is turned.

    Parameters
    ----------
    log : bool
        Its logarithm is taken first.
    adjust : {"none", "curve", "difference"}
        What is done about the season.
    season : int
    curve : SeasonalCurve, optional
    scale : Standardizer
        Of z.
    relative : bool
        The network is given z less its last value: where the level is never the same again, it
        tells nothing.
    slope, shift, spread : ndarray, shape (horizon,)
        For each step ahead: the anchor is ``slope * z + shift``, and what is left has `spread`.
    """

    log: bool
    adjust: str
    season: int
    curve: SeasonalCurve | None
    scale: Standardizer
    relative: bool
    slope: Array
    shift: Array
    spread: Array

    @property
    def lag(self) -> int:
        """How much further than the window this looks back."""
        return self.season if self.adjust == DIFFERENCE else 0

    @property
    def error(self) -> float:
        """What the anchor alone misses in the training part."""
        return float(self.spread.mean() * self.scale.std)

    def seasonal(self, history: Array, origins: Array) -> tuple[Array, Array]:
        """The season in the window, and what is to be added to forecasts.

        Parameters
        ----------
        history : ndarray, shape (rows, window + lag)
            What came before each origin.
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
        """Return what the network is to say for these values, (rows, horizon)."""
        return np.asarray((self.scale.transform(future - ahead) - anchor) / self.spread)

    def decode(self, said: Array, anchor: Array, ahead: Array) -> Array:
        """Undo `encode`; `said` may have more axes behind."""
        more = (...,) + (None,) * (said.ndim - anchor.ndim)
        spread = self.spread[: anchor.shape[1]][more]
        values = self.scale.inverse(said * spread + anchor[more]) + ahead[more]
        return np.exp(values) if self.log else np.asarray(values)

    def flat(self, values: Array) -> Array:
        """Return the logarithms, if they are to be taken."""
        if not self.log:
            return values
        if not (values > 0).all():
            raise DataError("log: there are values <= 0, which have no logarithm")
        return np.asarray(np.log(values))


def seasonal_steps(horizon: int, season: int) -> Array:
    """Where, counted back from the origin, the same season of each step ahead was known last."""
    steps = np.arange(-season, horizon)
    return np.asarray(seasonal_naive(steps, horizon, season, start=season)[0])


def fit_target(
    y: Array, horizon: int, season: int, adjust: str, relative: bool | None, log: bool, name: str
) -> Target:
    """Fit the turns of a target on its training part, and choose where "auto" says so.

    Raises
    ------
    DataError
        If the values do not vary, or are not all positive for their logarithm.
    """
    if log:
        if y.min() <= 0:
            raise DataError(f"column {name!r} has values <= 0, which have no logarithm")
        y = np.log(y)
    choices = (
        (NONE,) if not season else (NONE, DIFFERENCE, CURVE) if adjust == "auto" else (adjust,)
    )
    try:
        fits = [_fit(y, horizon, season, how, relative, log) for how in choices]
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


def _penalized(fit: Target, steps: int) -> float:
    """The anchor's error, larger where a curve had many weights to fit to few steps."""
    weights = 0 if fit.curve is None else len(fit.curve.weights) + 1
    return fit.error * float(np.sqrt(steps / max(steps - weights, 1)))


def _fit(
    y: Array, horizon: int, season: int, adjust: str, relative: bool | None, log: bool
) -> Target | None:
    """One way to treat the season; None if the series is too short for it."""
    lag = season if adjust == DIFFERENCE else 0
    if len(y) < lag + horizon + 2 or (adjust == CURVE and len(y) < season):
        return None
    curve = SeasonalCurve.fit(y, season) if adjust == CURVE else None
    plain = Standardizer(0.0, 1.0)
    ones = np.ones(horizon)
    raw = Target(False, adjust, season, curve, plain, False, ones, 0 * ones, ones)
    origins = np.arange(lag + 1, len(y) - horizon + 1)
    z, last, ahead = raw.inputs(windows_at(y, origins, lag + 1), origins)
    scale = Standardizer.fit(z)
    z_last = scale.transform(last[:, :1])
    left = scale.transform(windows_at(y, origins, 0, horizon) - ahead)
    if relative is None:
        relative = trends(z[:, 0])
    slope = np.clip((left * z_last).sum(0) / max(float((z_last**2).sum()), 1e-12), 0, 1)
    slope = ones if relative else slope
    left = left - slope * z_last
    spread = np.maximum(left.std(0), 1e-6)
    return Target(log, adjust, season, curve, scale, relative, slope, left.mean(0), spread)


def trends(values: Array) -> bool:
    """Whether a straight line explains most of what varies."""
    time = np.arange(len(values)) - (len(values) - 1) / 2
    centred = values - values.mean()
    explained = dot(time, centred) ** 2
    return bool(explained > TREND * dot(time, time) * dot(centred, centred) > 0)


@dataclass(frozen=True)
class Covariate:
    """How a column that is not forecast is scaled.

    Parameters
    ----------
    scale : Standardizer
        Of the column, or of what it changes by within half a window.
    relative : bool
        Its last known value is taken off, as for `Target`.
    """

    scale: Standardizer
    relative: bool

    @classmethod
    def fit(cls, values: Array, window: int) -> Covariate:
        """Measure the training part; one that does not vary there is only moved to zero."""
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
        """Return values (rows, window + ahead) as the network is given them."""
        z = self.scale.transform(values)
        return z - z[:, window - 1 : window] if self.relative else z


@dataclass(frozen=True)
class Preparation:
    """All columns' turns.

    Parameters
    ----------
    window, horizon : int
        Of the network.
    targets : tuple of Target
    past, known : tuple of Covariate
        Known up to now, and into the future.
    """

    window: int
    horizon: int
    targets: tuple[Target, ...]
    past: tuple[Covariate, ...] = ()
    known: tuple[Covariate, ...] = ()

    @property
    def length(self) -> int:
        """How many steps before an origin are looked at."""
        return self.window + max(target.lag for target in self.targets)

    def inputs(
        self, history: Array, past: Array, known: Array, origins: Array
    ) -> tuple[list[Array], list[tuple[Array, Array]]]:
        """Return what goes into the network, and each target's anchor and season ahead.

        Parameters
        ----------
        history : ndarray, shape (rows, length, targets)
            Through `Target.flat`.
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
        """Return what the network is to say: (rows, horizon * targets)."""
        said = [t.encode(future[..., i], *sides[i]) for i, t in enumerate(self.targets)]
        return _float32(said).reshape(len(future), -1)


def _float32(columns: list[Any]) -> Array:
    array = np.stack(columns, axis=-1)
    if array.size and not np.abs(array).max() < FAR:
        raise DataError(
            "values leave the range of those to train on by far; look for a wrong value among "
            "the last rows"
        )
    return array.astype(np.float32)
