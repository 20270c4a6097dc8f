"""Negative log-likelihoods of Student's t distribution and of distributions of counts.

The network's output is the parameters of the distribution, unbounded numbers side by side: all
locations first, then all scales, and so on, as in `GaussianNLL`. All constants are included, so
the value is the logarithmic score of the forecast.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Loss, Values, registry
from .regression import MEAN, mean

LEAST = -12.0  # logarithm of the least dispersion and the least excess degrees of freedom
MOST = 12.0  # and of the most: beyond, the distribution no longer changes


class Likelihood(Loss):
    """The base class: the output has a unit for each parameter of each target."""

    parameters: ClassVar[tuple[str, ...]]

    def __init__(
        self, reduction: str | None = MEAN, name: str | None = None, dtype: str | None = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Convert targets to the output's shape, with one unit for all parameters of a target."""
        units, rest = divmod(shape[-1], len(self.parameters))
        if rest:
            raise ValueError(
                f"{self.what}: expected an output with {len(self.parameters)} units for each "
                f"target, {', '.join(self.parameters)}, got {shape}"
            )
        return super().align(y_true, (*shape[:-1], units), dtype)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        # float64: differences of log-gamma functions lose half the digits of large counts
        parts = np.split(y_pred.astype(np.float64), len(self.parameters), axis=-1)
        score, gradients = self.score(y_true.astype(np.float64), *parts, grad=grad)
        values = mean(score).astype(y_pred.dtype)
        if not grad:
            return values, None
        gradient = np.concatenate(gradients, axis=-1) / y_true.shape[-1]
        return values, gradient.astype(y_pred.dtype)

    def score(self, y: Array, *parameters: Array, grad: bool) -> tuple[Array, list[Array]]:
        """Return -log p(y) of each target, and its gradients for the parameters if `grad`."""
        raise NotImplementedError


def bounded(logarithm: Array) -> tuple[Array, Array]:
    """Return exp of a logarithm between `LEAST` and `MOST`, and its derivative (0 beyond)."""
    value = np.exp(np.clip(logarithm, LEAST, MOST))
    return value, np.where((logarithm > LEAST) & (logarithm < MOST), value, 0.0)


@registry.add()
class StudentTNLL(Likelihood):
    """The negative log-likelihood of Student's t distribution, whose parameters are the output.

    For targets with outliers. The output's first third are the locations, the second third the
    logarithms of the scales, and the last third the logarithms of the degrees of freedom above
    two, so that the variance is finite: ``Dense(3)`` for one target.
    """

    parameters = ("location", "log of the scale", "log of the degrees of freedom above 2")

    def score(self, y: Array, *parameters: Array, grad: bool) -> tuple[Array, list[Array]]:
        from scipy.special import digamma, gammaln

        location, log_scale, log_excess = parameters
        excess, slope = bounded(log_excess)
        freedom = 2 + excess
        scaled = np.exp(-log_scale)
        z = (y - location) * scaled
        square = z * z / freedom
        grown = np.log1p(square)
        score = (
            gammaln(freedom / 2)
            - gammaln((freedom + 1) / 2)
            + 0.5 * np.log(np.pi * freedom)
            + log_scale
            + (freedom + 1) / 2 * grown
        )
        if not grad:
            return score, []
        share = (freedom + 1) / freedom / (1 + square)
        by_freedom = 0.5 * (
            digamma(freedom / 2) - digamma((freedom + 1) / 2) + 1 / freedom + grown - share * square
        )
        return score, [-share * z * scaled, 1 - share * z * z, slope * by_freedom]


@registry.add()
class NegativeBinomialNLL(Likelihood):
    """The negative log-likelihood of a negative binomial distribution of counts.

    The output's first half are the logarithms of the means m, the second half the logarithms of
    the dispersions a: ``Dense(2)`` for one target. The variance is m + a m**2, so a Poisson
    distribution is the limit of no dispersion (the parameterization "NB2" of Cameron and Trivedi,
    Regression Analysis of Count Data). Targets are counts, 0, 1, 2 and so on.
    """

    parameters = ("log of the mean", "log of the dispersion")

    def score(self, y: Array, *parameters: Array, grad: bool) -> tuple[Array, list[Array]]:
        from scipy.special import digamma, gammaln

        log_mean, log_dispersion = parameters
        dispersion, slope = bounded(log_dispersion)
        size, m = 1 / dispersion, np.exp(log_mean)
        log_total = np.logaddexp(np.log(size), log_mean)
        score = (
            gammaln(size)
            + gammaln(y + 1)
            - gammaln(y + size)
            + size * np.log1p(m * dispersion)
            + y * (log_total - log_mean)
        )
        if not grad:
            return score, []
        by_size = (
            digamma(size) - digamma(y + size) + np.log1p(m * dispersion) + (y - m) / (size + m)
        )
        return score, [(m - y) / (1 + m * dispersion), -slope * size * size * by_size]


@registry.add()
class PoissonNLL(Likelihood):
    """The negative log-likelihood of a Poisson distribution of counts.

    The output is the logarithms of the means. `Poisson`, as in Keras, takes the means themselves
    and leaves out the constant.
    """

    parameters = ("log of the mean",)

    def score(self, y: Array, *parameters: Array, grad: bool) -> tuple[Array, list[Array]]:
        from scipy.special import gammaln

        (log_mean,) = parameters
        m = np.exp(log_mean)
        return m - y * log_mean + gammaln(y + 1), [m - y] if grad else []
