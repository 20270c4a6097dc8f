"""Predictive distributions: what a network's outputs mean, as quantiles, densities and samples.

A head takes parameters of shape (..., parameters), which `unpack` finds in the outputs of the
network. Heads of real values are in the scaled unit of the network; those of counts are in counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..losses import GaussianNLL, Loss, NegativeBinomialNLL, PoissonNLL, Quantile, StudentTNLL
from ..losses.likelihood import bounded
from ..names import nearest
from .network import WIDEST, interpolate

Array = np.ndarray
LEAST_SHARE = 1e-6  # probabilities are kept this far from 0 and 1


class Distribution:
    """The base class of heads: the distribution of each value by a few parameters."""

    parameters: int
    counts: ClassVar[bool] = False

    @property
    def loss(self) -> Loss:
        """The loss for training."""
        raise NotImplementedError

    def unpack(self, outputs: Array, horizon: int) -> Array:
        """Return the parameters (rows, horizon, parameters) of the network's outputs."""
        parts = np.asarray(outputs, np.float64).reshape(len(outputs), self.parameters, horizon)
        return np.asarray(parts.swapaxes(1, 2))

    def start(self, y: Array) -> Array:
        """Return the outputs to start training from, (parameters x horizon,), for targets y."""
        raise NotImplementedError

    def ppf(self, parameters: Array, shares: Array) -> Array:
        """Return the values that are not exceeded with these probabilities.

        Parameters
        ----------
        parameters : ndarray, shape (..., parameters)
        shares : ndarray, shape (k,) or (..., k)

        Returns
        -------
        ndarray, shape (..., k)
        """
        raise NotImplementedError

    def mean(self, parameters: Array) -> Array:
        """Return the expectation of each value."""
        raise NotImplementedError

    def log_density(self, parameters: Array, y: Array) -> Array:
        """Return the logarithm of the density, or of the probability of a count, at y."""
        values = -self.loss.each(y[..., None], parameters)
        return np.asarray(values, np.float64)


class Quantiles(Distribution):
    """Quantiles learned by the pinball loss, without a density between them.

    Between learned quantiles, and beyond them, others follow linearly on the scale of a standard
    normal distribution.

    Parameters
    ----------
    levels : sequence of float
        Increasing, between 0 and 1.
    """

    def __init__(self, levels: Sequence[float]) -> None:
        self.levels = tuple(levels)
        self.parameters = len(self.levels)

    @property
    def loss(self) -> Loss:
        return Quantile(list(self.levels))

    def unpack(self, outputs: Array, horizon: int) -> Array:
        found = np.asarray(outputs, np.float64).reshape(len(outputs), horizon, self.parameters)
        return np.sort(found, axis=-1)

    def start(self, y: Array) -> Array:
        return np.asarray(np.quantile(y, self.levels, axis=0).T.reshape(-1))

    def ppf(self, parameters: Array, shares: Array) -> Array:
        from scipy.special import ndtri

        return interpolate(parameters, ndtri(np.array(self.levels)), ndtri(shares))

    def mean(self, parameters: Array) -> Array:
        shares = (np.arange(20) + 0.5) / 20
        return np.asarray(self.ppf(parameters, shares).mean(-1))

    def log_density(self, parameters: Array, y: Array) -> Array:
        raise ValueError(
            "head='quantile' has no density, so no log score: take head='gaussian', 'student', "
            "'negative_binomial' or 'poisson'"
        )


class Gaussian(Distribution):
    """The normal distribution."""

    parameters = 2

    @property
    def loss(self) -> Loss:
        return GaussianNLL(full=True)

    def start(self, y: Array) -> Array:
        return np.concatenate([y.mean(axis=0), np.log(y.var(axis=0) + 1e-6)])

    def _moments(self, parameters: Array) -> tuple[Array, Array]:
        spread = np.exp(0.5 * np.clip(parameters[..., 1:], -WIDEST, WIDEST))
        return parameters[..., :1], spread

    def ppf(self, parameters: Array, shares: Array) -> Array:
        from scipy.special import ndtri

        mean, spread = self._moments(parameters)
        return np.asarray(mean + spread * ndtri(shares))

    def mean(self, parameters: Array) -> Array:
        return np.asarray(parameters[..., 0])


