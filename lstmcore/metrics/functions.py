"""The accuracies and correlations as functions that return a value for each sample or step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..losses.functions import FUNCTIONS as LOSSES
from ..losses.functions import log_cosh, mean_absolute_error, mean_squared_error
from ..validation import plain_array
from . import accuracy, correlation, means
from .base import Array, MeanMetric


def _values(metric: MeanMetric, y_true: Any, y_pred: Any) -> Array:
    p = plain_array(y_pred, "y_pred")
    y = plain_array(y_true, "y_true")
    if y.ndim == p.ndim - 1 and p.shape[-1] == 1:
        y = y[..., None]
    values = metric.values(y, p)
    return values.astype(p.dtype if p.dtype.kind == "f" else np.float32)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Array:
    """Return 1 where ``y_pred > threshold`` equals the target, 0 or 1, and 0 elsewhere."""
    return _values(accuracy.BinaryAccuracy(threshold=threshold), y_true, y_pred)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Array:
    """Return 1 where the largest prediction is that of the class of a one-hot target, else 0."""
    return _values(accuracy.CategoricalAccuracy(), y_true, y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Array:
    """Return 1 where the largest prediction is that of the target, a class number, else 0."""
    return _values(accuracy.SparseCategoricalAccuracy(), y_true, y_pred)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Array:
    """Return 1 where the class of a one-hot target has one of the k largest predictions."""
    return _values(accuracy.TopKCategoricalAccuracy(k), y_true, y_pred)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Array:
    """Return 1 where the target, a class number, has one of the k largest predictions."""
    metric = accuracy.SparseTopKCategoricalAccuracy(k, from_sorted_ids=from_sorted_ids)
    return _values(metric, y_true, y_pred)


def pearson_correlation(y_true: Any, y_pred: Any, axis: Any = -1) -> Array:
    """Return Pearson's correlation of targets and predictions along an axis, or several."""
    return _values(correlation.PearsonCorrelation(axis=axis), y_true, y_pred)


def concordance_correlation(y_true: Any, y_pred: Any, axis: Any = -1) -> Array:
    """Return Lin's concordance correlation of targets and predictions along an axis, or several."""
    return _values(correlation.ConcordanceCorrelation(axis=axis), y_true, y_pred)


# The metric of each function, for lists of metrics that have a function in them.
FUNCTIONS: dict[Any, type[MeanMetric]] = {
    binary_accuracy: accuracy.BinaryAccuracy,
    categorical_accuracy: accuracy.CategoricalAccuracy,
    sparse_categorical_accuracy: accuracy.SparseCategoricalAccuracy,
    top_k_categorical_accuracy: accuracy.TopKCategoricalAccuracy,
    sparse_top_k_categorical_accuracy: accuracy.SparseTopKCategoricalAccuracy,
    pearson_correlation: correlation.PearsonCorrelation,
    concordance_correlation: correlation.ConcordanceCorrelation,
    mean_squared_error: means.MeanSquaredError,
    mean_absolute_error: means.MeanAbsoluteError,
    log_cosh: means.LogCoshError,
}


def from_function(function: Any) -> MeanMetric | None:
    """Return the metric of one of the library's own functions, None for others."""
    if function in FUNCTIONS:
        return FUNCTIONS[function](name=function.__name__)
    if function in LOSSES:
        return means.LossMean(LOSSES[function](name=function.__name__))
    return None
