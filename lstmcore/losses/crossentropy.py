"""The crossentropies: binary, categorical (distributions) and sparse (class numbers)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..activations import sigmoid
from ..validation import plain_array, real
from .base import EPSILON, Array, Loss, Values, registry, total, whole_axis
from .regression import MEAN, mean

ALMOST_1 = 1 - EPSILON


class Crossentropy(Loss):
    """The base class of crossentropies: logits or probabilities, and label smoothing.

    Parameters
    ----------
    from_logits : bool, default False
        The predictions are logits and not probabilities.
    label_smoothing : float, default 0.0
        Strength of the smoothing of targets towards the uniform distribution, from 0 to 1.
    axis : int, default -1
        The axis of the classes.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        what = type(self).__name__
        label_smoothing = real(f"{what}: label_smoothing", label_smoothing)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"{what}: label_smoothing: expected 0 to 1, got {label_smoothing!r}")
        self.from_logits, self.label_smoothing = bool(from_logits), float(label_smoothing)
        self.axis = whole_axis(axis, what)

    def smooth(self, y_true: Array, classes: int) -> Array:
        """Return the targets with label smoothing, towards 1 / classes."""
        s = self.label_smoothing
        return y_true * (1 - s) + s / classes if s else y_true


class Categorical(Crossentropy):
    """A crossentropy whose targets are distributions."""

    def _misfit(self, got: tuple[int, ...], shape: tuple[int, ...]) -> str:
        text = super()._misfit(got, shape)
        labels = got in (shape[:-1], (*shape[:-1], 1))
        return text + ("; for class numbers use sparse_categorical_crossentropy" if labels else "")


def clip_probabilities(p: Array) -> Array:
    """Return probabilities clipped to EPSILON ... 1 - EPSILON."""
    p = np.maximum(p, EPSILON)
    np.minimum(p, ALMOST_1, out=p)
    return p


@registry.add("bce")
class BinaryCrossentropy(Crossentropy):
    """The binary crossentropy: the mean of -y log(p) - (1 - y) log(1 - p) over the last axis.

    Parameters
    ----------
    from_logits : bool, default False
        The predictions are logits, p = sigmoid(prediction), and not probabilities.
    label_smoothing : float, default 0.0
        Strength of the smoothing of targets towards 1/2, from 0 to 1.
    axis : int, default -1
        The axis of the mean.
    """

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y = self.smooth(y_true, 2)
        if self.from_logits:
            terms = np.maximum(y_pred, 0) - y_pred * y + np.log1p(np.exp(-np.abs(y_pred)))
            gradient = sigmoid.forward(y_pred) if grad else None
            if gradient is not None:
                gradient -= y
        else:
            p = clip_probabilities(y_pred)
            q = 1 - p
            terms = y * np.log(p)
            terms += (1 - y) * np.log(q)
            np.negative(terms, out=terms)
            gradient = None
            if grad:
                gradient = p - y
                gradient /= p * q
                gradient *= p == y_pred  # the gradient of a clipped probability is 0
        if gradient is not None and gradient.shape[-1] > 1:
            gradient *= 1 / gradient.shape[-1]
        return mean(terms), gradient


@registry.add("cce")
class CategoricalCrossentropy(Categorical):
    """The crossentropy -sum(y log(p)) of targets that are distributions, such as one-hot.

    Parameters
    ----------
    from_logits : bool, default False
        The predictions are logits, p = softmax(prediction). Otherwise they are normalized to
        sum 1.
    label_smoothing : float, default 0.0
        Strength of the smoothing of targets towards the uniform distribution, from 0 to 1.
    axis : int, default -1
        The axis of the classes.
    """

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y = self.smooth(y_true, y_true.shape[-1])
        if self.from_logits:
            z, e, s = exponentials(y_pred)
            z -= np.log(s)
            values = -total(y * z, axis=-1)
            if not grad:
                return values, None
            e *= total(y, axis=-1, keepdims=True) / s
            e -= y
            return values, e
        s = total(y_pred, axis=-1, keepdims=True)
        share = y_pred / s
        p = clip_probabilities(share)
        values = -total(y * np.log(p), axis=-1)
        if not grad:
            return values, None
        d = y / p
        d *= p == share  # the gradient of a clipped probability is 0
        d -= total(d * share, axis=-1, keepdims=True)
        d /= -s
        return values, d


def exponentials(logits: Array) -> tuple[Array, Array, Array]:
    """Return logits minus their maximum, exp of these, and the sums of exp over the last axis."""
    z = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    e = np.exp(z)
    return z, e, total(e, axis=-1, keepdims=True)


