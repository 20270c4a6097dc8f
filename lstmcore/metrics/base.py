"""Metric: the base class of all metrics; means and sums."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from .. import context
from ..autodiff.tensors import detached
from ..losses.base import broadcast_mask, broadcast_weight, float_dtype, same_rank, total
from ..losses.wrapper import name_of
from ..names import is_builtin, snake_case
from ..refused.attributes import refuse
from ..registry import Registry
from ..serialization import Configurable, to_json
from ..structure import map_structure
from ..validation import plain_array
from .rows import rows_alone
from .variables import Variable, shape_of

Array = NDArray[Any]
registry: Registry = Registry("metric")


def _off_the_tape(update_state: Callable[..., None]) -> Callable[..., None]:
    """Decorate `update_state`: what a user's own function computes is measured, not derived."""

    @functools.wraps(update_state)
    def update(self: Metric, *args: Any, **kwargs: Any) -> None:
        if context.current().tape is None:
            update_state(self, *args, **kwargs)
            return
        args, kwargs = map_structure(detached, args), map_structure(detached, kwargs)
        with context.changed(tape=None):
            update_state(self, *args, **kwargs)

    return update


@refuse("metric")
class Metric(Configurable):
    """The base class of all metrics.

    `update_state` adds a batch, `result` computes the metric so far, `reset_state` starts again. A
    subclass writes the first two and keeps what accumulates in variables, as in Keras: the
    constructor makes them by `add_weight`, `update_state` calls their `assign_add`, and
    `reset_state` gives them their initial values. Or it writes all three and lists in `state` the
    attributes that accumulate, numbers or arrays: less to do for each batch.

    If `update_state` takes no `mask`, it is given unmasked steps alone: the rows of a padded batch
    come in groups of equal length, as if each had been given without padding.

    Parameters
    ----------
    dtype : {"float32", "float64"}, optional
        The dtype that predictions are converted to; the default is their own, and "float32" for
        who reads it in a metric with variables. Sums are float64.
    name : str, optional
        Its key in logs and `History`. The default is the class's name in snake_case, with a
        number from the second instance on.
    """

    registry = registry
    state: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "update_state" in cls.__dict__:
            cls.update_state = _off_the_tape(cls.update_state)  # type: ignore[method-assign]

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        self.dtype = float_dtype(dtype, type(self).__name__)
        self.name = registry.automatic_name(type(self)) if name is None else name
        self._variables: list[Variable] = []

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """Return a new variable of the metric.

        Parameters
        ----------
        shape : tuple of int, default ()
        initializer : str, Initializer or callable, default "zeros"
        dtype : str, default "float64"
            Sums of float32 stop growing at 16 million, so the default is not Keras's.
        name : str, optional

        Raises
        ------
        ValueError
            If the shape is none.
        """
        what = f"metric {self.name!r} ({type(self).__name__}): add_weight"
        sizes = shape_of(shape, what)
        name = f"variable_{len(self._variables)}" if name is None else name
        variable = Variable(name, sizes, initializer or "zeros", dtype or "float64")
        self._variables.append(variable)
        if self.dtype is None:
            self.dtype = "float32"  # scripts cast to it, and None is no dtype
        return variable

    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: Any = None,
        aggregation: Any = "sum",
        name: str | None = None,
    ) -> Variable:
        """Return a new variable; see `add_weight`. `aggregation` is for devices: no effect."""
        return self.add_weight(shape, initializer, dtype, name)

    @property
    def variables(self) -> list[Any]:
        """The variables, those of metrics that are attributes too; of `state` read-only arrays."""
        own = [np.array(getattr(self, name)) for name in self.state]
        for array in own:
            array.flags.writeable = False
        return [*own, *self._variables, *(v for m in self._inner() for v in m.variables)]

    def _inner(self) -> Iterator[Metric]:
        """Yield the metrics that are attributes of this one; the library's own have none."""
        if is_builtin(type(self)):
            return
        for value in vars(self).values():
            for entry in value if isinstance(value, list | tuple) else (value,):
                if isinstance(entry, Metric):
                    yield entry

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch, weighted if there are sample weights.

        Numbers where the mask (batch, time) is False do not count, not even NaN. Weights of dtype
        bool are a mask.
        """
        raise NotImplementedError(f"{type(self).__name__}: write update_state")

    def result(self) -> Any:
        """Return the metric of all batches so far.

        A float, an array with one per class, or a dict of several by name.
        """
        raise NotImplementedError(f"{type(self).__name__}: write result")

    def reset_state(self) -> None:
        """Reset the metric to zero samples: its variables to their initial values."""
        for name in self.state:
            value = getattr(self, name)
            setattr(self, name, 0.0 if isinstance(value, float) else np.zeros_like(value)[()])
        for variable in self._variables:
            variable.reset()
        for metric in self._inner():
            metric.reset_state()

    reset_states = reset_state  # Keras 2's name

    def get_state(self) -> dict[str, Any]:
        """Return the accumulated state, ready for JSON."""
        state = {name: to_json(getattr(self, name)) for name in self.state}
        if self._variables:
            state["variables"] = [to_json(v.value) for v in self._variables]
        inner = [metric.get_state() for metric in self._inner()]
        return state | ({"metrics": inner} if inner else {})

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the state that `get_state` returned."""
        inner = list(self._inner())
        kept = [*["variables"] * bool(self._variables), *["metrics"] * bool(inner)]
        wanted = [*self.state, *kept]
        if set(state) != set(wanted):
            raise ValueError(
                f"metric {self.name!r}: expected a state of {wanted}, got {list(state)}"
            )
        for name in self.state:
            value = state[name]
            setattr(self, name, np.array(value, np.float64) if isinstance(value, list) else value)
        for variable, value in zip(self._variables, state.get("variables", ()), strict=True):
            variable.assign(value)
        for metric, value in zip(inner, state.get("metrics", ()), strict=True):
            metric.set_state(value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch and return the result so far; the arguments are those of `update_state`."""
        self.update_state(*args, **kwargs)
        return self.result()


@functools.cache
def takes_mask(update_state: Callable[..., None]) -> bool:
    """Return True if this `update_state` of a class of metrics takes a mask."""
    return "mask" in inspect.signature(update_state).parameters


def plain_result(result: Any) -> Any:
    """Return what `result` has returned as a float, an array, or a dict of these."""
    if isinstance(result, dict):
        return {str(name): plain_result(value) for name, value in result.items()}
    array = np.asarray(result)
    return array if array.ndim else array.item()


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
        self._add_masked(values, y_true, y_pred, weight, mask)

    def _add_masked(
        self, values: Array, y_true: Array, y_pred: Array, weight: Array | None, mask: Array
    ) -> None:
        """Add the values of a batch that has masked steps."""
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

    def __call__(self, values: Any, sample_weight: Any = None) -> float:
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

    def add_values(self, values: Array, weight: Array | None, mask: Array | None) -> None:
        """Add an array of values, one or more for each sample or step, or one number."""
        if values.ndim == 0 and weight is not None:
            raise ValueError(
                f"metric {self.name!r}: expected a value for each sample, because there are "
                "sample weights, got one number for the batch"
            )
        super().add_values(values, weight, mask)

    def _add_masked(
        self, values: Array, y_true: Array, y_pred: Array, weight: Array | None, mask: Array
    ) -> None:
        """Add the values of a batch; if they are not one for each step, of unmasked steps alone.

        A value for each sample is that of the row without its masked steps, and one number is that
        of all unmasked steps of the batch.
        """
        if values.ndim >= mask.ndim:
            self.add_values(values, weight, mask)
        elif values.ndim:
            for y, p, w in rows_alone(mask, y_true, y_pred, weight):
                self.add_values(self.values(y, p), w, None)
        elif mask.any():
            self.add_values(self.values(y_true[mask], y_pred[mask]), weight, None)
