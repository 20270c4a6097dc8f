"""What training makes small: Keras's losses with their gradients, by name.

What they share, weights, masks and the reduction to one number, is in `loss`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .activations import sigmoid
from .loss import Array as Array
from .loss import Loss as Loss
from .loss import registry as registry
from .loss import same_rank

EPSILON = 1e-7  # Keras's: probabilities are cut at EPSILON and 1 - EPSILON before a logarithm


@registry.add("mse")
class MeanSquaredError(Loss):
    """The mean of (y_true - y_pred)**2 over the last axis."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> tuple[Array, Array | None]:
        d = y_pred - y_true
        values = (d * d).sum(axis=-1) / d.shape[-1]
        if not grad:
            return values, None
        d *= 2 / d.shape[-1]
        return values, d


@registry.add("mae")
class MeanAbsoluteError(Loss):
    """The mean of abs(y_true - y_pred) over the last axis."""

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> tuple[Array, Array | None]:
        d = y_pred - y_true
        values = np.abs(d).mean(axis=-1)
        return values, np.sign(d) * (1 / d.shape[-1]) if grad else None


class _Crossentropy(Loss):
    """What the crossentropies share: logits or probabilities, and smoothed labels."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f"{type(self).__name__}: label_smoothing: expected 0 to 1, got {label_smoothing!r}"
            )
        self.from_logits, self.label_smoothing = bool(from_logits), float(label_smoothing)


@registry.add("bce")
class BinaryCrossentropy(_Crossentropy):
    """-y log(p) - (1 - y) log(1 - p), its mean over the last axis.

    Parameters
    ----------
    from_logits : bool, default False
        The predictions are logits, p = sigmoid(prediction), and not probabilities.
    label_smoothing : float, default 0.0
        Pull the targets this far towards 1/2.
    """

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> tuple[Array, Array | None]:
        y, s = y_true, self.label_smoothing
        if s:
            y = y * (1 - s) + 0.5 * s
        if self.from_logits:
            terms = np.maximum(y_pred, 0) - y_pred * y + np.log1p(np.exp(-np.abs(y_pred)))
            slope = sigmoid.forward(y_pred) - y if grad else None
        else:
            p = np.clip(y_pred, EPSILON, 1 - EPSILON)
            terms = -y * np.log(p) - (1 - y) * np.log(1 - p)
            slope = (p - y) / (p * (1 - p)) * (p == y_pred) if grad else None
        if slope is not None:
            slope *= 1 / slope.shape[-1]
        return terms.mean(axis=-1), slope


@registry.add("cce")
class CategoricalCrossentropy(_Crossentropy):
    """-sum of y log(p) over the last axis, for targets that are distributions (one-hot).

    Parameters
    ----------
    from_logits : bool, default False
        The predictions are logits, p = softmax(prediction). Otherwise they are divided by
        their sum first.
    label_smoothing : float, default 0.0
        Pull the targets this far towards the uniform distribution.
    """

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> tuple[Array, Array | None]:
        y, s = y_true, self.label_smoothing
        if s:
            y = y * (1 - s) + s / y.shape[-1]
        log_p, back = _log_probability(y_pred, self.from_logits)
        return -(y * log_p).sum(axis=-1), back(-y) if grad else None

    def _misfit(self, got: tuple[int, ...], shape: tuple[int, ...]) -> str:
        text = super()._misfit(got, shape)
        labels = got in (shape[:-1], (*shape[:-1], 1))
        return text + ("; for class numbers use sparse_categorical_crossentropy" if labels else "")


@registry.add("scce")
class SparseCategoricalCrossentropy(Loss):
    """-log(p of the true class), for targets that are class numbers from 0.

    Parameters
    ----------
    from_logits : bool, default False
        The predictions are logits, p = softmax(prediction). Otherwise they are divided by
        their sum first.
    """

    def __init__(
        self,
        from_logits: bool = False,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = bool(from_logits)

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Bring class numbers to the shape of the predictions without their last axis."""
        given = np.asarray(y_true)
        if given.shape == (*shape[:-1], 1):
            given = given[..., 0]
        if given.shape != shape[:-1]:
            hint = "; for one-hot targets use categorical_crossentropy" * (given.shape == shape)
            raise ValueError(
                f"loss {self.name!r}: expected class numbers of shape {shape[:-1]}, "
                f"got {np.shape(y_true)}{hint}"
            )
        y = given.astype(np.int64)
        if not (y == given).all() or y.min(initial=0) < 0 or y.max(initial=0) >= shape[-1]:
            raise ValueError(
                f"loss {self.name!r}: expected whole class numbers from 0 to {shape[-1] - 1}, "
                f"got values from {given.min()} to {given.max()}"
            )
        return y

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> tuple[Array, Array | None]:
        log_p, back = _log_probability(y_pred, self.from_logits)
        at = y_true[..., None]
        values = -np.take_along_axis(log_p, at, axis=-1)[..., 0]
        if not grad:
            return values, None
        d = np.zeros_like(log_p)
        np.put_along_axis(d, at, -1, axis=-1)
        return values, back(d)


