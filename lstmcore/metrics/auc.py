"""AUC: the area under the ROC curve or the precision-recall curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..activations import sigmoid
from ..losses.base import EPSILON
from ..validation import reals, whole
from .base import Array, registry
from .confusion import Confusion, ratio

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "minoring", "majoring")


@registry.add()
class AUC(Confusion):
    """The area under a curve of two rates, from the confusion counts at many thresholds.

    Parameters
    ----------
    num_thresholds : int, default 200
        Number of thresholds: more make the area more exact.
    curve : {"ROC", "PR", "PRGAIN"}, default "ROC"
        True over false positive rate; precision over recall; or precision gain over recall gain.
    summation_method : {"interpolation", "minoring", "majoring"}, default "interpolation"
        Trapezoids (for PR the interpolation of Davis and Goadrich), or lower or upper rectangles.
    thresholds : list of float, optional
        Thresholds between 0 and 1, instead of evenly spaced ones.
    multi_label : bool, default False
        Average the areas of the labels of an output (batch, labels).
    num_labels : int, optional
        Number of labels, with `multi_label`.
    label_weights : list of float, optional
        Weights of the labels in that average; without `multi_label`, of their predictions.
    from_logits : bool, default False
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        self.curve = _one_of("curve", str(curve).upper(), CURVES)
        self.summation_method = _one_of(
            "summation_method", str(summation_method).lower(), SUMMATIONS
        )
        if num_labels and not multi_label:
            raise ValueError("AUC: num_labels: only with multi_label=True")
        self.thresholds = (
            None if thresholds is None else sorted(reals("AUC: thresholds", thresholds))
        )
        if self.thresholds is not None:
            num_thresholds = len(self.thresholds) + 2
        else:
            num_thresholds = whole("AUC: num_thresholds", num_thresholds, 200, 2)
        self.num_thresholds, self.num_labels = num_thresholds, num_labels
        self.multi_label, self.from_logits = bool(multi_label), bool(from_logits)
        self.label_weights = (
            None if label_weights is None else reals("AUC: label_weights", label_weights)
        )
        inner = self.thresholds
        if inner is None:
            inner = (np.arange(1, num_thresholds - 1) / (num_thresholds - 1)).tolist()
        super().__init__([-EPSILON, *inner, 1 + EPSILON], name, dtype)
        self._even = thresholds is None or self._even
        if self.multi_label and num_labels:
            self._clear((num_thresholds, num_labels))

    def count(self, yes: Array, p: Array, weight: Array | None) -> None:
        """Add targets and predictions of one shape to the counts."""
        if self.from_logits:
            p = sigmoid.forward(p)
        if self.multi_label:
            self._count_labels(yes, p, weight)
            return
        if self.label_weights is not None:
            each = np.broadcast_to(np.asarray(self.label_weights), p.shape)
            weight = each if weight is None else weight * each
        super().count(yes, p, weight)

    def _count_labels(self, yes: Array, p: Array, weight: Array | None) -> None:
        """Add targets and predictions (samples, labels) to the counts of each label."""
        if p.ndim < 2 or (self.num_labels or p.shape[-1]) != p.shape[-1]:
            raise ValueError(
                f"metric {self.name!r}: expected an output (batch, {self.num_labels or 'labels'}), "
                f"got {p.shape}"
            )
        labels, n = p.shape[-1], self.num_thresholds
        if self.true_positives.ndim == 1:
            self._clear((n, labels))
        at = self.bucket(p) + (n + 1) * (yes + 2 * np.arange(labels))
        flat = None if weight is None else weight.ravel()
        parts = np.bincount(at.ravel(), flat, labels * 2 * (n + 1)).reshape(labels, 2, n + 1)
        above = parts[..., :0:-1].cumsum(axis=-1)[..., ::-1].T
        sums = parts.sum(axis=-1)
        self.true_positives += above[:, 1]
        self.false_positives += above[:, 0]
        self.false_negatives += sums[:, 1] - above[:, 1]
        self.true_negatives += sums[:, 0] - above[:, 0]

    def result(self) -> float:
        """Return the area so far."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self._interpolated()
        else:
            x, y = self._rates()
            low, high = y[:-1], y[1:]
            if self.summation_method == "interpolation":
                heights = (low + high) / 2
            else:
                lower = self.summation_method == "minoring"
                heights = np.minimum(low, high) if lower else np.maximum(low, high)
            areas = (x[:-1] - x[1:]) * heights
        if not self.multi_label:
            return float(areas.sum())
        each = areas.sum(axis=0)
        if self.label_weights is None:
            return float(each.mean())
        weights = np.asarray(self.label_weights)
        return float((each * weights).sum() / weights.sum()) if weights.sum() else 0.0

    def _rates(self) -> tuple[Array, Array]:
        """Return the curve: the rates along the horizontal and the vertical axis."""
        if self.curve == "ROC":
            wrong = ratio(self.false_positives, self.false_positives + self.true_negatives)
            return wrong, self.recall_at()
        if self.curve == "PR":
            return self.recall_at(), self.precision_at()
        hits, none = self.true_positives, self.true_positives == 0
        odds = ratio(hits + self.false_negatives, self.true_negatives + self.false_positives)
        recall = 1 - odds * ratio(self.false_negatives, hits)
        precision = 1 - odds * ratio(self.false_positives, hits)
        return np.maximum(np.where(none, 0, recall), 0), np.where(none, 1, precision)

    def _interpolated(self) -> Array:
        """Return the areas under the precision-recall curve between thresholds.

        True positives are linear in the positives there (Davis and Goadrich, 2006).
        """
        hits, predicted = self.true_positives, self.true_positives + self.false_positives
        more, more_predicted = hits[:-1] - hits[1:], predicted[:-1] - predicted[1:]
        slope = ratio(more, np.maximum(more_predicted, 0))
        start = hits[1:] - slope * predicted[1:]
        both = (predicted[:-1] > 0) & (predicted[1:] > 0)
        growth = np.where(both, ratio(predicted[:-1], np.maximum(predicted[1:], 0)), 1)
        actual = np.maximum(hits[1:] + self.false_negatives[1:], 0)
        return ratio(slope * (more + start * np.log(growth)), actual)


def _one_of(argument: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"AUC: {argument}: expected one of {allowed}, got {value!r}")
    return value
