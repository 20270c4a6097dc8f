"""The losses as functions that return the value of each vector, without reduction."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Array, Loss, floating
from .crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
)
from .ctc import CTC
from .focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from .probability import CategoricalHinge, Hinge, KLDivergence, Poisson, SquaredHinge
from .regression import (
    CosineSimilarity,
    GaussianNLL,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Quantile,
)
from .whole_batch import Circle, Dice, Tversky


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """Return the mean of (y_true - y_pred)**2 over the last axis."""
    return MeanSquaredError().each(y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """Return the mean of abs(y_true - y_pred) over the last axis."""
    return MeanAbsoluteError().each(y_true, y_pred)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Array:
    """Return `MeanAbsolutePercentageError` of each vector along the last axis."""
    return MeanAbsolutePercentageError().each(y_true, y_pred)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Array:
    """Return `MeanSquaredLogarithmicError` of each vector along the last axis."""
    return MeanSquaredLogarithmicError().each(y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Array:
    """Return `Huber` of each vector along the last axis."""
    return Huber(delta).each(y_true, y_pred)


def log_cosh(y_true: Any, y_pred: Any) -> Array:
    """Return `LogCosh` of each vector along the last axis."""
    return LogCosh().each(y_true, y_pred)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Array:
    """Return `CosineSimilarity` of each vector along an axis."""
    return CosineSimilarity(axis).each(y_true, y_pred)


def quantile(y_true: Any, y_pred: Any, quantiles: Any = 0.5) -> Array:
    """Return `Quantile` of each vector along the last axis."""
    return Quantile(quantiles).each(y_true, y_pred)


def gaussian_nll(y_true: Any, y_pred: Any, full: bool = False) -> Array:
    """Return `GaussianNLL` of each vector along the last axis."""
    return GaussianNLL(full).each(y_true, y_pred)


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Return `BinaryCrossentropy` of each vector along an axis."""
    return BinaryCrossentropy(from_logits, label_smoothing, axis).each(y_true, y_pred)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Return `CategoricalCrossentropy` of each vector along an axis."""
    return CategoricalCrossentropy(from_logits, label_smoothing, axis).each(y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Array:
    """Return `SparseCategoricalCrossentropy` of each vector; 0 where the class is ignored."""
    loss = SparseCategoricalCrossentropy(from_logits, ignore_class, None, axis)
    values: Array = loss(y_true, y_pred)
    return values


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Return `BinaryFocalCrossentropy` of each vector along an axis."""
    loss = BinaryFocalCrossentropy(
        apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis
    )
    return loss.each(y_true, y_pred)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Return `CategoricalFocalCrossentropy` of each vector along an axis."""
    loss = CategoricalFocalCrossentropy(alpha, gamma, from_logits, label_smoothing, axis)
    return loss.each(y_true, y_pred)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Array:
    """Return `CategoricalGeneralizedCrossEntropy` of each vector along the last axis."""
    return CategoricalGeneralizedCrossEntropy(q).each(y_true, y_pred)


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Array:
    """Return `Dice`: its sums are over some axes, or all."""
    return Dice(axis=axis).each(y_true, y_pred)


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> Array:
    """Return `Tversky`: its sums are over some axes, or all."""
    return Tversky(alpha, beta, axis=axis).each(y_true, y_pred)


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Array:
    """Return `Circle` of each sample, paired with the samples or with reference embeddings."""
    loss = Circle(gamma, margin, remove_diagonal)
    if ref_labels is None and ref_embeddings is None:
        return loss.each(y_true, y_pred)
    p = floating(y_pred)
    others = p if ref_embeddings is None else floating(ref_embeddings, p.dtype.name)
    y = loss.align(y_true, p.shape, p.dtype)
    labels = y if ref_labels is None else loss.align(ref_labels, others.shape, p.dtype)
    values: Array = np.logaddexp(loss.pairs(y, p, labels, others)[0], 0)
    return values


def kl_divergence(y_true: Any, y_pred: Any) -> Array:
    """Return `KLDivergence` of each vector along the last axis."""
    return KLDivergence().each(y_true, y_pred)


def poisson(y_true: Any, y_pred: Any) -> Array:
    """Return `Poisson` of each vector along the last axis."""
    return Poisson().each(y_true, y_pred)


def hinge(y_true: Any, y_pred: Any) -> Array:
    """Return `Hinge` of each vector along the last axis."""
    return Hinge().each(y_true, y_pred)


def squared_hinge(y_true: Any, y_pred: Any) -> Array:
    """Return `SquaredHinge` of each vector along the last axis."""
    return SquaredHinge().each(y_true, y_pred)


def categorical_hinge(y_true: Any, y_pred: Any) -> Array:
    """Return `CategoricalHinge` of each vector along the last axis."""
    return CategoricalHinge().each(y_true, y_pred)


def ctc(y_true: Any, y_pred: Any) -> Array:
    """Return `CTC` of each row of labels."""
    return CTC().each(y_true, y_pred)


FUNCTIONS: dict[Any, type[Loss]] = {
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    huber: Huber,
    log_cosh: LogCosh,
    cosine_similarity: CosineSimilarity,
    quantile: Quantile,
    gaussian_nll: GaussianNLL,
    binary_crossentropy: BinaryCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    binary_focal_crossentropy: BinaryFocalCrossentropy,
    categorical_focal_crossentropy: CategoricalFocalCrossentropy,
    categorical_generalized_cross_entropy: CategoricalGeneralizedCrossEntropy,
    dice: Dice,
    tversky: Tversky,
    circle: Circle,
    kl_divergence: KLDivergence,
    poisson: Poisson,
    hinge: Hinge,
    squared_hinge: SquaredHinge,
    categorical_hinge: CategoricalHinge,
    ctc: CTC,
}
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kl_divergence
bce = BCE = binary_crossentropy
logcosh = log_cosh
