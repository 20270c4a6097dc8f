"""The arguments of a call of `lstmcore.ops`, as they are in a graph."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ....layers.parameters import Param
from ....ops.layer import Place
from ....ops.operation import OPS
from .builder import Builder, Call, Value


class OpCall:
    """An op's call: what its arguments are in the graph.

    Parameters
    ----------
    b : Builder
    call : Call
    """

    def __init__(self, b: Builder, call: Call) -> None:
        self.b, self.call, self.op = b, call, call.layer.op
        layer = call.layer
        bound = inspect.signature(OPS[self.op]).bind(*layer.args, **layer.kwargs)
        bound.apply_defaults()
        self.given: dict[str, Any] = dict(bound.arguments)

    def refused(self, argument: str, got: Any) -> Exception:
        """Return the error for an argument that no operator takes."""
        return self.call.refused(f"ops.{self.op}: {argument}", "one that ONNX has", repr(got))

    def value(self, name: str) -> Any:
        """Return an argument: a Value for an input of the layer, else what it is."""
        return self.resolved(self.given[name])

    def resolved(self, leaf: Any) -> Any:
        """Return what a leaf of the arguments is in the graph."""
        return self.call.inputs[leaf.index] if isinstance(leaf, Place) else leaf

    def tensor(self, leaf: Any, dtype: str | None = None) -> Any:
        """Return an array of the arguments as a tensor of a type, that of reals by default."""
        found, dtype = self.resolved(leaf), dtype or self.b.dtype
        if isinstance(found, Value):
            return self.b.cast(found, dtype)
        if isinstance(found, Param):
            return self.b.weight(found)
        array = np.asarray(found)
        if array.dtype.kind not in "biuf":
            raise self.refused("x", found)
        self.call.check_fits(array.shape)
        return array.astype(dtype)

    def input(self, name: str = "x") -> Value:
        """Return an argument that is an input of the layer."""
        found = self.value(name)
        if not isinstance(found, Value):
            raise self.refused(name, found)
        return found

    def whole(self, name: str) -> list[int]:
        """Return an argument that is a whole number or several."""
        found = self.given[name]
        numbers = list(found) if isinstance(found, list | tuple) else [found]
        if any(isinstance(n, bool) or not isinstance(n, int | np.integer) for n in numbers):
            raise self.refused(name, found)
        return [int(n) for n in numbers]

    def axes(self, ndim: int, name: str = "axis") -> list[int]:
        """Return the axes of an argument, counted from the front; all for None."""
        if self.given[name] is None:
            return list(range(ndim))
        return [n % ndim for n in self.whole(name)]
