"""Scores of several classes or targets: F-score and R2, the explained variance."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..losses.base import EPSILON
from ..validation import plain_array, real, whole
from .base import Array, Metric, registry
from .confusion import select


class _Columns(Metric):
    """The base class of metrics with a sum for each column of an output (..., columns)."""

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch; see `Metric.update_state`."""
        p = plain_array(y_pred, "y_pred", self.dtype)
        if p.ndim < 2:
            raise ValueError(
                f"metric {self.name!r}: expected an output (batch, classes), got {p.shape}"
            )
        y, p, weight = select(self.name, y_true, p, sample_weight, mask)
        columns = p.shape[-1]
        if weight is not None:
            weight = weight.reshape(-1, columns).astype(np.float64)
        self.add_columns(y.reshape(-1, columns), p.reshape(-1, columns), weight)

    def add_columns(self, y: Array, p: Array, weight: Array | None) -> None:
        """Add targets, predictions and weights (rows, columns)."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Reset the score to zero samples."""
        for name in self.state:
            setattr(self, name, 0.0)
        super().reset_state()


@registry.add()
class FBetaScore(_Columns):
    """The weighted harmonic mean of precision and recall.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None: an array with one score per class. "micro": the score of the counts of all classes
        together; "macro": the mean over the classes; "weighted": the mean over the classes,
        weighted by their numbers of targets.
    beta : float, default 1.0
        Weight of recall relative to precision.
    threshold : float, optional
        A class is predicted above it; by default the class with the largest prediction is.
    """

    state = ("true_positives", "false_positives", "false_negatives")
    true_positives: Any
    false_positives: Any
    false_negatives: Any

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        what, averages = type(self).__name__, (None, "micro", "macro", "weighted")
        if average not in averages:
            raise ValueError(f"{what}: average: expected one of {averages}, got {average!r}")
        beta = real(f"{what}: beta", beta)
        if not beta > 0:
            raise ValueError(f"{what}: beta: expected a number above 0, got {beta!r}")
        if threshold is not None and not 0 < real(f"{what}: threshold", threshold) <= 1:
            raise ValueError(
                f"{what}: threshold: expected a number above 0, at most 1, got {threshold!r}"
            )
        self.average, self.beta, self.threshold = average, float(beta), threshold
        self.reset_state()

    def add_columns(self, y: Array, p: Array, weight: Array | None) -> None:
        """Add targets, predictions and weights (rows, columns)."""
        if self.threshold is None:
            predicted = (p >= p.max(axis=-1, keepdims=True)) & (np.abs(p) > 1e-9)
        else:
            predicted = p > self.threshold
        hits, actual = predicted * y, y
        if weight is not None:
            hits, predicted, actual = hits * weight, predicted * weight, actual * weight
        axis = None if self.average == "micro" else 0
        both = hits.sum(axis=axis, dtype=np.float64)
        self.true_positives = self.true_positives + both
        self.false_positives = self.false_positives + predicted.sum(axis=axis) - both
        self.false_negatives = self.false_negatives + actual.sum(axis=axis, dtype=np.float64) - both

    def result(self) -> Any:
        """Return the score so far; without an average an array with one per class."""
        hits = np.asarray(self.true_positives)
        precision = hits / (hits + self.false_positives + EPSILON)
        recall = hits / (hits + self.false_negatives + EPSILON)
        square = self.beta**2
        mean = precision * recall / (square * precision + recall + EPSILON)
        score: Array = mean * (1 + square)
        if self.average is None:
            return score
        if self.average == "weighted":
            actual = hits + self.false_negatives
            return float((score * (actual / (actual.sum() + EPSILON))).sum())
        return float(score.mean())


@registry.add()
class F1Score(FBetaScore):
    """`FBetaScore` with beta = 1.

    Parameters
    ----------
    average, threshold
        See `FBetaScore`.
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)


@registry.add()
class R2Score(_Columns):
    """The R2 score, 1 - (squared error) / (variance of the targets).

    1 is perfect; 0 is no better than predicting the mean of the targets.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        How the scores of several targets are averaged; None: an array of them.
    num_regressors : int, default 0
        Number of regressors of the model, for the adjusted score.
    """

    state = ("squared_sum", "sum", "residual", "count", "num_samples")
    squared_sum: Any
    sum: Any
    residual: Any
    count: Any
    num_samples: float

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        allowed = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in allowed:
            raise ValueError(
                f"R2Score: class_aggregation: expected one of {allowed}, got {class_aggregation!r}"
            )
        num_regressors = whole("R2Score: num_regressors", num_regressors, 0, least=0)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.reset_state()

    def add_columns(self, y: Array, p: Array, weight: Array | None) -> None:
        """Add targets, predictions and weights (rows, columns)."""
        y = y.astype(np.float64)
        d = y - p
        weighted, error = (y, d) if weight is None else (y * weight, d * weight)
        self.sum = self.sum + weighted.sum(axis=0)
        self.squared_sum = self.squared_sum + (y * weighted).sum(axis=0)
        self.residual = self.residual + (d * error).sum(axis=0)
        self.count = self.count + (float(len(y)) if weight is None else weight.sum(axis=0))
        self.num_samples += float(y.size)

    def result(self) -> Any:
        """Return the score so far; without aggregation an array with one per target."""
        if not self.num_samples:
            return 0.0
        variance = np.asarray(self.squared_sum - self.sum * (self.sum / self.count))
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = 1 - self.residual / variance
        scores = np.where(np.isinf(scores), 0, scores)
        if self.class_aggregation is None:
            return self._adjusted(scores)
        if self.class_aggregation == "uniform_average":
            return float(self._adjusted(scores.mean()))
        return float(self._adjusted((variance * scores).sum() / variance.sum()))

    def _adjusted(self, score: Any) -> Any:
        """Return the score adjusted for the number of regressors."""
        rest = self.num_samples - self.num_regressors - 1
        if self.num_regressors == 0:
            return score
        if rest <= 0:
            warnings.warn(
                f"R2Score: {self.num_regressors} regressors want more than {self.num_samples:.0f} "
                "samples: the score is not adjusted",
                stacklevel=3,
            )
            return score
        return 1 - (1 - score) * (self.num_samples - 1) / rest
