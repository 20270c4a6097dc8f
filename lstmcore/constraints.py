"""Constraints: projections of weights after each optimizer step, by Keras's names.

A constraint called with a weight array returns the nearest array that it allows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .registry import Registry
from .registry import custom_objects as with_names
from .serialization import Configurable, to_json
from .validation import plain_array

Array = NDArray[Any]
registry: Registry = Registry("constraint")

_EPSILON = 1e-7  # Keras's backend.epsilon()


@registry.add()
class Constraint(Configurable):
    """Base of all constraints, which allows everything; a subclass writes ``__call__(self, w)``."""

    registry = registry

    def __call__(self, w: Any) -> Array:
        """Return the constrained weights: a new array or the same one."""
        return plain_array(w, "w")


class _Norm(Constraint):
    """Base of constraints that scale vectors along `axis` to the norms of `_target_norms`."""

    axis: Any

    def __call__(self, w: Any) -> Array:
        w = plain_array(w, "w")
        norms = self._norms(w)
        scaled: Array = w * (self._target_norms(norms) / (_EPSILON + norms))
        return scaled

    def _norms(self, w: Array) -> Array:
        axis = tuple(self.axis) if isinstance(self.axis, list | tuple) else self.axis
        squares: Array
        if w.ndim == 2 and axis == 0:  # the common case, without a temporary array of squares
            squares = np.einsum("ij,ij->j", w, w)
            return np.sqrt(squares)
        try:
            squares = np.square(w).sum(axis=axis, keepdims=True)
            return np.sqrt(squares)
        except np.exceptions.AxisError:
            who = type(self).__name__
            raise ValueError(
                f"{who}: axis: {self.axis!r} is no axis of a weight of shape {w.shape}"
            ) from None

    def _target_norms(self, norms: Array) -> Array:
        raise NotImplementedError


@registry.add()
class MaxNorm(_Norm):
    """Limit the norm of each vector of weights to `max_value`.

    Parameters
    ----------
    max_value : float, default 2
    axis : int or sequence of int, default 0
        The axis along which norms are taken; 0 for the incoming weights of each unit.
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def _target_norms(self, norms: Array) -> Array:
        return np.minimum(norms, self.max_value)


@registry.add()
class MinMaxNorm(_Norm):
    """Keep the norm of each vector of weights between two bounds.

    Parameters
    ----------
    min_value, max_value : float, default 0 and 1
    rate : float, default 1
        The fraction of the correction that is applied at each step; 1 for all of it.
    axis : int or sequence of int, default 0
        The axis along which norms are taken; 0 for the incoming weights of each unit.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def _target_norms(self, norms: Array) -> Array:
        inside = np.clip(norms, self.min_value, self.max_value)
        targets: Array = self.rate * inside + (1 - self.rate) * norms
        return targets


@registry.add()
class UnitNorm(_Norm):
    """Scale each vector of weights to norm 1.

    Parameters
    ----------
    axis : int or sequence of int, default 0
        The axis along which norms are taken; 0 for the incoming weights of each unit.
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = axis

    def _target_norms(self, norms: Array) -> Array:
        return np.ones((), norms.dtype)


@registry.add()
class NonNeg(Constraint):
    """Set negative weights to 0."""

    def __call__(self, w: Any) -> Array:
        allowed: Array = np.maximum(plain_array(w, "w"), 0)
        return allowed


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm


def get(identifier: Any) -> Constraint | Callable[[Array], Array] | None:
    """Return the constraint of a name, a class, a config, an instance or a function.

    A function takes the weights and returns the constrained ones.

    Raises
    ------
    ValueError
        If there is no constraint of this name.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        identifier = registry.find(identifier)
    elif isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
        identifier = registry.find(identifier["function"])
    if inspect.isclass(identifier):
        identifier = identifier()
    if callable(identifier):
        function: Constraint | Callable[[Array], Array] = identifier
        return function
    return registry.get(identifier, Constraint)


def serialize(constraint: Any) -> Any:
    """Return the config for `deserialize` and `get`."""
    return to_json(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build a constraint from its config."""
    with with_names(custom_objects):
        return get(config)
