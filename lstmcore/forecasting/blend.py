"""The choice among forecasts, and conformal intervals, by errors from rolling origins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

NETWORK, REGRESSION, SMOOTHING = METHODS = ("network", "regression", "smoothing")
AUTO = "auto"
SHARPNESS = 4  # a forecast with twice the error gets a sixteenth of the weight
LEAST = 0.1  # weights below are none
MOST_ERRORS = 1000  # that are kept


@dataclass(frozen=True)
class Blend:
    """The mean of several forecasts of one target, with intervals around it.

    Parameters
    ----------
    weights : dict of str to float
        Of the methods that take part, with a sum of 1.
    errors : dict of str to float
        The mean absolute error of each method that was tried.
    spread : ndarray, shape (horizon,)
        The scale of the errors for each step ahead; it does not fall.
    residuals : ndarray, shape (n,)
        The blend's errors divided by the spread, sorted.
    independent : float
        To how many independent forecasts the errors amount: those of overlapping ones are alike.
    log : bool
        True if residuals are of logarithms.
    """

    weights: dict[str, float]
    errors: dict[str, float]
    spread: Array
    residuals: Array
    independent: float
    log: bool

    @classmethod
    def choose(
        cls, forecasts: Mapping[str, Array], truth: Array, log: bool, method: str = AUTO
    ) -> Blend:
        """Weight forecasts by their errors.

        Parameters
        ----------
        forecasts : mapping of str to ndarray, shape (origins, horizon)
        truth : ndarray, shape (origins, horizon)
        log : bool
            True if errors grow with the level, so that the logarithms' are alike.
        method : str, default "auto"
            "auto", or the one forecast to take.
        """
        errors = {name: float(np.abs(f - truth).mean()) for name, f in forecasts.items()}
        weights = {method: 1.0} if method in forecasts else _weights(errors)
        point = sum(weight * forecasts[name] for name, weight in weights.items())
        off = _to_scale(truth, log) - _to_scale(np.asarray(point), log)
        spread = np.maximum.accumulate(np.sqrt((off**2).mean(0)))
        spread = np.maximum(spread, 1e-9 * max(float(np.abs(truth).max()), 1e-300))
        residuals = np.sort((off / spread).ravel())
        if len(residuals) > MOST_ERRORS:
            residuals = np.quantile(residuals, np.linspace(0, 1, MOST_ERRORS))
        independent = max(len(truth) / truth.shape[1], 1.0)
        return cls(weights, errors, spread, residuals, independent, log)

    @property
    def words(self) -> str:
        """What was chosen, in words: "smoothing", or "0.7 network + 0.3 smoothing"."""
        if len(self.weights) == 1:
            return next(iter(self.weights))
        return " + ".join(f"{weight:.2f} {name}" for name, weight in self.weights.items())

    def mean(self, forecasts: Mapping[str, Array]) -> Array:
        """Return the blend of forecasts by method."""
        parts = [weight * forecasts[name] for name, weight in self.weights.items()]
        return np.asarray(sum(parts[1:], parts[0]))

    def quantiles(self, point: Array, levels: Array) -> Array:
        """Return quantiles around point forecasts, (rows, horizon, levels).

        They are those of the errors from rolling origins: split conformal prediction (Vovk et al.
        2005), with errors of all steps ahead together, each divided by its step's spread. The
        point forecast is the median, and no lower quantile is above it. Few forecasts make the
        spread uncertain: as with a mean of few numbers, they are wider by the ratio of Student's t
        to the normal distribution.
        """
        from scipy.special import ndtri, stdtrit

        side = np.sign(levels - 0.5)
        outer = np.where(side == 0, 0.75, levels)
        wider = stdtrit(self.independent, outer) / ndtri(outer)
        off = side * np.maximum(side * np.quantile(self.residuals, levels), 0) * wider
        spread = self.spread[: point.shape[1]]
        found = _to_scale(point, self.log)[..., None] + spread[:, None] * off
        return np.asarray(np.exp(found) if self.log else found)


def _to_scale(values: Array, log: bool) -> Array:
    return np.asarray(np.log(np.maximum(values, 1e-300)) if log else values)


def _weights(errors: Mapping[str, float]) -> dict[str, float]:
    """Return weights that fall with the errors."""
    best = min(errors.values())
    raw = {name: (best / e) ** SHARPNESS if e > 0 else 1.0 for name, e in errors.items()}
    if best == 0:
        raw = {name: float(e == 0) for name, e in errors.items()}
    total = sum(raw.values())
    kept = {name: weight for name, weight in raw.items() if weight >= LEAST * total}
    total = sum(kept.values())
    ordered = sorted(kept, key=lambda name: -kept[name])
    return {name: kept[name] / total for name in ordered}
