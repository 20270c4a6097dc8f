"""Losses for probabilities (Kullback-Leibler), rates (Poisson) and margins (hinge)."""

from __future__ import annotations

import numpy as np

from .base import EPSILON, Array, Values, registry, total
from .regression import Plain, mean


@registry.add("kld", "kullback_leibler_divergence")
class KLDivergence(Plain):
    """The Kullback-Leibler divergence, sum(y_true log(y_true / y_pred)) over the last axis."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y, p = (np.minimum(np.maximum(a, EPSILON), 1) for a in (y_true, y_pred))
        values: Array = total(y * np.log(y / p), axis=-1)
        return values, -y / p * (p == y_pred) if grad else None


@registry.add()
class Poisson(Plain):
    """The mean of y_pred - y_true log(y_pred), the Poisson loss of counts y_true."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        p = y_pred + EPSILON
        values = mean(y_pred - y_true * np.log(p))
        return values, (1 - y_true / p) * (1 / p.shape[-1]) if grad else None


class _Hinge(Plain):
    """The base class of hinge losses, for labels -1 and 1; labels 0 and 1 are converted."""

    def signs(self, y: Array) -> Array:
        """Return the labels as -1 and 1; labels that are all 0 or 1 are converted."""
        return 2 * y - 1 if ((y == 0) | (y == 1)).all() else y

    def _masked(
        self, y_true: Array, y_pred: Array, weight: Array | None, grad: bool, mask: Array
    ) -> tuple[Array, Array | None, Array]:
        wide = mask.reshape(mask.shape + (1,) * (y_true.ndim - mask.ndim))
        y_true = np.where(wide, y_true, 0)  # padding must not affect the check for labels 0 and 1
        return super()._masked(y_true, y_pred, weight, grad, mask)


@registry.add()
class Hinge(_Hinge):
    """The mean of max(1 - y_true y_pred, 0), for labels -1 and 1 (or 0 and 1)."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y = self.signs(y_true)
        short = 1 - y * y_pred
        values = mean(np.maximum(short, 0))
        return values, (short > 0) * y * (-1 / y.shape[-1]) if grad else None


@registry.add()
class SquaredHinge(_Hinge):
    """The mean of max(1 - y_true y_pred, 0)**2, for labels -1 and 1 (or 0 and 1)."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y = self.signs(y_true)
        short = np.maximum(1 - y * y_pred, 0)
        values = mean(short * short)
        return values, short * y * (-2 / y.shape[-1]) if grad else None


@registry.add()
class CategoricalHinge(Plain):
    """The hinge max(best wrong prediction - that of the true class + 1, 0), for one-hot targets."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        wrong = (1 - y_true) * y_pred
        best = np.maximum.reduce(wrong, axis=-1, keepdims=True)
        short = best[..., 0] - total(y_true * y_pred, axis=-1) + 1
        values = np.maximum(short, 0)
        if not grad:
            return values, None
        tied = (wrong == best).astype(y_pred.dtype)  # ties share the gradient, as in Keras
        tied /= total(tied, axis=-1, keepdims=True)
        gradient = (1 - y_true) * tied - y_true
        gradient *= (short > 0)[..., None]
        return values, gradient
