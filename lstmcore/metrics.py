"""What training reports: Keras's metrics, by name.

A metric is a running mean: `update_state` adds a batch, `result` reads it, `reset_state` begins
again. "accuracy" means the accuracy that fits the shapes of targets and predictions (`resolve`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import losses
from .losses.base import real_values, stretch
from .registry import Configurable, Registry, snake_case

Array = NDArray[Any]
registry: Registry = Registry("metric")


class Metric(Configurable):
    """A mean over everything seen since the last reset: subclass it and write `values`.

    Parameters
    ----------
    name : str, optional
        Its key in logs and History. The default is the class's name in lower case.
    """

    registry = registry

    def __init__(self, name: str | None = None) -> None:
        self.name = snake_case(type(self).__name__) if name is None else name
        self.reset_state()

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the numbers to average."""
        raise NotImplementedError

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch, each sample or step with its weight if there are weights.

        Weights of type bool are a mask, (batch, time): what stands where it is False counts
        nowhere, be it NaN.
        """
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        weight = None if sample_weight is None else np.asarray(sample_weight)
        if weight is None:
            values = self.values(y_true, y_pred)
            self.add(float(values.sum(dtype=np.float64)), values.size)
        elif weight.dtype == np.bool_:
            with np.errstate(all="ignore"):  # targets and outputs are arbitrary at masked steps
                values = self.values(y_true, y_pred)
            if values.ndim < weight.ndim:
                raise ValueError(
                    f"metric {self.name!r}: expected a value for each step, because some are "
                    f"masked, got shape {values.shape}"
                )
            values = values[real_values(weight, values, f"metric {self.name!r}")]
            self.add(float(values.sum(dtype=np.float64)), values.size)
        else:
            values = self.values(y_true, y_pred)
            weight = stretch(weight, values)
            self.add(float((values * weight).sum(dtype=np.float64)), float(weight.sum()))

    def add(self, total: float, count: float) -> None:
        """Add the sum of `count` numbers."""
        self._total += total
        self._count += count

    def result(self) -> float:
        """Return the mean so far; 0 before the first batch."""
        return self._total / self._count if self._count else 0.0

    def reset_state(self) -> None:
        """Forget everything seen."""
        self._total, self._count = 0.0, 0.0

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Add a batch and return the mean so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


@registry.add()
class Mean(Metric):
    """The weighted mean of numbers."""

    def update_state(self, values: Any, sample_weight: Any = 1.0) -> None:  # type: ignore[override]
        """Add a number, or an array of numbers, with one weight."""
        values = np.asarray(values, np.float64)
        self.add(float(values.sum()) * sample_weight, values.size * sample_weight)


class _SameShape(Metric):
    """A metric that compares targets and predictions of the same shape."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = np.asarray(y_pred)
        y_true = _aligner.align(y_true, y_pred.shape, y_pred.dtype)
        super().update_state(y_true, y_pred, sample_weight)


_aligner = losses.Loss(name="metric")


@registry.add("mse")
class MeanSquaredError(_SameShape):
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
class MeanAbsoluteError(_SameShape):
    """The mean of abs(y_true - y_pred)."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        values: Array = np.abs(y_pred - y_true)
        return values


@registry.add()
class BinaryAccuracy(_SameShape):
    """How often ``y_pred > threshold`` equals the target, 0 or 1."""

    def __init__(self, name: str | None = None, *, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = float(threshold)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        values: Array = (y_pred > self.threshold) == y_true
        return values


@registry.add()
class CategoricalAccuracy(_SameShape):
    """How often the largest prediction stands where the largest target (one-hot) stands."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        values: Array = y_true.argmax(axis=-1) == y_pred.argmax(axis=-1)
        return values


@registry.add()
class SparseCategoricalAccuracy(Metric):
    """How often the largest prediction stands at the target, a class number."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        best = y_pred.argmax(axis=-1)
        values: Array = y_true.reshape(best.shape) == best
        return values


class _LossMean(Metric):
    """The mean of a loss's values."""

    def __init__(self, loss: losses.Loss, name: str | None = None) -> None:
        super().__init__(name)
        self._loss = loss

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = np.asarray(y_pred)
        y_true = self._loss.align(y_true, y_pred.shape, y_pred.dtype)
        super().update_state(y_true, y_pred, sample_weight)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return self._loss.values(y_true, y_pred, False)[0]


@registry.add("bce")
class BinaryCrossentropy(_LossMean):
    """The mean of `losses.BinaryCrossentropy`."""

    def __init__(
        self, name: str | None = None, *, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(losses.BinaryCrossentropy(from_logits, label_smoothing), name)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


@registry.add("cce")
class CategoricalCrossentropy(_LossMean):
    """The mean of `losses.CategoricalCrossentropy`."""

    def __init__(
        self, name: str | None = None, *, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(losses.CategoricalCrossentropy(from_logits, label_smoothing), name)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


@registry.add("scce")
class SparseCategoricalCrossentropy(_LossMean):
    """The mean of `losses.SparseCategoricalCrossentropy`."""

    def __init__(self, name: str | None = None, *, from_logits: bool = False) -> None:
        super().__init__(losses.SparseCategoricalCrossentropy(from_logits), name)
        self.from_logits = from_logits


@registry.add()
class MeanMetricWrapper(Metric):
    """The mean of what a function ``f(y_true, y_pred)`` returns, a number or an array."""

    def __init__(self, fn: Any, name: str | None = None) -> None:
        if isinstance(fn, dict):  # from a config: a name for which the caller has a function
            fn = registry.find(str(fn.get("function")))
        super().__init__(getattr(fn, "__name__", None) if name is None else name)
        self.fn = fn

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self.fn(y_true, y_pred))


def get(identifier: Any) -> Metric:
    """Return the metric that a name, class, config, instance or function stands for."""
    if isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
        identifier = registry.find(identifier["function"])
    if callable(identifier) and not isinstance(identifier, type | Metric):
        return MeanMetricWrapper(identifier)
    return registry.get(identifier, Metric)


def depends_on_shapes(identifier: Any) -> bool:
    """Whether this is one of the two names that mean different metrics for different shapes."""
    return isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc")


def resolve(identifier: Any, y_true: tuple[int, ...], y_pred: tuple[int, ...]) -> Metric:
    """Return the metric for targets and predictions of these shapes, named as the user named it.

    As in Keras, "accuracy" is binary for predictions (..., 1), sparse if the targets have no
    class axis, and categorical otherwise.
    """
    if not depends_on_shapes(identifier):
        metric = get(identifier)
    elif y_pred[-1] == 1:
        metric = BinaryAccuracy()
    elif len(y_true) < len(y_pred) or y_true[-1] == 1:
        metric = SparseCategoricalAccuracy()
    else:
        metric = CategoricalAccuracy()
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
