"""Means of losses, errors, and the metrics of language models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import losses
from ..losses.base import floating
from ..names import snake_case
from ..validation import plain_array
from .base import Array, MeanMetric, SameShape, registry, weights_and_mask


@registry.add("mse")
class MeanSquaredError(SameShape):
    """The mean of (y_true - y_pred)**2."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        d = y_pred - y_true
        values: Array = d * d
        return values


@registry.add("rmse")
class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean of (y_true - y_pred)**2."""

    def result(self) -> float:
        """Return the root of the mean so far."""
        return math.sqrt(super().result())


@registry.add("mae")
class MeanAbsoluteError(SameShape):
    """The mean of abs(y_true - y_pred)."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        values: Array = np.abs(y_pred - y_true)
        return values


@registry.add()
class LossMean(MeanMetric):
    """The mean of the values of a loss.

    Parameters
    ----------
    loss : Loss, or what `losses.get` takes
    """

    def __init__(self, loss: Any, name: str | None = None, dtype: str | None = None) -> None:
        if loss is None:
            raise TypeError(f"{type(self).__name__}: loss: expected a loss, got None")
        self.loss: losses.Loss = losses.get(loss)
        super().__init__(self.loss.name if name is None else name, dtype)

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch; see `Metric.update_state`."""
        y_pred = floating(y_pred, self.dtype, "y_pred")
        y_true = self.loss.align(y_true, y_pred.shape, y_pred.dtype)
        weight, mask = weights_and_mask(sample_weight, mask)
        self._update(y_true, y_pred, weight, self.loss.counted(y_true, mask))

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return self.loss._along_axis(y_true, y_pred, False)[0]


class _LossMetric(LossMean):
    """The base class of means of one particular loss."""

    def __init__(self, loss: losses.Loss, name: str | None, dtype: str | None) -> None:
        loss.kind, loss.name = "metric", snake_case(type(self).__name__) if name is None else name
        super().__init__(loss, name, dtype)


@registry.add("mape")
class MeanAbsolutePercentageError(_LossMetric):
    """The mean of `losses.MeanAbsolutePercentageError`."""

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(losses.MeanAbsolutePercentageError(), name, dtype)


@registry.add("msle")
class MeanSquaredLogarithmicError(_LossMetric):
    """The mean of `losses.MeanSquaredLogarithmicError`."""

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(losses.MeanSquaredLogarithmicError(), name, dtype)


@registry.add("logcosh", "log_cosh")
class LogCoshError(_LossMetric):
    """The mean of `losses.LogCosh`."""

    def __init__(self, name: str | None = "logcosh", dtype: str | None = None) -> None:
        super().__init__(losses.LogCosh(), name, dtype)


@registry.add()
class CosineSimilarity(_LossMetric):
    """The mean cosine of the angle between vectors along `axis`: 1 if they point the same way."""

    def __init__(self, name: str | None = None, dtype: str | None = None, axis: int = -1) -> None:
        super().__init__(losses.CosineSimilarity(axis), name, dtype)
        self.axis = self.loss.axis

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return -super().values(y_true, y_pred)


@registry.add("kld", "kullback_leibler_divergence")
class KLDivergence(_LossMetric):
    """The mean of `losses.KLDivergence`."""

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(losses.KLDivergence(), name, dtype)


@registry.add()
class Poisson(_LossMetric):
    """The mean of `losses.Poisson`."""

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(losses.Poisson(), name, dtype)


@registry.add()
class CategoricalHinge(_LossMetric):
    """The mean of `losses.CategoricalHinge`."""

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(losses.CategoricalHinge(), name, dtype)


class _HingeMetric(_LossMetric):
    """The base class of hinge metrics: the unmasked labels alone say if they are 0 and 1."""

    def _update(self, y_true: Array, y_pred: Array, sample_weight: Any, mask: Any) -> None:
        if mask is not None:
            wide = mask.reshape(mask.shape + (1,) * (y_true.ndim - mask.ndim))
            y_true = np.where(wide, y_true, 0)
        super()._update(y_true, y_pred, sample_weight, mask)


@registry.add()
class Hinge(_HingeMetric):
    """The mean of `losses.Hinge`."""

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(losses.Hinge(), name, dtype)


@registry.add()
class SquaredHinge(_HingeMetric):
    """The mean of `losses.SquaredHinge`."""

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(losses.SquaredHinge(), name, dtype)


@registry.add("bce")
class BinaryCrossentropy(_LossMetric):
    """The mean of `losses.BinaryCrossentropy`.

    `from_logits` and `label_smoothing` are the loss's.
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(losses.BinaryCrossentropy(from_logits, label_smoothing), name, dtype)
        self.from_logits, self.label_smoothing = bool(from_logits), float(label_smoothing)


@registry.add("cce")
class CategoricalCrossentropy(_LossMetric):
    """The mean of `losses.CategoricalCrossentropy`.

    `from_logits`, `label_smoothing` and `axis` are the loss's.
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        loss = losses.CategoricalCrossentropy(from_logits, label_smoothing, axis)
        super().__init__(loss, name, dtype)
        self.from_logits, self.label_smoothing = bool(from_logits), float(label_smoothing)
        self.axis = loss.axis


@registry.add("scce")
class SparseCategoricalCrossentropy(_LossMetric):
    """The mean of `losses.SparseCategoricalCrossentropy`; an ignored class does not count.

    `from_logits`, `ignore_class` and `axis` are the loss's.
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis)
        super().__init__(loss, name, dtype)
        self.from_logits, self.ignore_class, self.axis = bool(from_logits), ignore_class, loss.axis


class _LanguageMetric(_LossMetric):
    """The base class of metrics of language models: the mean crossentropy, in nats.

    Parameters
    ----------
    from_logits : bool, default False
        The predictions are logits, and not probabilities.
    ignore_class : int, optional
        Targets of this class, such as padding, do not count.
    axis : int, default -1
        The axis of the classes: words or characters.
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis)
        super().__init__(loss, name, dtype)
        self.from_logits, self.ignore_class, self.axis = bool(from_logits), ignore_class, loss.axis

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch; its targets are class numbers, or one-hot."""
        y_true = plain_array(y_true, "y_true")
        if y_true.shape == np.shape(y_pred) and y_true.shape[self.axis] > 1:
            y_true = y_true.argmax(axis=self.axis)
        super().update_state(y_true, y_pred, sample_weight, mask)


@registry.add()
class Perplexity(_LanguageMetric):
    __doc__ = (
        "The perplexity: exp of the mean of -log(p of the true word or character).\n"
        + ((_LanguageMetric.__doc__ or "").partition("\n")[2])
    )

    def result(self) -> float:
        """Return exp of the mean so far; infinite where that is too large."""
        mean = super().result()
        return math.exp(mean) if mean < 709 else math.inf


@registry.add("bpc")
class BitsPerCharacter(_LanguageMetric):
    __doc__ = (
        "Bits per character: the mean of -log2(p of the true character).\n"
        + ((_LanguageMetric.__doc__ or "").partition("\n")[2])
    )

    def result(self) -> float:
        """Return the mean so far."""
        return super().result() / math.log(2)
