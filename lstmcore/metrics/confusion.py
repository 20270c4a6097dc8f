"""Metrics from the confusion counts at thresholds: positives, precision, recall, trade-offs.

A prediction above a threshold is positive, and so is a target other than 0. With several thresholds
each prediction is counted in one bucket between two of them, and the counts at all thresholds are
cumulative sums over the buckets from the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..losses.base import EPSILON, broadcast_weight
from ..validation import plain_array, real
from .base import Array, Metric, aligned, registry, weights_and_mask

REJECTED = -1e10  # replaces predictions outside of the top k


def ratio(a: Array, b: Array) -> Array:
    """Return a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def select(
    name: str, y_true: Any, y_pred: Array, sample_weight: Any, mask: Any
) -> tuple[Array, Array, Array | None]:
    """Return the unmasked targets, predictions and weights, in one shape."""
    y = aligned(name, y_true, y_pred)
    weight, mask = weights_and_mask(sample_weight, mask)
    if weight is not None:
        weight = broadcast_weight(weight, y_pred)
    if mask is not None:
        if mask.shape != y_pred.shape[: mask.ndim]:
            raise ValueError(
                f"metric {name!r}: the mask of the output is {mask.shape}, the output is "
                f"{y_pred.shape}"
            )
        y, y_pred = y[mask], y_pred[mask]
        weight = None if weight is None else weight[mask]
    return y, y_pred, weight


class Confusion(Metric):
    """The base class of metrics of true and false positives and negatives at thresholds.

    Attributes
    ----------
    true_positives, false_positives, true_negatives, false_negatives : ndarray
        One number for each threshold.
    """

    state = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    true_positives: Array
    false_positives: Array
    true_negatives: Array
    false_negatives: Array
    class_id: int | None = None
    top_k: int | None = None

    def __init__(self, levels: Any, name: str | None, dtype: str | None) -> None:
        super().__init__(dtype, name)
        self._levels = np.asarray(levels, np.float64)
        self._order = None if (np.diff(self._levels) >= 0).all() else np.argsort(self._levels)
        even = np.linspace(0, 1, self._levels.size)
        self._even = self._levels.size > 2 and np.allclose(self._levels, even, atol=EPSILON)
        self._clear(self._levels.shape)

    def _clear(self, shape: tuple[int, ...]) -> None:
        for name in self.state:
            setattr(self, name, np.zeros(shape))

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch; see `Metric.update_state`."""
        p = plain_array(y_pred, "y_pred", self.dtype)
        p = p if p.dtype.kind == "f" else p.astype(np.float32)
        y, p, weight = select(self.name, y_true, p, sample_weight, mask)
        if self.top_k is not None:
            best = np.argsort(-p, axis=-1, kind="stable")[..., : self.top_k]
            kept = np.full_like(p, REJECTED)
            np.put_along_axis(kept, best, np.take_along_axis(p, best, axis=-1), axis=-1)
            p = kept
        if self.class_id is not None:
            if p.ndim < 2 or not -p.shape[-1] <= self.class_id < p.shape[-1]:
                raise ValueError(
                    f"metric {self.name!r}: class_id: expected an output with a class "
                    f"{self.class_id}, got {p.shape}"
                )
            y, p = y[..., self.class_id], p[..., self.class_id]
            weight = None if weight is None else weight[..., self.class_id]
        self.count(y != 0, p, weight)

    def count(self, yes: Array, p: Array, weight: Array | None) -> None:
        """Add targets and predictions of one shape to the counts."""
        if self._levels.size == 1:
            found = self._at_one(yes, p > float(self._levels[0]), weight)
        else:
            found = self._at_all(yes.ravel(), p.ravel(), weight)
        hits, predicted, actual, everything = found
        self.true_positives += hits
        self.false_positives += predicted - hits
        self.false_negatives += actual - hits
        self.true_negatives += everything - predicted - actual + hits

    @staticmethod
    def _at_one(yes: Array, predicted: Array, weight: Array | None) -> tuple[Any, Any, Any, Any]:
        """Return the weights of true positives, predicted positives, actual positives, and all."""
        if weight is None:
            count = np.count_nonzero
            return count(yes & predicted), count(predicted), count(yes), yes.size
        weight = weight.astype(np.float64)
        parts = (weight * (yes & predicted), weight * predicted, weight * yes, weight)
        hits, positives, actual, everything = (np.add.reduce(part, axis=None) for part in parts)
        return hits, positives, actual, everything

    def _at_all(self, yes: Array, p: Array, weight: Array | None) -> tuple[Any, Any, Any, Any]:
        """Return the results of `_at_one` for every threshold."""
        n = self._levels.size
        at = self.bucket(p) + yes * (n + 1)
        flat = None if weight is None else weight.ravel()
        parts = np.bincount(at, flat, 2 * (n + 1)).reshape(2, n + 1).astype(np.float64)
        above = parts[:, :0:-1].cumsum(axis=1)[:, ::-1]
        actual = parts[1].sum()
        hits, predicted, everything = above[1], above[0] + above[1], parts[0].sum() + actual
        if self._order is not None:  # back to the order in which the thresholds were given
            back = np.argsort(self._order)
            hits, predicted = hits[back], predicted[back]
        return hits, predicted, actual, everything

    def bucket(self, p: Array) -> Array:
        """Return for each prediction the number of thresholds below it."""
        n = self._levels.size
        if self._even:  # arithmetic, whose rounding is Keras's
            inside = np.fmin(np.fmax(p, 0), 1)
            at: Array = np.ceil(inside * (n - 1)).astype(np.int64)
            return np.maximum(at, 1) if self._levels[0] < 0 else at
        levels = self._levels if self._order is None else self._levels[self._order]
        found: Array = np.searchsorted(levels.astype(p.dtype), np.nan_to_num(p), side="left")
        return found

    def precision_at(self) -> Array:
        """Return the precision at each threshold: true positives / predicted positives."""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    def recall_at(self) -> Array:
        """Return the recall at each threshold: true positives / actual positives."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    def specificity_at(self) -> Array:
        """Return the specificity at each threshold: true negatives / actual negatives."""
        return ratio(self.true_negatives, self.true_negatives + self.false_positives)


