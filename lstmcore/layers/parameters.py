"""Where weights live: all of a model's on one flat array, their gradients on another.

And what recurrent layers make of theirs: the same in the kernels' order.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _core
from ..validation import Array


class Param:
    """One weight array of a layer and its gradient: windows on the flat arrays of a `Flat`.

    Attributes
    ----------
    name, shape
        Its name within the layer, such as ``"kernel"``, and its sizes.
    trainable : bool
        False for an array that no optimizer may change.
    regularizer : Regularizer or None
        What of the weights is added to the loss in training.
    constraint : callable or None
        What the weights become after each step of the optimizer.
    value : ndarray
        The weights, read-only: `assign` changes them.
    grad : ndarray
        The gradient of the loss; layers add to it on the way back.
    flat : Flat or None
        Where the windows lie; None until there is memory.
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
        self.value: Array = np.empty(0)
        self.grad: Array = np.empty(0)

    def assign(self, value: Any) -> None:
        """Set the weights to numbers of the same shape."""
        array = np.asarray(value)
        if array.shape != self.shape:
            raise ValueError(f"{self.name}: expected shape {self.shape}, got {array.shape}")
        if self.flat is None:
            raise ValueError(f"{self.name}: has no memory before its layer is built")
        self.flat.view(self)[...] = array
        self.flat.version += 1

    def numpy(self) -> Array:
        """Return a copy of the weights."""
        return self.value.copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<Param {self.name} {self.shape}>"


class Flat:
    """One flat array of weights and one of gradients; trainable weights first.

    A `Param` lives in one `Flat` at a time: making a new one moves the weights into it.

    Parameters
    ----------
    params : sequence of (Param, bool)
        The weights, and whether each is to be trained.
    initialize : bool, default True
        Draw initial values for weights that have none yet; otherwise they are 0.

    Attributes
    ----------
    value, grad : ndarray, (n,)
    size : int
        How many of the n numbers, counted from the front, are trained.
    version : int
        Goes up when weights change, so that a layer knows whether its packed weights are stale.
    windows : dict of Param to slice
    trained : list of slice
        The windows of the weights that are trained.
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
        for p in self.order:  # only when all went well: no weights are left between two arrays
            p.flat, p.value = self, self.view(p)
            p.grad = self.grad[self.windows[p]].reshape(p.shape)
            p.value.flags.writeable = False

    @staticmethod
    def _sort(params: Sequence[tuple[Param, bool]]) -> tuple[list[Param], int]:
        trained = [p for p, trainable in params if trainable]
        return trained + [p for p, trainable in params if not trainable], len(trained)

    def view(self, param: Param) -> Array:
        """The writable window of one weight array; whoever writes raises `version`."""
        return self.value[self.windows[param]].reshape(param.shape)

    def holds(self, params: Sequence[tuple[Param, bool]]) -> bool:
        """Whether exactly these weights live here, with the same ones trained."""
        return (self.order, self.count) == self._sort(params) and all(
            p.flat is self for p in self.order
        )


# Packing takes microseconds and happens only after weights changed, so all layers share a lock.
_packing = threading.Lock()


class PackedWeights:
    """A layer's weights in the kernels' order, packed again when they have changed."""

    def __init__(self) -> None:
        # packed, of which array, at which version of it, and whether for backward too: one
        # tuple, so that a thread sees all of it or nothing
        self._made: tuple[Any, Flat | None, int, bool] = (None, None, -1, False)
        self._lent: Any = None

    def get(self, layer: Any, backward: bool) -> Any:
        """Return the packed weights; any number of threads may ask at once."""
        packed = self._fresh(layer.kernel.flat, backward)
        if packed is None:
            with _packing:
                packed = self._fresh(layer.kernel.flat, backward) or self._pack(layer, backward)
        return packed

    def lend(self, layer: Any) -> Any:
        """Return the packed weights for keeps: no later packing goes into their memory."""
        with _packing:
            packed = self._fresh(layer.kernel.flat, False) or self._pack(layer, False)
            self._lent = packed
        return packed

    def _fresh(self, now: Flat | None, backward: bool) -> Any:
        packed, flat, version, both = self._made
        if packed is None or flat is not now or flat is None or flat.version != version:
            return None
        return packed if (both or not backward) and packed.isa == _core.isa() else None

    def _pack(self, layer: Any, backward: bool) -> Any:
        old, _, _, both = self._made
        flat = layer.kernel.flat
        if flat is None:
            raise ValueError(f"layer {layer.name!r}: has no weights before it is built")
        version = flat.version  # read before the weights: a change meanwhile makes this stale
        reuse = old is not None and (both or not backward) and old.isa == _core.isa()
        reuse = reuse and old is not self._lent
        packed = _core.pack(
            layer.core_cell,
            tuple(None if p is None else p.value for p in layer.core_weights),
            backward=backward or both,
            out=old if reuse else None,
        )
        self._made = (packed, flat, version, backward or both)
        return packed
