"""Losses of a whole batch or of a whole sequence: overlaps (Dice, Tversky), pairs (Circle).

Their values are not one for each vector: a value may depend on all predictions of a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..validation import plain_array, real
from .base import (
    EPSILON,
    Array,
    Loss,
    Values,
    broadcast_mask,
    broadcast_weight,
    registry,
    total,
    whole_axis,
)
from .regression import MEAN

# Values, True for those that count, and a function from the gradient of the values to that of
# the predictions.
Computed = tuple[Array, Array, Callable[[Array], Array]]


class WholeBatch(Loss):
    """The base class: subclass it and write `compute`."""

    def compute(self, y_true: Array, y_pred: Array, mask: Array | None) -> Computed:
        """Return the values, which of them count, and their backward function."""
        raise NotImplementedError

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        """Return the values, and the gradient of their sum."""
        values, _, back = self.compute(y_true, y_pred, None)
        return values, back(np.ones_like(values)) if grad else None

    def with_back(self, y_true: Array, y_pred: Array) -> tuple[Array, Callable[[Any], Array]]:
        """Return the values of aligned targets, and their backward function."""
        values, _, back = self.compute(y_true, y_pred, None)
        return values, back

    def _along_axis(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        return self.values(y_true, y_pred, grad)

    def _weigh(self, values: Array, counts: Array, weight: Array | None, batch: int) -> Array:
        """Return the weight of each value; weights of samples for one value are averaged."""
        if weight is None:
            return counts.astype(values.dtype)
        if values.ndim == 0:
            if weight.shape not in ((batch,), (batch, 1)):
                raise ValueError(
                    f"sample_weight: expected one weight a sample, shape {(batch,)}, for a loss "
                    f"that has one value for the batch; got {weight.shape}"
                )
            return np.asarray(weight.mean() * counts, values.dtype)
        return counts * broadcast_weight(weight, values)

    def _masked(
        self, y_true: Array, y_pred: Array, weight: Array | None, grad: bool, mask: Array
    ) -> tuple[Array, Array | None, Array]:
        values, counts, back = self.compute(y_true, y_pred, mask)
        weights = self._weigh(values, counts, weight, len(y_pred))
        return values * weights, back(weights) if grad else None, weights

    def forward(
        self,
        y_true: Array,
        y_pred: Array,
        sample_weight: Array | None = None,
        grad: bool = True,
        mask: Array | None = None,
    ) -> tuple[float, Array | None]:
        """Return the reduced loss of aligned targets, and its gradient; see `Loss.forward`."""
        if self.dtype is not None and y_pred.dtype != self.dtype:
            return self._forward_cast(y_true, y_pred, sample_weight, grad, mask)
        values, counts, back = self.compute(y_true, y_pred, mask)
        weights = self._weigh(values, counts, sample_weight, len(y_pred))
        scale = self.reduction_factor(
            int(np.count_nonzero(counts)), None if sample_weight is None else weights
        )
        value = float(total(values * weights, axis=None)) * scale
        return value, back(weights * np.asarray(scale, values.dtype)) if grad else None

    def count_values(
        self, y_pred: Array, mask: Array | None = None, y_true: Array | None = None
    ) -> float:
        """Return the number of samples: the weight of the batch in the mean of an epoch."""
        return len(y_pred)


class _Overlap(WholeBatch):
    """The base class of overlaps, whose sums are over some axes of targets and predictions.

    Parameters
    ----------
    axis : int or tuple of int, optional
        The axes of the sums; the default is all of them, the batch's too: one value for a batch.
    """

    def __init__(self, axis: Any, reduction: str | None, name: str | None, dtype: Any) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axes_of(axis, type(self).__name__)

    factor = 1.0  # the numerator is this times sum(y p)

    def sums(self, y: Array, p: Array) -> tuple[Array, Array, Callable[[Array], Array]]:
        """Return numerator and denominator, and the gradient of the latter, a function of y."""
        raise NotImplementedError

    def compute(self, y_true: Array, y_pred: Array, mask: Array | None) -> Computed:
        y, p, axis = y_true, y_pred, self.axis
        unmasked = np.ones((), np.bool_)
        if mask is not None:
            unmasked = broadcast_mask(mask, p, self.what)
            y, p = np.where(unmasked, y, 0), np.where(unmasked, p, 0)
        top, bottom, slope = self.sums(y, p)
        values: Array = 1 - top / bottom
        counts = np.broadcast_to(unmasked, p.shape).any(axis=axis)

        def back(dvalues: Array) -> Array:
            d, t, b = (np.asarray(part) for part in (dvalues, top, bottom))
            if axis is not None:
                d, t, b = (np.expand_dims(part, axis) for part in (d, t, b))
            dp: Array = d * ((t / b * slope(y) - self.factor * y) / b) * unmasked
            return dp.astype(y_pred.dtype, copy=False)

        return np.asarray(values), np.asarray(counts), back


@registry.add()
class Dice(_Overlap):
    """The Dice loss, 1 - 2 sum(y p) / (sum(y) + sum(p)): how little two sets overlap.

    Parameters
    ----------
    axis : int or tuple of int, optional
        The axes of the sums; the default is all of them, the batch's too: one value for a batch.
    """

    factor = 2.0

    def __init__(
        self,
        reduction: str | None = MEAN,
        name: str | None = "dice",
        axis: Any = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(axis, reduction, name, dtype)

    def sums(self, y: Array, p: Array) -> tuple[Array, Array, Callable[[Array], Array]]:
        top, bottom = total(y * p, axis=self.axis), total(y, axis=self.axis)
        bottom = bottom + total(p, axis=self.axis) + EPSILON
        return 2 * top, bottom, np.ones_like


@registry.add()
class Tversky(_Overlap):
    """The Tversky loss, 1 - t / (t + alpha sum(y (1 - p)) + beta sum(p (1 - y))), t = sum(y p).

    With alpha = beta = 0.5 it is `Dice` (Salehi et al., 2017).

    Parameters
    ----------
    alpha, beta : float, default 0.5
    axis : int or tuple of int, optional
        The axes of the sums; the default is all of them, the batch's too: one value for a batch.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = MEAN,
        name: str | None = "tversky",
        axis: Any = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(axis, reduction, name, dtype)
        self.alpha, self.beta = real("Tversky: alpha", alpha), real("Tversky: beta", beta)

    def sums(self, y: Array, p: Array) -> tuple[Array, Array, Callable[[Array], Array]]:
        both = total(y * p, axis=self.axis)
        bottom = both + self.alpha * total((1 - p) * y, axis=self.axis)
        bottom = bottom + self.beta * total((1 - y) * p, axis=self.axis) + EPSILON
        return both, bottom, lambda y: (1 - self.alpha) * y + self.beta * (1 - y)