def _levels(thresholds: Any, what: str, default: float = 0.5) -> list[float]:
    if thresholds is None:
        return [default]
    levels = list(thresholds) if isinstance(thresholds, Sequence | np.ndarray) else [thresholds]
    what_of = f"{what}: thresholds"
    if not levels or any(not 0 <= real(what_of, t) <= 1 for t in levels):
        raise ValueError(f"{what}: thresholds: expected numbers from 0 to 1, got {thresholds!r}")
    return levels


class _AtThresholds(Confusion):
    """The base class of metrics with one result for each threshold.

    Parameters
    ----------
    thresholds : float or list of float, default 0.5
    """

    def __init__(
        self, thresholds: Any = None, name: str | None = None, dtype: str | None = None
    ) -> None:
        self.thresholds = thresholds
        super().__init__(_levels(thresholds, type(self).__name__), name, dtype)

    def at_each(self) -> Array:
        """Return the results at all thresholds."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return the result so far: a float, or an array if there are several thresholds."""
        values = self.at_each()
        return float(values[0]) if values.size == 1 else values.copy()


@registry.add()
class TruePositives(_AtThresholds):
    """The number of true positives: predictions above the threshold whose target is positive."""

    def at_each(self) -> Array:
        return self.true_positives


@registry.add()
class FalsePositives(_AtThresholds):
    """The number of false positives: predictions above the threshold whose target is 0."""

    def at_each(self) -> Array:
        return self.false_positives


@registry.add()
class TrueNegatives(_AtThresholds):
    """The number of true negatives: predictions up to the threshold whose target is 0."""

    def at_each(self) -> Array:
        return self.true_negatives


@registry.add()
class FalseNegatives(_AtThresholds):
    """The number of false negatives: predictions up to the threshold whose target is positive."""

    def at_each(self) -> Array:
        return self.false_negatives


class _Selected(_AtThresholds):
    """The base class of `Precision` and `Recall`, which can be limited to a class or the top k."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        default = 0.5 if top_k is None else REJECTED
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        levels = _levels(thresholds, type(self).__name__, default)
        Confusion.__init__(self, levels, name, dtype)


@registry.add()
class Precision(_Selected):
    """The precision: true positives / predicted positives.

    Parameters
    ----------
    thresholds : float or list of float, default 0.5
    top_k : int, optional
        Only the k largest predictions of each row can be positive; without thresholds, all k are.
    class_id : int, optional
        Consider this class alone.
    """

    def at_each(self) -> Array:
        return self.precision_at()


@registry.add()
class Recall(_Selected):
    """The recall: true positives / actual positives.

    Parameters
    ----------
    thresholds, top_k, class_id
        See `Precision`.
    """

    def at_each(self) -> Array:
        return self.recall_at()


class _TradeOff(Confusion):
    """The base class of metrics of the best rate among thresholds that reach another rate."""

    def __init__(
        self,
        value: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: str | None,
    ) -> None:
        what = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{what}: expected a rate from 0 to 1, got {value!r}")
        if num_thresholds < 1:
            raise ValueError(f"{what}: num_thresholds: expected 1 or more, got {num_thresholds!r}")
        self.num_thresholds, self.class_id = num_thresholds, class_id
        levels = [0.5] if num_thresholds == 1 else np.linspace(0, 1, num_thresholds)
        super().__init__(levels, name, dtype)

    def best(self, asked: Array, wanted: Array, value: float) -> float:
        """Return the largest of `wanted` where `asked` is at least `value`, or 0."""
        return float(np.where(asked >= value, wanted, 0).max(initial=0))


@registry.add()
class SensitivityAtSpecificity(_TradeOff):
    """The best recall among the thresholds with at least this specificity.

    `num_thresholds` thresholds from 0 to 1 are tried; with a `class_id` that class alone counts.
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = float(specificity)

    def result(self) -> float:
        """Return the recall so far."""
        return self.best(self.specificity_at(), self.recall_at(), self.specificity)


@registry.add()
class SpecificityAtSensitivity(_TradeOff):
    """The best specificity among the thresholds with at least this sensitivity, that is recall.

    `num_thresholds` thresholds from 0 to 1 are tried; with a `class_id` that class alone counts.
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = float(sensitivity)

    def result(self) -> float:
        """Return the specificity so far."""
        return self.best(self.recall_at(), self.specificity_at(), self.sensitivity)


@registry.add()
class PrecisionAtRecall(_TradeOff):
    """The best precision among the thresholds with at least this recall.

    `num_thresholds` thresholds from 0 to 1 are tried; with a `class_id` that class alone counts.
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = float(recall)

    def result(self) -> float:
        """Return the precision so far."""
        return self.best(self.recall_at(), self.precision_at(), self.recall)


@registry.add()
class RecallAtPrecision(_TradeOff):
    """The best recall among the thresholds with at least this precision.

    `num_thresholds` thresholds from 0 to 1 are tried; with a `class_id` that class alone counts.
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = float(precision)

    def result(self) -> float:
        """Return the recall so far."""
        return self.best(self.precision_at(), self.recall_at(), self.precision)
