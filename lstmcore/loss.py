"""What a loss is: values, and one number made of those that count.

A loss has one value for each vector along the last axis (`values`), and a reduction that makes
one number of them. `forward` returns that number and its gradient in one pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .registry import Configurable, Registry, snake_case

Array = NDArray[Any]
registry: Registry = Registry("loss")
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss(Configurable):
    """Base of all: subclass it and write `values`.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None}
        How the values become one number: their sum over their number (also called "mean"),
        their sum, their sum over the sum of the sample weights, or not at all.
    name : str, optional
        The default is the class's name in lower case.
    """

    registry = registry

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: reduction: expected one of {REDUCTIONS}, got {reduction!r}"
            )
        self.reduction = reduction
        self.name = snake_case(type(self).__name__) if name is None else name

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> tuple[Array, Array | None]:
        """Return the values (...,) of predictions (..., units), and dvalues/dy_pred if `grad`.

        Both arguments have been through `align` and are of one type.
        """
        raise NotImplementedError

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Bring targets to the shape and the type of the predictions.

        As in Keras, a last axis of size 1 may be missing or too many. Nothing else is
        stretched: targets (N,) against predictions (N, 3) are an error.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        y = same_rank(np.asarray(y_true, dtype=dtype), shape)
        if y.shape != shape:
            raise ValueError(self._misfit(np.shape(y_true), shape))
        return y

    def _misfit(self, got: tuple[int, ...], shape: tuple[int, ...]) -> str:
        return f"loss {self.name!r}: expected targets of the shape of the output {shape}, got {got}"

    def forward(
        self,
        y_true: Array,
        y_pred: Array,
        sample_weight: Array | None = None,
        grad: bool = True,
        mask: Array | None = None,
    ) -> tuple[float, Array | None]:
        """Return the reduced loss of aligned targets, and its gradient for `y_pred` if `grad`.

        What stands where `mask` is False counts nowhere, be it NaN: as in Keras, a mean is over
        the real steps, and it is 0 if there are none.
        """
        if mask is not None:
            values, slope, sample_weight = self._masked(y_true, y_pred, sample_weight, grad, mask)
        else:
            values, slope = self.values(y_true, y_pred, grad)
            if sample_weight is not None:
                sample_weight = stretch(sample_weight, values)
                values = values * sample_weight
        if mask is None:
            scale = self._scale(values.size, sample_weight)
        else:
            scale = self._scale(self.count(y_pred, mask), sample_weight)
        if slope is not None:
            slope *= scale if sample_weight is None else (scale * sample_weight)[..., None]
        return float(values.sum()) * scale, slope

    def _masked(
        self, y_true: Array, y_pred: Array, weight: Array | None, grad: bool, mask: Array
    ) -> tuple[Array, Array | None, Array]:
        """Weighted values and slope, both 0 at masked steps, and the weights, also 0 there."""
        with np.errstate(all="ignore"):  # targets and outputs are arbitrary at masked steps
            values, slope = self.values(y_true, y_pred, grad)
        real = real_values(mask, values, f"loss {self.name!r}")
        weight = real.astype(values.dtype) if weight is None else real * stretch(weight, values)
        values = np.where(real, values, 0) * weight
        return values, None if slope is None else np.where(real[..., None], slope, 0), weight

    def _scale(self, count: float, sample_weight: Array | None) -> float:
        if self.reduction == "sum":
            return 1.0
        if self.reduction in ("none", None):
            raise ValueError(f"loss {self.name!r} with reduction {self.reduction!r} is no number")
        if self.reduction == "mean_with_sample_weight" and sample_weight is not None:
            count = float(sample_weight.sum())
        return 1.0 / count if count else 0.0

    def count(self, y_pred: Array, mask: Array | None = None) -> float:
        """Return how many real values there are for predictions (..., units)."""
        values: int = y_pred.size // y_pred.shape[-1]
        return values if mask is None else int(np.count_nonzero(mask)) * values / mask.size

    def each(self, y_true: Any, y_pred: Any) -> Array:
        """Return the loss of each vector along the last axis, without reduction."""
        p = floating(y_pred)
        return self.values(self.align(y_true, p.shape, p.dtype), p, False)[0]

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Any:
        """Return the loss of predictions, a float; without reduction, the array of values.

        Parameters
        ----------
        y_true, y_pred : array_like, (..., units)
        sample_weight : array_like, (batch,) or the shape of the values, optional
        mask : array_like of bool, (batch, time), optional
            Which steps count.
        """
        y_pred = floating(y_pred)
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, y_pred.dtype)
        mask = None if mask is None else np.asarray(mask, np.bool_)
        y_true = self.align(y_true, y_pred.shape, y_pred.dtype)
        if self.reduction not in ("none", None):
            return self.forward(y_true, y_pred, sample_weight, grad=False, mask=mask)[0]
        if mask is not None:
            return self._masked(y_true, y_pred, sample_weight, False, mask)[0]
        values = self.values(y_true, y_pred, False)[0]
        return values if sample_weight is None else values * stretch(sample_weight, values)


def same_rank(y: Array, shape: tuple[int, ...]) -> Array:
    """Add or take away a last axis of size 1, as Keras does before every loss."""
    if y.ndim == len(shape) - 1 and shape[-1] == 1:
        return y[..., None]
    if y.ndim == len(shape) + 1 and y.shape[-1] == 1:
        return y[..., 0]
    return y


def floating(x: Any) -> Array:
    """An array of float32 or float64: other numbers become float32."""
    x = np.asarray(x)
    y: Array = x if x.dtype in (np.float32, np.float64) else x.astype(np.float32)
    return y


def stretch(weight: Array, values: Array) -> Array:
    """Sample weights (batch,) against values (batch, ...): one weight for all of a sample."""
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    if weight.shape != values.shape[: weight.ndim]:
        raise ValueError(
            f"sample_weight: expected one weight a sample, shape {values.shape[:1]}, or one a "
            f"value, shape {values.shape}; got {weight.shape}"
        )
    return _spread(weight, values)


def real_values(mask: Array, values: Array, what: str) -> Array:
    """Which values (batch, time, ...) belong to a real step."""
    if mask.shape != values.shape[: mask.ndim]:
        raise ValueError(
            f"{what}: the mask of the output is {mask.shape}, its values are {values.shape}: a "
            "layer that drops or changes the time axis must say so in its compute_mask"
        )
    return _spread(mask, values)


def _spread(weight: Array, values: Array) -> Array:
    weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    spread: Array = np.broadcast_to(weight, values.shape)
    return spread
