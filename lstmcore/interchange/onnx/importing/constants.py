"""Values of a graph that do not depend on its inputs' numbers: folded before anything is matched.

Shapes are arrays of ints and `Dim`; what is expanded to a shape that is not known is a `Spread`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....validation import Array
from .dims import Dim

_LARGEST = 1 << 16  # numbers that folding may make of fewer


class Spread:
    """A constant that is the same all along some axes, of any size.

    Parameters
    ----------
    array : ndarray
        With an axis for each of `shape`, of its size or 1.
    shape : tuple of int or Dim
    """

    def __init__(self, array: Array, shape: Sequence[Any]) -> None:
        self.array, self.shape = array, tuple(shape)

    @classmethod
    def of(cls, array: Array, shape: Sequence[Any]) -> Spread:
        """Return an array expanded to a shape of at least as many axes."""
        array = array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
        sizes = [n if m == 1 else m for m, n in zip(array.shape, shape, strict=True)]
        return cls(array, sizes)

    @property
    def is_zero(self) -> bool:
        """True if all numbers are 0."""
        return not self.array.any()

    @property
    def uniform(self) -> bool:
        """True if all numbers are the same."""
        return self.array.size == 1

    def transposed(self, order: Sequence[int]) -> Spread:
        """Return it with its axes in another order."""
        return Spread(self.array.transpose(order), [self.shape[k] for k in order])

    def without(self, axes: Sequence[int]) -> Spread:
        """Return it without axes of size 1."""
        kept = [k for k in range(len(self.shape)) if k not in axes]
        array = self.array.reshape([self.array.shape[k] for k in kept])
        return Spread(array, [self.shape[k] for k in kept])

    def with_ones(self, axes: Sequence[int]) -> Spread:
        """Return it with new axes of size 1 at these places of the result."""
        shape, sizes = list(self.shape), list(self.array.shape)
        for k in sorted(axes):
            shape.insert(k, 1)
            sizes.insert(k, 1)
        return Spread(self.array.reshape(sizes), shape)

    def sliced(self, axis: int, part: slice) -> Spread:
        """Return a slice of one axis.

        Raises
        ------
        ValueError
            If the size of the axis is not known and the slice is not of all of it.
        """
        n, shape = self.shape[axis], list(self.shape)
        if isinstance(n, Dim):
            if part != slice(None):
                raise ValueError("a slice of an axis whose size is not known")
            return self
        shape[axis] = len(range(n)[part])
        index = [slice(None)] * len(shape)
        if self.array.shape[axis] != 1:
            index[axis] = part
        return Spread(self.array[tuple(index)], shape)


def is_sizes(value: Any) -> bool:
    """Return True for an array of sizes, some of which are not known."""
    return isinstance(value, np.ndarray) and value.dtype == object


def sizes(values: Any) -> Array:
    """Return an array of int64, or of objects if some size is not known."""
    array = np.asarray(values, dtype=object)
    if any(isinstance(n, Dim) for n in array.ravel()):
        return array
    return array.astype(np.int64)


def folded(node: Any, version: int, given: Sequence[Any]) -> list[Any]:
    """Return the outputs of a node for constant inputs, by the reference evaluator.

    Raises
    ------
    ValueError
        If the node cannot compute them, or would make a large array of small ones.
    """
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    from ..operators import new_operators

    _check_growth(node, given)
    names = [name for name in node.input if name]
    inputs = [helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(names)]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = helper.make_graph([node], "node", inputs, outputs)
    opsets = [helper.make_opsetid("", version)]
    feeds = {name: a for name, a in zip(node.input, given, strict=False) if name}
    try:
        evaluator = ReferenceEvaluator(
            helper.make_model(graph, opset_imports=opsets), new_ops=new_operators(version)
        )
        with np.errstate(all="ignore"):
            found = iter(evaluator.run(None, feeds))
    except Exception as error:  # whatever the evaluator raises is about the node
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"of constants that it cannot take: {reason}") from error
    return [np.asarray(next(found)) if name else None for name in node.output]


def _check_growth(node: Any, given: Sequence[Any]) -> None:
    """Raise ValueError if the result may be much larger than the inputs."""
    arrays = [np.asarray(a) for a in given if a is not None]
    known = sum(a.size for a in arrays)
    shapes = [a.shape for a in arrays]
    kind = node.op_type
    if kind in ("Tile", "Range", "OneHot", "EyeLike", "Resize", "Upsample", "Pad", "Trilu"):
        numbers = [abs(float(n)) for a in arrays if a.size < 32 for n in a.ravel() if n == n]
        grown = known * math.prod(max(n, 1) for n in numbers)
    elif kind in ("MatMul", "Gemm") and all(shapes):
        grown = math.prod(n for shape in shapes[:2] for n in (shape[0], shape[-1]))
    elif kind in ("Gather", "GatherElements", "GatherND") and len(arrays) > 1:
        grown = arrays[1].size * max(math.prod(shapes[0][1:]), 1)
    else:
        try:
            grown = math.prod(np.broadcast_shapes(*shapes))
        except ValueError:
            grown = known
    if grown > max(_LARGEST, 4 * known):
        raise ValueError("it would make a large array of a small one")