def _log_probability(y_pred: Array, from_logits: bool) -> tuple[Array, Callable[[Array], Array]]:
    """Log of the class probabilities, and the way back from its gradient to that of y_pred."""
    if from_logits:
        z = y_pred - y_pred.max(axis=-1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        return log_p, lambda d: d - np.exp(log_p) * d.sum(axis=-1, keepdims=True)
    total = y_pred.sum(axis=-1, keepdims=True)
    share = y_pred / total
    p = np.clip(share, EPSILON, 1 - EPSILON)

    def back(d: Array) -> Array:
        d = d / p * (p == share)  # a probability that was cut passes nothing on
        y: Array = (d - (d * share).sum(axis=-1, keepdims=True)) / total
        return y

    return np.log(p), back


@registry.add()
class FunctionLoss(Loss):
    """A loss from a function ``f(y_true, y_pred) -> (values, dvalues/dy_pred)``.

    Parameters
    ----------
    function : callable
        Takes arrays (batch, ..., units); returns values (batch, ...) and a gradient of the
        shape of y_pred. It must bring its gradient: nothing here differentiates functions.
    """

    def __init__(
        self,
        function: Any,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        if isinstance(function, dict):  # from a config: a name for which the caller has a function
            function = registry.find(str(function.get("function")))
        super().__init__(reduction, getattr(function, "__name__", None) if name is None else name)
        self.function = function

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Bring targets to the predictions' rank; the rest is left to the function."""
        return same_rank(np.asarray(y_true, dtype=dtype), shape)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> tuple[Array, Array | None]:
        result = self.function(y_true, y_pred)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"loss {self.name!r}: expected the function to return (values, gradient with "
                f"respect to y_pred), got {type(result).__name__}"
            )
        values, slope = np.asarray(result[0]), np.array(result[1], dtype=y_pred.dtype)
        if values.shape != y_pred.shape[:-1] or slope.shape != y_pred.shape:
            raise ValueError(
                f"loss {self.name!r}: expected values {y_pred.shape[:-1]} and a gradient "
                f"{y_pred.shape}, got {values.shape} and {slope.shape}"
            )
        return values, slope


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """Return the mean of (y_true - y_pred)**2 over the last axis."""
    return MeanSquaredError().each(y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """Return the mean of abs(y_true - y_pred) over the last axis."""
    return MeanAbsoluteError().each(y_true, y_pred)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0
) -> Array:
    """Return `BinaryCrossentropy` of each vector along the last axis."""
    return BinaryCrossentropy(from_logits, label_smoothing).each(y_true, y_pred)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0
) -> Array:
    """Return `CategoricalCrossentropy` of each vector along the last axis."""
    return CategoricalCrossentropy(from_logits, label_smoothing).each(y_true, y_pred)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Array:
    """Return `SparseCategoricalCrossentropy` of each vector along the last axis."""
    return SparseCategoricalCrossentropy(from_logits).each(y_true, y_pred)


mse, mae = mean_squared_error, mean_absolute_error


def get(identifier: Any) -> Loss:
    """Return the loss that a name, class, config, instance or function stands for."""
    if isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
        identifier = registry.find(identifier["function"])
    if callable(identifier) and not isinstance(identifier, type | Loss):
        name = getattr(identifier, "__name__", "")
        if globals().get(name) is identifier:
            return registry.get(name, Loss)  # one of the functions above
        return FunctionLoss(identifier)
    return registry.get(identifier, Loss)
