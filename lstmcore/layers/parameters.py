"""Param and Flat: all weights of a model on one flat array, their gradients on another."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import context
from ..autodiff.tensors import detached
from ..structure import map_structure
from ..validation import Array, plain_array
from .symbolic import SymbolicTensor


def _operator(apply: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return an operator of `Param` and the reflected one."""

    def forward(param: Param, other: Any) -> Any:
        if isinstance(other, SymbolicTensor):  # whose operator keeps the weight a weight
            return NotImplemented
        return apply(param.traced(), other)

    def reflected(param: Param, other: Any) -> Any:
        return apply(other, param.traced())

    return forward, reflected


def _traced(tree: Any) -> Any:
    """Return the same structure with `Param.traced` of every weight."""
    return map_structure(lambda leaf: leaf.traced() if isinstance(leaf, Param) else leaf, tree)


class Param:
    """One weight array of a layer and its gradient: views of the flat arrays of a `Flat`.

    Attributes
    ----------
    name, shape
        Its name within the layer, such as ``"kernel"``, and its shape.
    trainable : bool
        False for an array that no optimizer may change.
    regularizer : Regularizer or None
        Penalty on the weights, added to the loss in training.
    constraint : callable or None
        Applied to the weights after each optimizer step.
    value : ndarray
        The weights, read-only: `assign` changes them.
    grad : ndarray
        The gradient of the loss; backward functions add to it.
    flat : Flat or None
        The owner of the memory; None until the weights are materialized.
    """

    __slots__ = (
        "constraint",
        "flat",
        "grad",
        "initializer",
        "name",
        "regularizer",
        "shape",
        "trainable",
        "value",
    )

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Callable[..., Array],
        trainable: bool,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        self.name, self.shape, self.trainable = name, shape, trainable
        self.initializer, self.regularizer, self.constraint = initializer, regularizer, constraint
        self.flat: Flat | None = None
        self.value: Array = np.empty(0, np.float32)
        self.grad: Array = np.empty(0)

    def assign(self, value: Any) -> None:
        """Set the weights to an array of the same shape."""
        if context.current().trial:
            return
        array = plain_array(detached(value), self.name)
        if array.shape != self.shape:
            raise ValueError(f"{self.name}: expected shape {self.shape}, got {array.shape}")
        if self.flat is None:
            raise ValueError(f"{self.name}: has no memory before its layer is built")
        self.flat.view(self)[...] = array
        self.flat.version += 1

    def assign_add(self, value: Any) -> None:
        """Add an array to the weights."""
        self.assign(self.value + np.asarray(detached(value)))

    def assign_sub(self, value: Any) -> None:
        """Subtract an array from the weights."""
        self.assign(self.value - np.asarray(detached(value)))

    def numpy(self) -> Array:
        """Return a copy of the weights."""
        return self.value.copy()

    # -- in users' own functions: an array, or on a tape one that is derived -----------------

    # A tape is recording whenever autograd looks at these: see `lstmcore.autodiff`.
    @property
    def _value(self) -> Array:
        if self.flat is None:  # in a trial for shapes, where no memory has been taken
            return np.broadcast_to(np.zeros((), self.value.dtype), self.shape)
        return self.value

    @property
    def _node(self) -> Any:
        return context.current().tape.leaf(self)

    @property
    def _trace(self) -> float:
        level: float = context.current().tape.level
        return level

    def traced(self) -> Any:
        """Return the array, or on a tape the box that stands for it."""
        tape = context.current().tape
        return self._value if tape is None else tape.box_of(self)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def T(self) -> Any:
        """The array with its axes in reversed order."""
        return self.traced().T

    def __getitem__(self, key: Any) -> Any:
        return self.traced()[key]

    def __len__(self) -> int:
        return len(self.value)

    def __neg__(self) -> Any:
        return -self.traced()

    def __abs__(self) -> Any:
        return abs(self.traced())

    def __float__(self) -> float:
        return float(self.traced())

    def __int__(self) -> int:
        return int(self.traced())

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, SymbolicTensor) for x in inputs):
            return NotImplemented
        arrays = (x.traced() if isinstance(x, Param) else x for x in inputs)
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*_traced(list(args)), **_traced(kwargs))

    __add__, __radd__ = _operator(operator.add)
    __sub__, __rsub__ = _operator(operator.sub)
    __mul__, __rmul__ = _operator(operator.mul)
    __truediv__, __rtruediv__ = _operator(operator.truediv)
    __floordiv__, __rfloordiv__ = _operator(operator.floordiv)
    __mod__, __rmod__ = _operator(operator.mod)
    __pow__, __rpow__ = _operator(operator.pow)
    __matmul__, __rmatmul__ = _operator(operator.matmul)
    __lt__, _ = _operator(operator.lt)
    __le__, _ = _operator(operator.le)
    __gt__, _ = _operator(operator.gt)
    __ge__, _ = _operator(operator.ge)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._value, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<Param {self.name} {self.shape}>"


