"""Loss: the base class of all losses, with masks, sample weights and reductions.

A loss has one value for each vector along its axis, by default the last one (`values`), and a
reduction of the values to one number. `forward` returns that number and its gradient in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import context
from ..autodiff.tensors import Number
from ..names import snake_case
from ..registry import Registry
from ..serialization import Configurable
from ..validation import plain_array
from .shapes import broadcast_mask as broadcast_mask
from .shapes import broadcast_weight as broadcast_weight
from .shapes import float_dtype as float_dtype
from .shapes import floating as floating
from .shapes import same_rank as same_rank
from .shapes import total as total
from .shapes import whole_axis as whole_axis

Array = NDArray[Any]
Values = tuple[Array, Array | None]
registry: Registry = Registry("loss")
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
EPSILON = 1e-7  # Keras's: probabilities are clipped to EPSILON ... 1 - EPSILON before a log


class Loss(Configurable):
    """The base class of all losses: subclass it and write `call` or `values`.

    ``call(y_true, y_pred)`` is Keras's: made of `lstmcore.ops`, it is derived. `values` is the fast
    way: it returns the gradient beside the values.

    Parameters
    ----------
    name : str, optional
        The default is the class's name in snake_case.
    reduction : {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None}
        The reduction of the values to one number: their mean (the first one and "mean"), their
        sum, their sum divided by the sum of the sample weights, or none.
    dtype : {"float32", "float64"}, optional
        The dtype to compute in. The default is that of the predictions.
    """

    registry = registry
    kind = "loss"
    axis: Any = -1  # the axis of the vectors: each has one value
    class_numbers: ClassVar[bool] = False  # the targets are class numbers, and no vectors
    overrides_call = False  # True for a class with a `call` of its own

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__ or "values" in cls.__dict__:
            cls.overrides_call = "values" not in cls.__dict__

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: str | None = None,
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: reduction: expected one of {REDUCTIONS}, got {reduction!r}"
            )
        self.reduction = reduction
        self.name = snake_case(type(self).__name__) if name is None else name
        self.dtype = float_dtype(dtype, type(self).__name__)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        """Return the values (...,) of predictions (..., units), and their gradient if `grad`.

        Both arguments have been through `align` and are of one dtype. The gradient with respect to
        y_pred must be a new array.
        """
        from . import derived

        return derived.values(self, y_true, y_pred, grad)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values (...,) of predictions (..., units), made of `lstmcore.ops`."""
        if type(self).values is Loss.values:
            raise NotImplementedError(
                f"{type(self).__name__}: write call(self, y_true, y_pred), made of lstmcore.ops; "
                "or, the fast way, values(y_true, y_pred, grad) -> (values, gradient for y_pred)"
            )
        return self.each(y_true, y_pred)

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Convert targets to the shape and the dtype of the predictions.

        As in Keras, a last axis of size 1 may be missing or added. Nothing else is broadcast:
        targets (N,) for predictions (N, 3) are an error.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        y = same_rank(plain_array(y_true, f"{self.what}: y_true", dtype), shape)
        if y.shape != shape and not self.overrides_call:
            raise ValueError(self._misfit(np.shape(y_true), shape))
        return y

    @property
    def what(self) -> str:
        """The name of the loss in error messages."""
        return f"{self.kind} {self.name!r}"

    def _misfit(self, got: tuple[int, ...], shape: tuple[int, ...]) -> str:
        return f"{self.what}: expected targets of the shape of the output {shape}, got {got}"

    def counted(self, y_true: Array, mask: Array | None) -> Array | None:
        """Return the mask of the values that count, or None if all count."""
        return mask

    def forward(
        self,
        y_true: Array,
        y_pred: Array,
        sample_weight: Array | None = None,
        grad: bool = True,
        mask: Array | None = None,
    ) -> tuple[float, Array | None]:
        """Return the reduced loss of aligned targets, and its gradient for y_pred if `grad`.

        Numbers where `mask` is False do not count, not even NaN: as in Keras, a mean is over the
        unmasked steps. It is 0 if there are none.
        """
        if self.dtype is not None and y_pred.dtype != self.dtype:
            return self._forward_cast(y_true, y_pred, sample_weight, grad, mask)
        if self.overrides_call:
            from . import derived

            return derived.forward(self, y_true, y_pred, sample_weight, grad, mask)
        mask = self.counted(y_true, mask)
        if mask is not None:
            values, gradient, sample_weight = self._masked(
                y_true, y_pred, sample_weight, grad, mask
            )
            scale = self.reduction_factor(self.count_values(y_pred, mask), sample_weight)
        else:
            values, gradient = self._along_axis(y_true, y_pred, grad)
            if sample_weight is not None:
                sample_weight = broadcast_weight(sample_weight, values)
                values = values * sample_weight
            scale = self.reduction_factor(values.size, sample_weight)
        if gradient is not None:
            gradient *= (
                scale if sample_weight is None else self._expand(scale * sample_weight, gradient)
            )
        return float(total(values, axis=None)) * scale, gradient

    def _forward_cast(
        self, y_true: Array, y_pred: Array, weight: Array | None, grad: bool, mask: Array | None
    ) -> tuple[float, Array | None]:
        """Compute `forward` in this loss's dtype, for predictions of another one."""
        y_true = y_true.astype(self.dtype) if y_true.dtype.kind == "f" else y_true
        weight = None if weight is None else weight.astype(self.dtype)
        value, gradient = self.forward(y_true, y_pred.astype(self.dtype), weight, grad, mask)
        return value, None if gradient is None else gradient.astype(y_pred.dtype)

    def _along_axis(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        """Return `values` with the loss's axis moved to the end."""
        if self.axis in (-1, y_pred.ndim - 1):
            return self.values(y_true, y_pred, grad)
        if y_true.ndim == y_pred.ndim:
            y_true = np.moveaxis(y_true, self.axis, -1)
        values, gradient = self.values(y_true, np.moveaxis(y_pred, self.axis, -1), grad)
        return values, None if gradient is None else np.moveaxis(gradient, -1, self.axis)

    def with_back(self, y_true: Array, y_pred: Array) -> tuple[Array, Callable[[Any], Array]]:
        """Return the values of aligned targets, and their backward function."""
        values, gradient = self._along_axis(y_true, y_pred, True)
        assert gradient is not None
        slope = gradient
        return values, lambda dvalues: self._expand(dvalues, slope) * slope

    def _masked(
        self, y_true: Array, y_pred: Array, weight: Array | None, grad: bool, mask: Array
    ) -> tuple[Array, Array | None, Array]:
        """Return weighted values, gradient and weights, all 0 at masked steps."""
        with np.errstate(all="ignore"):  # targets and outputs are arbitrary at masked steps
            values, gradient = self._along_axis(y_true, y_pred, grad)
        unmasked = broadcast_mask(mask, values, f"{self.what}")
        weight = (
            unmasked.astype(values.dtype)
            if weight is None
            else unmasked * broadcast_weight(weight, values)
        )
        values = np.where(unmasked, values, 0) * weight
        return (
            values,
            None if gradient is None else np.where(self._expand(unmasked, gradient), gradient, 0),
            weight,
        )

    def _expand(self, weight: Array, gradient: Array) -> Array:
        """Return one weight for each value, in a shape that broadcasts to the gradient's."""
        if weight.ndim == gradient.ndim - 1:
            return np.expand_dims(weight, self.axis)
        return weight.reshape(weight.shape + (1,) * (gradient.ndim - weight.ndim))

    def reduction_factor(self, count: float, sample_weight: Array | None) -> float:
        """Return the factor of the sum of `count` values, which makes the reduction of it."""
        if self.reduction == "sum":
            return 1.0
        if self.reduction in ("none", None):
            raise ValueError(f"{self.what} with reduction {self.reduction!r} is not a number")
        if self.reduction == "mean_with_sample_weight" and sample_weight is not None:
            count = float(sample_weight.sum())
        return 1.0 / count if count else 0.0

    def count_values(
        self, y_pred: Array, mask: Array | None = None, y_true: Array | None = None
    ) -> float:
        """Return the number of values of predictions (..., units) that count."""
        if y_true is not None:
            mask = self.counted(y_true, mask)
        values: int = y_pred.size // y_pred.shape[self.axis]
        return values if mask is None else int(np.count_nonzero(mask)) * values / mask.size

    def each(self, y_true: Any, y_pred: Any) -> Array:
        """Return the value of each vector along the axis, without reduction."""
        if context.current().tape is not None:
            from . import derived

            if derived.is_box(y_pred) or derived.is_box(y_true):
                box: Array = derived.on_tape(self, y_true, y_pred, None, None, reduced=False)
                return box
        p = floating(y_pred, self.dtype)
        return self._along_axis(self.align(y_true, p.shape, p.dtype), p, False)[0]

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Any:
        """Return the loss of predictions: a float, or without reduction the array of values.

        Parameters
        ----------
        y_true, y_pred : array_like, (..., units)
        sample_weight : array_like, (batch,) or the shape of the values, optional
        mask : array_like of bool, (batch, time), optional
            True at unmasked steps.
        """
        if context.current().tape is not None:
            from . import derived

            if derived.is_box(y_pred) or derived.is_box(y_true):
                reduced = self.reduction not in ("none", None)
                return derived.on_tape(self, y_true, y_pred, sample_weight, mask, reduced)
        y_pred = floating(y_pred, self.dtype, f"{self.what}: y_pred")
        if sample_weight is not None:
            sample_weight = plain_array(sample_weight, f"{self.what}: sample_weight", y_pred.dtype)
        mask = None if mask is None else plain_array(mask, f"{self.what}: mask", np.bool_)
        y_true = self.align(y_true, y_pred.shape, y_pred.dtype)
        if self.reduction not in ("none", None):
            return Number(self.forward(y_true, y_pred, sample_weight, grad=False, mask=mask)[0])
        mask = self.counted(y_true, mask)
        if mask is not None:
            return self._masked(y_true, y_pred, sample_weight, False, mask)[0]
        values = self._along_axis(y_true, y_pred, False)[0]
        return values if sample_weight is None else values * broadcast_weight(sample_weight, values)
