"""Regression losses: squared, absolute, relative and robust errors, cosine, quantiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..validation import real, reals
from .base import EPSILON, Array, Loss, Values, registry, total, whole_axis

MEAN = "sum_over_batch_size"
LOG_2 = math.log(2)


class Plain(Loss):
    """A loss whose only arguments are those of `Loss`, in Keras's order."""

    def __init__(
        self, reduction: str | None = MEAN, name: str | None = None, dtype: str | None = None
    ) -> None:
        super().__init__(name, reduction, dtype)


def mean(terms: Array) -> Array:
    """Return the mean over the last axis."""
    if terms.shape[-1] == 1:
        return terms[..., 0]
    values: Array = total(terms, axis=-1)
    values /= terms.shape[-1]
    return values


@registry.add("mse")
class MeanSquaredError(Plain):
    """The mean of (y_true - y_pred)**2 over the last axis."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        d = y_pred - y_true
        values = mean(d * d)
        if not grad:
            return values, None
        d *= 2 / d.shape[-1]
        return values, d


@registry.add("mae")
class MeanAbsoluteError(Plain):
    """The mean of abs(y_true - y_pred) over the last axis."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        d = y_pred - y_true
        values = mean(np.abs(d))
        if not grad:
            return values, None
        np.sign(d, out=d)
        d *= 1 / d.shape[-1]
        return values, d


@registry.add("mape")
class MeanAbsolutePercentageError(Plain):
    """100 times the mean of abs((y_true - y_pred) / y_true) over the last axis."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        size = np.maximum(np.abs(y_true), EPSILON)
        d = y_pred - y_true
        values = 100 * mean(np.abs(d) / size)
        if not grad:
            return values, None
        np.sign(d, out=d)
        d *= 100 / d.shape[-1]
        d /= size
        return values, d


@registry.add("msle")
class MeanSquaredLogarithmicError(Plain):
    """The mean of (log(1 + y_true) - log(1 + y_pred))**2, for numbers >= 0."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        p = np.maximum(y_pred, EPSILON)
        d = np.log1p(p) - np.log1p(np.maximum(y_true, EPSILON))
        values = mean(d * d)
        if not grad:
            return values, None
        d *= (p == y_pred) * (2 / d.shape[-1])  # the gradient below EPSILON is 0
        d /= p + 1
        return values, d


@registry.add("huber_loss")
class Huber(Loss):
    """The mean Huber loss: half the squared error up to `delta`, and linear beyond.

    Parameters
    ----------
    delta : float, default 1.0
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = MEAN,
        name: str | None = "huber_loss",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        delta = real("Huber: delta", delta)
        if not delta > 0:
            raise ValueError(f"Huber: delta: expected a number above 0, got {delta!r}")
        self.delta = float(delta)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        d = y_pred - y_true
        clipped = np.minimum(np.maximum(d, -self.delta), self.delta)
        values = mean(clipped * (d - 0.5 * clipped))
        if not grad:
            return values, None
        clipped *= 1 / d.shape[-1]
        return values, clipped


@registry.add()
class LogCosh(Plain):
    """The mean of log(cosh(y_pred - y_true)) over the last axis."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        d = y_pred - y_true
        size = np.abs(d)
        values = mean(size + np.log1p(np.exp(-2 * size)) - LOG_2)
        if not grad:
            return values, None
        np.tanh(d, out=d)
        d *= 1 / d.shape[-1]
        return values, d


@registry.add()
class CosineSimilarity(Loss):
    """Minus the cosine of the angle between two vectors: -1 where they point the same way.

    Parameters
    ----------
    axis : int, default -1
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = whole_axis(axis, "CosineSimilarity")

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y, _ = _unit(y_true)
        p, inverse = _unit(y_pred)
        values = -total(y * p, axis=-1)
        if not grad:
            return values, None
        gradient = y + values[..., None] * p * (inverse < 1 / EPSILON)
        gradient *= -inverse
        return values, gradient


def _unit(x: Array) -> tuple[Array, Array]:
    """Return vectors scaled to length 1, and their scales, at most 1 / EPSILON."""
    with np.errstate(divide="ignore"):
        inverse = np.minimum(1 / np.sqrt(total(x * x, axis=-1, keepdims=True)), 1 / EPSILON)
    return x * inverse, inverse


@registry.add("pinball")
class Quantile(Loss):
    """The pinball loss, whose mean is smallest at a quantile of the targets.

    An error e = y_true - y_pred has the loss q e where it is positive and (q - 1) e where it is
    negative: with q = 0.9, a prediction that is too small costs nine times as much as one that is
    too large.

    Parameters
    ----------
    quantiles : float or sequence of float, default 0.5
        Each between 0 and 1. With several, the output has one unit for each quantile of each
        target, those of a target side by side: ``Dense(len(quantiles))`` for one target.
    """

    def __init__(
        self,
        quantiles: float | list[float] = 0.5,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        axes = np.ndim(quantiles)
        given: Any = [quantiles] if axes == 0 else quantiles if axes == 1 else []
        several = np.array(reals("Quantile: quantiles", given))
        if several.size == 0 or not ((several > 0) & (several < 1)).all():
            raise ValueError(
                f"Quantile: quantiles: expected numbers between 0 and 1, got {quantiles!r}"
            )
        self.quantiles = several.tolist() if np.ndim(quantiles) else float(several[0])
        self._levels = several

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Convert targets to the output's shape, with one unit for all quantiles of a target."""
        units, rest = divmod(shape[-1], self._levels.size)
        if rest:
            raise ValueError(
                f"{self.what}: expected an output with {self._levels.size} units for each "
                f"target, one a quantile, got {shape}"
            )
        return super().align(y_true, (*shape[:-1], units), dtype)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        levels = self._levels.astype(y_pred.dtype)
        e = y_true[..., None] - y_pred.reshape(*y_true.shape, levels.size)
        gradient = 0.5 * (1 - np.sign(e)) - levels
        values = mean((-gradient * e).reshape(y_pred.shape))
        if not grad:
            return values, None
        gradient *= 1 / y_pred.shape[-1]
        return values, gradient.reshape(y_pred.shape)


@registry.add()
class GaussianNLL(Loss):
    """The negative log-likelihood of a normal distribution, whose parameters are the output.

    The first half of the output's units are the means, the second half the logarithms of the
    variances: ``Dense(2)`` for one target. The value is the mean over the targets of
    (log(variance) + (y_true - mean)**2 / variance) / 2.

    Parameters
    ----------
    full : bool, default False
        Add the constant log(2 pi) / 2.
    """

    def __init__(
        self,
        full: bool = False,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.full = bool(full)

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Convert targets to the output's shape, with half its units."""
        if shape[-1] % 2:
            raise ValueError(
                f"{self.what}: expected an output with two units for each target, mean and "
                f"log of the variance, got {shape}"
            )
        return super().align(y_true, (*shape[:-1], shape[-1] // 2), dtype)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        n = y_true.shape[-1]
        log_variance, d = y_pred[..., n:], y_pred[..., :n] - y_true
        scaled = d * np.exp(-log_variance)
        square = d * scaled
        constant = 0.5 * math.log(2 * math.pi) if self.full else 0.0
        values = mean(0.5 * (log_variance + square) + constant)
        if not grad:
            return values, None
        gradient = np.concatenate([scaled, 0.5 - 0.5 * square], axis=-1)
        gradient *= 1 / n
        return values, gradient