class OwnMemory(Param):
    """A `Param` that is in no `Flat`: a variable of a metric, or of an optimizer's state.

    Parameters
    ----------
    name : str
    value : ndarray
        Its memory, which `assign` writes to.
    initializer : callable
    """

    __slots__ = ()

    def __init__(self, name: str, value: Array, initializer: Callable[..., Array]) -> None:
        super().__init__(name, value.shape, initializer, trainable=False)
        self.value = value

    def assign(self, value: Any) -> None:
        """Set it to a number or an array of its shape, of any dtype."""
        if context.current().trial:
            return
        array = plain_array(detached(value), f"variable {self.name!r}")
        if array.shape != self.shape:
            raise ValueError(
                f"variable {self.name!r}: expected shape {self.shape}, got {array.shape}"
            )
        self.value[...] = array

    @property
    def _value(self) -> Array:
        return self.value

    def traced(self) -> Any:
        """Return the array, also on a tape: nothing derives it."""
        return self.value


def copy_of(param: Param, factor: Array) -> Param:
    """Return a weight of its own memory and gradient: another one's values times a factor."""
    made = Param(param.name, param.shape, param.initializer, param.trainable)
    made.value, made.grad = param.value * factor, np.zeros_like(param.value)
    return made


class Flat:
    """One flat array of weights and one of gradients; trainable weights first.

    A `Param` belongs to one `Flat` at a time: constructing a new one moves the weights into it.

    Parameters
    ----------
    params : sequence of (Param, bool)
        The weights, each with True if it is to be trained.
    initialize : bool, default True
        Draw initial values for weights that have none yet; otherwise they are 0.

    Attributes
    ----------
    value, grad : ndarray, (n,)
    size : int
        The first `size` of the n elements are trained.
    version : int
        Incremented when weights change, so that layers detect stale packed weights.
    windows : dict of Param to slice
        The slice of each weight array.
    trained : list of slice
        The slices of the weights that are trained.
    """

    def __init__(
        self, params: Sequence[tuple[Param, bool]], dtype: str, initialize: bool = True
    ) -> None:
        self.order, self.count = self._sort(params)
        ends = list(itertools.accumulate((math.prod(p.shape) for p in self.order), initial=0))
        self.windows = {
            p: slice(start, end)
            for p, start, end in zip(self.order, ends[:-1], ends[1:], strict=True)
        }
        self.value, self.grad = np.zeros(ends[-1], dtype), np.zeros(ends[-1], dtype)
        self.trained = [self.windows[p] for p in self.order[: self.count]]
        self.size = ends[self.count]
        self.version = 0
        for p in (p for p, _ in params):  # in the layers' order: a seed's draws ignore `trainable`
            if p.flat is not None:
                self.view(p)[...] = p.value
            elif initialize:
                self.view(p)[...] = p.initializer(p.shape, dtype)
        for p in self.order:  # only now, when nothing can fail: no weights are half moved
            p.flat, p.value = self, self.view(p)
            p.grad = self.grad[self.windows[p]].reshape(p.shape)
            p.value.flags.writeable = False

    @staticmethod
    def _sort(params: Sequence[tuple[Param, bool]]) -> tuple[list[Param], int]:
        trained = [p for p, trainable in params if trainable]
        return trained + [p for p, trainable in params if not trainable], len(trained)

    def view(self, param: Param) -> Array:
        """Return a writable view of one weight array; the writer must increment `version`."""
        return self.value[self.windows[param]].reshape(param.shape)

    def holds(self, params: Sequence[tuple[Param, bool]]) -> bool:
        """Return True if these are exactly its weights, with the same ones trained."""
        return (self.order, self.count) == self._sort(params) and all(
            p.flat is self for p in self.order
        )