@registry.add()
class Circle(WholeBatch):
    """The circle loss of embeddings (batch, units) of length 1 and their class numbers (batch,).

    With c = 1 - cosine of a pair, softplus(P + N) for each sample, where P is the log of the sum of
    exp(-gamma (margin + c) (margin - c)) over the samples of its class, and N that of
    exp(gamma max(1 + margin - c, 0) (1 - margin - c)) over the others (Sun et al., 2020). The mean
    is over the samples whose value is above 0, as in Keras: those alone in their class have 0.

    Parameters
    ----------
    gamma : float, default 80.0
    margin : float, default 0.4
    remove_diagonal : bool, default True
        Do not pair a sample with itself.
    """

    class_numbers = True

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = MEAN,
        name: str | None = "circle",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.gamma, self.margin = real("Circle: gamma", gamma), real("Circle: margin", margin)
        self.remove_diagonal = bool(remove_diagonal)

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Check the class numbers; return them as (batch,)."""
        given = plain_array(y_true, f"{self.what}: y_true")
        y = given.astype(np.int64)
        if len(shape) != 2 or given.shape not in (shape[:1], (shape[0], 1)) or (y != given).any():
            raise ValueError(
                f"{self.what}: expected whole class numbers (batch,) for embeddings (batch, "
                f"units), got {given.shape} for {shape}"
            )
        return y.reshape(-1)

    def compute(self, y_true: Array, y_pred: Array, mask: Array | None) -> Computed:
        if mask is not None and mask.shape != y_true.shape:
            raise ValueError(f"{self.what}: expected a mask {y_true.shape}, got {mask.shape}")
        rows = np.flatnonzero(np.ones(len(y_true), np.bool_) if mask is None else mask)
        y, p = y_true[rows], y_pred[rows]
        log_sums, shares, distances = self.pairs(y, p, y, p)
        values = np.zeros(len(y_pred), y_pred.dtype)
        values[rows] = np.logaddexp(log_sums, 0)

        def back(dvalues: Array) -> Array:
            weight = dvalues[rows] * np.exp(log_sums - values[rows])
            d = -weight[:, None] * self.slopes(shares, distances)
            dp = np.zeros_like(y_pred)
            dp[rows] = (d + d.T) @ p
            return dp

        return values, values > 0, back

    def pairs(
        self, y: Array, p: Array, other_y: Array, other_p: Array
    ) -> tuple[Array, tuple[Array, Array], Array]:
        """Return P + N of samples paired with others, the pairs' shares in each, and 1 - cosine."""
        m, c = self.margin, np.maximum(1 - p @ other_p.T, 0)
        same = y[:, None] == other_y
        different = ~same
        if self.remove_diagonal:
            same &= ~np.eye(*same.shape, dtype=np.bool_)
        near, far = np.maximum(m + c, 0), np.maximum(1 + m - c, 0)
        log_p, share_p = _log_sum(-self.gamma * near * (m - c), same)
        log_n, share_n = _log_sum(self.gamma * far * (1 - m - c), different)
        return log_p + log_n, (share_p, share_n), c

    def slopes(self, shares: tuple[Array, Array], c: Array) -> Array:
        """Return the gradient of P + N with respect to 1 - cosine of each pair."""
        m = self.margin
        near, far = np.maximum(m + c, 0), np.maximum(1 + m - c, 0)
        slope_p = (near - (m - c)) * (near > 0)
        slope_n = -(far + (1 - m - c)) * (far > 0)
        d: Array = self.gamma * (shares[0] * slope_p + shares[1] * slope_n) * (c > 0)
        return d


def _log_sum(x: Array, where: Array) -> tuple[Array, Array]:
    """Return log(sum(exp(x))) over rows, where `where` is True, and the share of each entry in it.

    A row without entries has -inf, and shares of 0.
    """
    x = np.where(where, x, -np.inf)
    most = x.max(axis=1, keepdims=True, initial=-np.inf)
    e = np.exp(x - np.where(np.isfinite(most), most, 0))
    sums = total(e, axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        logs = np.log(sums[:, 0])
    logs += np.where(np.isfinite(most), most, 0)[:, 0]
    return logs, e / np.where(sums > 0, sums, 1)


def axes_of(axis: Any, what: str) -> int | tuple[int, ...] | None:
    """Return an axis or axes as an int or a tuple of them; None stays None."""
    if axis is None:
        return None
    if isinstance(axis, list | tuple):
        return tuple(whole_axis(a, what) for a in axis)
    return whole_axis(axis, what)
