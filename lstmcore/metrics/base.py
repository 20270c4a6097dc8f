"""Metric: the base class of all metrics; means and sums."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..losses.base import broadcast_mask, broadcast_weight, float_dtype, same_rank, total
from ..losses.wrapper import name_of
from ..names import snake_case
from ..registry import Registry
from ..serialization import Configurable, to_json
from ..validation import plain_array

Array = NDArray[Any]
registry: Registry = Registry("metric")


class Metric(Configurable):
    """The base class of all metrics.

    `update_state` adds a batch, `result` computes the metric so far, `reset_state` starts again. A
    subclass writes these three and lists in `state` the attributes that accumulate: numbers or
    arrays.

    Parameters
    ----------
    dtype : {"float32", "float64"}, optional
        The dtype that predictions are converted to; the default is their own. Sums are float64.
    name : str, optional
        Its key in logs and `History`. The default is the class's name in snake_case, with a
        number from the second instance on.
    """

    registry = registry
    state: ClassVar[tuple[str, ...]] = ()

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        self.dtype = float_dtype(dtype, type(self).__name__)
        self.name = registry.automatic_name(type(self)) if name is None else name

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch, weighted if there are sample weights.

        Numbers where the mask (batch, time) is False do not count, not even NaN. Weights of dtype
        bool are a mask.
        """
        raise NotImplementedError(f"{type(self).__name__}: write update_state")

    def result(self) -> Any:
        """Return the metric of all batches so far: a float, or an array with one per class."""
        raise NotImplementedError(f"{type(self).__name__}: write result")

    def reset_state(self) -> None:
        """Reset the metric to zero samples."""
        for name in self.state:
            setattr(self, name, np.zeros_like(getattr(self, name))[()])

    def get_state(self) -> dict[str, Any]:
        """Return the accumulated state, ready for JSON."""
        return {name: to_json(getattr(self, name)) for name in self.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the state that `get_state` returned."""
        if set(state) != set(self.state):
            raise ValueError(
                f"metric {self.name!r}: expected a state of {list(self.state)}, got {list(state)}"
            )
        for name, value in state.items():
            setattr(self, name, np.array(value, np.float64) if isinstance(value, list) else value)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add a batch and return the result so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


def weights_and_mask(weight: Any, mask: Any) -> tuple[Array | None, Array | None]:
    """Return weights and mask as arrays; weights of dtype bool become part of the mask."""
    if mask is not None:
        mask = plain_array(mask, "mask", np.bool_)
    if weight is not None:
        weight = plain_array(weight, "sample_weight")
        if weight.dtype == np.bool_:
            mask = weight if mask is None else mask & weight
            weight = None
    return weight, mask


class RunningMean(Metric):
    """The base class of means: a sum and a count."""

    state = ("total", "count")

    def __init__(self, name: str | None = None, dtype: str | None = None) -> None:
        name = snake_case(type(self).__name__) if name is None else name
        super().__init__(dtype, name)
        self.total, self.count = 0.0, 0.0

    def reset_state(self) -> None:
        """Reset the mean to zero samples."""
        self.total, self.count = 0.0, 0.0

    def add(self, total: float, count: float) -> None:
        """Add the sum of `count` numbers."""
        self.total += total
        self.count += count

    def add_values(self, values: Array, weight: Array | None, mask: Array | None) -> None:
        """Add an array of values, one or more for each sample or step."""
        if mask is not None:
            if values.ndim < mask.ndim:
                raise ValueError(
                    f"metric {self.name!r}: expected a value for each step, because some are "
                    f"masked, got shape {values.shape}"
                )
            unmasked = broadcast_mask(mask, values, f"metric {self.name!r}")
            weight = None if weight is None else broadcast_weight(weight, values)[unmasked]
            values = values[unmasked]
        if weight is not None:
            weight = broadcast_weight(weight, values)
            wide = total(np.multiply(values, weight, dtype=np.float64), axis=None)
            self.add(float(wide), float(total(weight, axis=None, dtype=np.float64)))
        elif values.dtype == np.bool_:
            self.add(int(np.count_nonzero(values)), values.size)
        else:
            self.add(float(total(values, axis=None, dtype=np.float64)), values.size)

    def result(self) -> float:
        """Return the mean so far; 0 before the first batch."""
        return self.total / self.count if self.count else 0.0


class MeanMetric(RunningMean):
    """The mean of a value of each sample, step or unit: subclass it and write `values`."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the values to average."""
        raise NotImplementedError(f"{type(self).__name__}: write values(y_true, y_pred)")

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch; see `Metric.update_state`."""
        y_true, y_pred = plain_array(y_true, "y_true"), plain_array(y_pred, "y_pred", self.dtype)
        self._update(y_true, y_pred, sample_weight, mask)

    def _update(self, y_true: Array, y_pred: Array, sample_weight: Any, mask: Any) -> None:
        if sample_weight is None and mask is None:
            self.add_values(self.values(y_true, y_pred), None, None)
            return
        weight, mask = weights_and_mask(sample_weight, mask)
        if mask is None:
            self.add_values(self.values(y_true, y_pred), weight, None)
            return
        with np.errstate(all="ignore"):  # targets and outputs are arbitrary at masked steps
            values = self.values(y_true, y_pred)
        self.add_values(values, weight, mask)


class SameShape(MeanMetric):
    """The base class of means whose targets have the shape of the predictions."""

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch; see `Metric.update_state`."""
        y_pred = plain_array(y_pred, "y_pred", self.dtype)
        self._update(aligned(self.name, y_true, y_pred), y_pred, sample_weight, mask)


def aligned(name: str, y_true: Any, y_pred: Array) -> Array:
    """Return targets in the shape of the predictions; a last axis of 1 is added or removed."""
    y = same_rank(plain_array(y_true, "y_true"), y_pred.shape)
    if y.shape != y_pred.shape:
        raise ValueError(
            f"metric {name!r}: expected targets of the shape of the output {y_pred.shape}, "
            f"got {np.shape(y_true)}"
        )
    return y


@registry.add()
class Mean(RunningMean):
    """The weighted mean of values."""

    def update_state(  # type: ignore[override]
        self, values: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a value or an array of values, with a weight for each or for each sample."""
        weight, mask = weights_and_mask(sample_weight, mask)
        self.add_values(plain_array(values, "values", np.float64), weight, mask)

    def __call__(self, values: Any, sample_weight: Any = None) -> float:  # type: ignore[override]
        """Add values and return the mean so far."""
        self.update_state(values, sample_weight)
        return self.result()


@registry.add()
class Sum(Mean):
    """The weighted sum of values."""

    def result(self) -> float:
        """Return the sum so far."""
        return self.total


class _AnyArgument(MeanMetric):
    """The base class of a metric that accepts any keyword argument."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return object.__new__(cls)


@registry.add()
class MeanMetricWrapper(_AnyArgument):
    """The mean of the values of a function ``fn(y_true, y_pred, **kwargs)``, a number or array."""

    def __init__(
        self, fn: Any, name: str | None = None, dtype: str | None = None, **kwargs: Any
    ) -> None:
        if isinstance(fn, dict):  # from a config: the name of a custom object
            fn = registry.find(str(fn.get("function")))
        super().__init__(name_of(fn) if name is None else name, dtype)
        self.fn, self.kwargs = fn, kwargs

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, the function's among them."""
        return {**super().get_config(), **to_json(self.kwargs)}

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self.fn(y_true, y_pred, **self.kwargs))
