"""Regularizers: penalties on weights and activities with their gradients, by Keras's names.

A regularizer called on an array returns its penalty, a number that is added to the loss. A
training step calls `add_to`, which also adds the gradient in place.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._binding.numpy_blas import matmul
from .registry import Registry
from .registry import custom_objects as with_names
from .serialization import Configurable, to_json
from .validation import number, plain_array

Array = NDArray[Any]
registry: Registry = Registry("regularizer")

# Elements of a block: small enough for the cache, and for BLAS to use no threads.
_BLOCK = 8192
_EPSILON = 1e-7  # Keras's backend.epsilon()


class Regularizer(Configurable):
    """Base of all regularizers: subclass it and write ``__call__(self, x)``.

    Made of `lstmcore.ops` it is derived; with a ``gradient(self, x)`` of its own it is faster.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.regularizers import Regularizer
    >>> class L4(Regularizer):
    ...     def __call__(self, x):
    ...         return float((x**4).sum())
    ...     def gradient(self, x):
    ...         return 4 * x**3
    >>> L4()(np.array([1.0, 2.0]))
    17.0
    """

    registry = registry

    def __call__(self, x: Any) -> float:
        """Return the penalty of an array."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__")

    def gradient(self, x: Any) -> Array:
        """Return the gradient of the penalty, of the shape and dtype of x."""
        from .autodiff.tape import differentiate

        return differentiate(self, x)[1](1.0)

    def add_to(self, x: Array, grad: Array) -> float:
        """Add the gradient to `grad` in place and return the penalty.

        Parameters
        ----------
        x, grad : ndarray
            Have the same shape and dtype.
        """
        grad += self.gradient(x)
        return float(np.sum(self(x)))


class _L1L2Penalty(Regularizer):
    """``l1 * sum(abs(x)) + l2 * sum(x * x)``, block by block."""

    l1 = 0.0
    l2 = 0.0

    def __call__(self, x: Any) -> float:
        return self._add_by_blocks(_floats(x).reshape(-1), None)

    def gradient(self, x: Any) -> Array:
        x = _floats(x)
        grad = np.zeros(x.shape, x.dtype)
        self._add_by_blocks(x.reshape(-1), grad.reshape(-1))
        return grad

    def add_to(self, x: Array, grad: Array) -> float:
        if not grad.flags.c_contiguous:  # its flat form would be a copy
            return super().add_to(x, grad)
        return self._add_by_blocks(x.reshape(-1), grad.reshape(-1))

    def _add_by_blocks(self, x: Array, grad: Array | None) -> float:
        buffer = np.empty(min(x.size, _BLOCK), x.dtype)
        loss = 0.0
        for start in range(0, x.size, _BLOCK):
            part = x[start : start + _BLOCK]
            gradient = buffer[: part.size]
            loss += self._block_penalty(part, gradient)
            if grad is not None:
                window = grad[start : start + _BLOCK]
                window += gradient
        return loss

    def _block_penalty(self, x: Array, gradient: Array) -> float:
        """Return the penalty of one block and write its gradient to `gradient`."""
        if not self.l1:
            np.multiply(x, 2 * self.l2, out=gradient)
            return self.l2 * float(np.dot(x, x))
        np.sign(x, out=gradient)
        loss = self.l1 * float(np.dot(x, gradient))
        gradient *= self.l1
        if self.l2:
            gradient += 2 * self.l2 * x
            loss += self.l2 * float(np.dot(x, x))
        return loss


@registry.add()
class FunctionRegularizer(Regularizer):
    """A regularizer from a function of an array, made of `lstmcore.ops`, that returns a number.

    Parameters
    ----------
    function : callable
    """

    def __init__(self, function: Any) -> None:
        if isinstance(function, dict):  # from a config: the name of a custom object
            function = registry.find(str(function.get("function")))
        self.function = function

    def __call__(self, x: Any) -> Any:
        return self.function(x)


@registry.add()
class L1(_L1L2Penalty):
    """``l1 * sum(abs(x))``

    Parameters
    ----------
    l1 : float, default 0.01
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor(self, "l1", 0.01 if l1 is None else l1)


@registry.add()
class L2(_L1L2Penalty):
    """``l2 * sum(x * x)``

    Parameters
    ----------
    l2 : float, default 0.01
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor(self, "l2", 0.01 if l2 is None else l2)


@registry.add()
class L1L2(_L1L2Penalty):
    """``l1 * sum(abs(x)) + l2 * sum(x * x)``

    Parameters
    ----------
    l1, l2 : float, default 0.0
        As in Keras 3, the name ``"l1_l2"`` alone is therefore a penalty of 0.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor(self, "l1", 0.0 if l1 is None else l1)
        self.l2 = _factor(self, "l2", 0.0 if l2 is None else l2)


@registry.add()
class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean absolute cosine between two rows, or two columns, of a matrix.

    Parameters
    ----------
    factor : float, default 0.01
    mode : {"rows", "columns"}
        The vectors that are to become orthogonal.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(self, "factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(
                f"OrthogonalRegularizer: mode: expected 'rows' or 'columns', got {mode!r}"
            )
        self.mode = mode

    def __call__(self, x: Any) -> float:
        _, _, cosines, scale = self._cosines(x)
        return scale * float(np.abs(cosines).sum())

    def gradient(self, x: Any) -> Array:
        unit, inverse, cosines, scale = self._cosines(x)
        gradient = matmul(np.sign(cosines), unit)
        gradient *= 2 * scale
        radial = (gradient * unit).sum(axis=1, keepdims=True)
        radial *= inverse < 1 / _EPSILON  # a row too short to be normalized keeps its length
        gradient -= radial * unit
        gradient *= inverse
        return gradient if self.mode == "rows" else np.ascontiguousarray(gradient.T)

    def _cosines(self, x: Any) -> tuple[Array, Array, Array, float]:
        """Return unit rows, the inverses of their norms, their cosines, and a pair's weight."""
        x = _floats(x)
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer: expected a matrix, got shape {x.shape}")
        x = x if self.mode == "rows" else x.T
        length = np.sqrt((x * x).sum(axis=1, keepdims=True))
        inverse = 1 / np.maximum(length, _EPSILON)
        unit = x * inverse
        cosines = matmul(unit, unit.T)
        np.fill_diagonal(cosines, 0)
        count = len(x)
        return unit, inverse, cosines, self.factor / max(count * (count - 1), 1)


def _floats(x: Any) -> Array:
    array = plain_array(x, "x")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _factor(owner: object, name: str, value: Any) -> float:
    return number(f"{type(owner).__name__}: {name}", value)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer


def get(identifier: Any) -> Regularizer | None:
    """Return the regularizer of a name, a class, a config, an instance or a function.

    None gives None. A function of an array returns a number and is made of `lstmcore.ops`.

    Raises
    ------
    ValueError
        If there is no regularizer of this name.
    TypeError
        If it is none of these.
    """
    if identifier is None or isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
        identifier = registry.find(identifier["function"])
    if callable(identifier) and not inspect.isclass(identifier):
        return FunctionRegularizer(identifier)
    return registry.get(identifier, Regularizer)


def serialize(regularizer: Regularizer) -> Any:
    """Return the config for `deserialize` and `get`."""
    return to_json(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Regularizer | None:
    """Build a regularizer from its config."""
    with with_names(custom_objects):
        return get(config)