class StudentT(Distribution):
    """Student's t distribution, for values with outliers."""

    parameters = 3

    @property
    def loss(self) -> Loss:
        return StudentTNLL()

    def start(self, y: Array) -> Array:
        spread = np.log(y.std(axis=0) + 1e-3)
        return np.concatenate([y.mean(axis=0), spread, np.full_like(spread, np.log(8.0))])

    def ppf(self, parameters: Array, shares: Array) -> Array:
        from scipy.special import stdtrit

        freedom = 2 + bounded(parameters[..., 2:])[0]
        scale = np.exp(parameters[..., 1:2])
        return np.asarray(parameters[..., :1] + scale * stdtrit(freedom, shares))

    def mean(self, parameters: Array) -> Array:
        return np.asarray(parameters[..., 0])


class NegativeBinomial(Distribution):
    """The negative binomial distribution, for counts that vary more than a Poisson's."""

    parameters = 2
    counts = True

    @property
    def loss(self) -> Loss:
        return NegativeBinomialNLL()

    def start(self, y: Array) -> Array:
        horizon = y.shape[1]
        return np.concatenate([np.zeros(horizon), np.full(horizon, -1.0)])

    def ppf(self, parameters: Array, shares: Array) -> Array:
        from scipy.stats import nbinom

        mean, dispersion = np.exp(parameters[..., :1]), bounded(parameters[..., 1:])[0]
        return np.asarray(nbinom.ppf(shares, 1 / dispersion, 1 / (1 + dispersion * mean)))

    def mean(self, parameters: Array) -> Array:
        return np.asarray(np.exp(parameters[..., 0]))


class Poisson(Distribution):
    """The Poisson distribution, for counts."""

    parameters = 1
    counts = True

    @property
    def loss(self) -> Loss:
        return PoissonNLL()

    def start(self, y: Array) -> Array:
        return np.zeros(y.shape[1])

    def ppf(self, parameters: Array, shares: Array) -> Array:
        from scipy.special import pdtrik

        # The smallest count whose probability to be not exceeded is at least the share.
        mean = np.exp(parameters)
        found = np.ceil(pdtrik(shares, mean) - 1e-9)
        return np.asarray(np.maximum(found, 0.0))

    def mean(self, parameters: Array) -> Array:
        return np.asarray(np.exp(parameters[..., 0]))


HEADS: dict[str, type[Distribution]] = {
    "quantile": Quantiles,
    "gaussian": Gaussian,
    "student": StudentT,
    "negative_binomial": NegativeBinomial,
    "poisson": Poisson,
}


def make(name: str, levels: Sequence[float]) -> Distribution:
    """Return the head of this name; `levels` are the quantiles that a quantile head learns."""
    if name not in HEADS:
        hint = nearest(str(name), HEADS)
        raise ValueError(f"head: expected one of {tuple(HEADS)}, got {name!r}; {hint}")
    return Quantiles(levels) if name == "quantile" else HEADS[name]()


def sample_paths(
    head: Distribution,
    parameters: Array,
    paths: int,
    random: np.random.Generator,
    dependence: Array | None = None,
) -> Array:
    """Sample whole paths, (rows, paths, horizon).

    Parameters
    ----------
    head : Distribution
    parameters : ndarray, shape (rows, horizon, parameters)
    paths : int
    random : numpy.random.Generator
    dependence : ndarray, shape (horizon, horizon), optional
        Correlations between the steps ahead, on the scale of a normal distribution (a Gaussian
        copula). By default steps are independent.
    """
    from scipy.special import ndtr

    rows, horizon = parameters.shape[:2]
    z = random.standard_normal((rows, paths, horizon))
    if dependence is not None:
        z = z @ np.linalg.cholesky(dependence).T
    shares = np.clip(ndtr(z), LEAST_SHARE, 1 - LEAST_SHARE)
    return head.ppf(parameters, shares.swapaxes(1, 2)).swapaxes(1, 2)


def scores(head: Distribution, parameters: Array, y: Array) -> Any:
    """Return the normal scores of values within their forecast distributions, (rows, horizon).

    They are standard normal if forecasts are calibrated. A quantile head is inverted between its
    levels; counts have the middle of the range of their probability.
    """
    from scipy.special import ndtri

    grid = (np.arange(49) + 1) / 50
    values = head.ppf(parameters, grid)
    below = (values < y[..., None]).mean(-1)
    upto = (values <= y[..., None]).mean(-1)
    return ndtri(np.clip((below + upto) / 2, 0.01, 0.99))
