"""The accuracies: shares of correct predictions."""

from __future__ import annotations

import numpy as np

from ..validation import real
from .base import Array, MeanMetric, SameShape, aligned, registry


@registry.add()
class Accuracy(SameShape):
    """The share of predictions that equal the target."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        values: Array = y_true == y_pred
        return values


@registry.add()
class BinaryAccuracy(SameShape):
    """The share of predictions for which ``y_pred > threshold`` equals the target, 0 or 1."""

    def __init__(
        self, name: str | None = None, dtype: str | None = None, threshold: float = 0.5
    ) -> None:
        super().__init__(name, dtype)
        self.threshold = real(f"{type(self).__name__}: threshold", threshold)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        values: Array = (y_pred > self.threshold) == y_true
        return values


@registry.add()
class CategoricalAccuracy(SameShape):
    """The share of samples whose largest prediction is that of the class of a one-hot target."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        values: Array = y_true.argmax(axis=-1) == y_pred.argmax(axis=-1)
        return values


class _Sparse(MeanMetric):
    """The base class of accuracies whose targets are class numbers."""

    def classes(self, y_true: Array, y_pred: Array) -> Array:
        """Return the targets in the shape of the predictions without the last axis."""
        wanted = y_pred.shape[:-1]
        if y_true.shape not in (wanted, (*wanted, 1)):
            raise ValueError(
                f"metric {self.name!r}: expected class numbers of shape {wanted}, got "
                f"{y_true.shape}"
            )
        return y_true.reshape(wanted)


@registry.add()
class SparseCategoricalAccuracy(_Sparse):
    """The share of samples whose largest prediction is that of the target, a class number."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        values: Array = self.classes(y_true, y_pred) == y_pred.argmax(axis=-1)
        return values


def _in_top(classes: Array, y_pred: Array, k: int) -> Array:
    """Return True where fewer than k predictions are larger than that of the class."""
    its = np.take_along_axis(y_pred, classes[..., None].astype(np.int64), axis=-1)
    values: Array = np.count_nonzero(y_pred > its, axis=-1) < k
    values &= ~np.isnan(its[..., 0])
    return values


def _whole(k: int, what: str) -> int:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"{what}: k: expected a whole number >= 1, got {k!r}")
    return int(k)


@registry.add()
class TopKCategoricalAccuracy(MeanMetric):
    """The share of samples whose class (one-hot target) is among the k largest predictions."""

    def __init__(self, k: int = 5, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__("top_k_categorical_accuracy" if name is None else name, dtype)
        self.k = _whole(k, type(self).__name__)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        y_true = aligned(self.name, y_true, y_pred)
        return _in_top(y_true.argmax(axis=-1), y_pred, self.k)


@registry.add()
class SparseTopKCategoricalAccuracy(_Sparse):
    """The share of samples whose target, a class number, is among the k largest predictions.

    Parameters
    ----------
    k : int, default 5
    from_sorted_ids : bool, default False
        The predictions are class numbers, the most likely first, and not scores.
    """

    def __init__(
        self,
        k: int = 5,
        name: str | None = None,
        dtype: str | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__("sparse_top_k_categorical_accuracy" if name is None else name, dtype)
        self.k, self.from_sorted_ids = _whole(k, type(self).__name__), bool(from_sorted_ids)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        classes = self.classes(y_true, y_pred)
        if self.from_sorted_ids:
            values: Array = (classes[..., None] == y_pred[..., : self.k]).any(axis=-1)
            return values
        return _in_top(classes, y_pred, self.k)