class ClassNumbers(Loss):
    """The base class of losses whose targets are class numbers from 0."""

    class_numbers = True
    ignore_class: int | None = None

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Convert class numbers to the shape of the predictions without the axis of classes."""
        given, k = plain_array(y_true, f"{self.what}: y_true"), range(len(shape))[self.axis]
        wanted = (*shape[:k], *shape[k + 1 :])
        if given.ndim == len(shape) and given.shape[k] == 1:
            given = given.reshape(given.shape[:k] + given.shape[k + 1 :])
        if given.shape != wanted:
            hint = "; for one-hot targets use categorical_crossentropy" * (given.shape == shape)
            raise ValueError(
                f"{self.what}: expected class numbers of shape {wanted}, "
                f"got {np.shape(y_true)}{hint}"
            )
        y = given.astype(np.int64)
        seen = y if self.ignore_class is None else y[y != self.ignore_class]
        if not (y == given).all() or seen.min(initial=0) < 0 or seen.max(initial=0) >= shape[k]:
            raise ValueError(
                f"{self.what}: expected whole class numbers from 0 to {shape[k] - 1}, "
                f"got values from {given.min()} to {given.max()}"
            )
        return y


@registry.add("scce")
class SparseCategoricalCrossentropy(ClassNumbers):
    """The crossentropy -log(p of the true class) of targets that are class numbers from 0.

    Parameters
    ----------
    from_logits : bool, default False
        The predictions are logits, p = softmax(prediction). Otherwise they are normalized to
        sum 1.
    ignore_class : int, optional
        Targets of this class do not count, as if their steps were masked.
    axis : int, default -1
        The axis of the classes.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = MEAN,
        axis: int = -1,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits, self.ignore_class = bool(from_logits), ignore_class
        self.axis = whole_axis(axis, type(self).__name__)

    def counted(self, y_true: Array, mask: Array | None) -> Array | None:
        """Return the mask without the steps whose class is ignored."""
        if self.ignore_class is None:
            return mask
        kept: Array = y_true != self.ignore_class
        if mask is None:
            return kept
        return kept & mask.reshape(mask.shape + (1,) * (kept.ndim - mask.ndim))

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y_pred = np.ascontiguousarray(y_pred)  # an LSTM's output may be a view
        classes = y_pred.shape[-1]
        if self.ignore_class is not None:
            y_true = np.where(y_true == self.ignore_class, 0, y_true)
        at = y_true.ravel() + np.arange(0, y_true.size * classes, classes)
        if self.from_logits:
            z, e, s = exponentials(y_pred)
            values = np.log(s[..., 0])
            values -= z.ravel().take(at).reshape(values.shape)
            if not grad:
                return values, None
            e /= s
            e.reshape(-1)[at] -= 1
            return values, e
        s = total(y_pred, axis=-1)
        share = y_pred.ravel().take(at).reshape(s.shape) / s
        p = clip_probabilities(share)
        values = -np.log(p)
        if not grad:
            return values, None
        kept = (p == share) / s  # the gradient of a clipped probability is 0
        gradient = np.repeat(kept, classes).reshape(y_pred.shape)
        gradient.reshape(-1)[at] -= (kept / p).ravel()
        return values, gradient


@registry.add()
class CategoricalGeneralizedCrossEntropy(ClassNumbers):
    """The generalized crossentropy (1 - p**q) / q, p of the true class: for noisy labels.

    The targets are class numbers. Near q = 0 it is the crossentropy, near 1 the absolute error
    (Zhang and Sabuncu, 2018). Where p is below 1e-7 the gradient is that at 1e-7: it has no limit.

    Parameters
    ----------
    q : float, default 0.5
        Above 0 and below 1.
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = MEAN,
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.q = real(f"{type(self).__name__}: q", q)
        if not 0 < self.q < 1:
            raise ValueError(
                f"{type(self).__name__}: q: expected a number above 0 and below 1, got {q!r}"
            )

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        at = y_true[..., None]
        p = np.take_along_axis(y_pred, at, axis=-1)
        values: Array = (1 - p[..., 0] ** self.q) / self.q
        if not grad:
            return values, None
        gradient = np.zeros(y_pred.shape, y_pred.dtype)
        np.put_along_axis(gradient, at, -(np.maximum(p, EPSILON) ** (self.q - 1)), axis=-1)
        return values, gradient
