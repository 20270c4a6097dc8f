"""Dense and Embedding: layers with weights, on the last axis of an array."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....validation import Array
from .constants import is_sizes
from .graph_reader import GraphReader
from .views import Atom, Source, View, resolved


def constant(value: Any, what: str) -> Array:
    """Return an array of numbers; raise ValueError for what depends on the inputs."""
    if not isinstance(value, np.ndarray) or is_sizes(value):
        raise ValueError(f"{what}: expected a constant")
    return value


class Product(Source):
    """A Dense layer, which takes the bias that is added to it, if nobody asks for it before."""

    def __init__(self, reader: GraphReader, x: Any, kernel: Array, axes: Any) -> None:
        super().__init__(self._call, axes)
        self.reader, self.x, self.kernel = reader, x, kernel
        self.bias: Array | None = None

    def _call(self) -> Any:
        weights = [self.kernel] if self.bias is None else [self.kernel, self.bias]
        units, biased = self.kernel.shape[1], self.bias is not None

        def make(**options: Any) -> Any:
            from ....layers import Dense

            return Dense(units, use_bias=biased, **options)

        return self.reader.call(make, self.x, kind="dense", weights=weights)


def dense(reader: GraphReader, x: View, kernel: Array) -> View:
    """Return a view of a Dense layer on the last axis."""
    if kernel.ndim != 2 or x.shape[-1] != kernel.shape[0]:
        raise ValueError(f"expected a matrix for an array {x.shape}, got {kernel.shape}")
    last, others = resolved(x.axes[-1]), [resolved(axis) for axis in x.source.axes]
    if others[-1] == last and len(others) > 1:
        tensor, axes = x.source.tensor, others
    else:
        atoms = [a for axis in others[1:] for a in axis if a not in last]
        axes = [others[0], *((a,) for a in atoms), last]
        tensor = reader.materialized(x, axes)
    new = (Atom(kernel.shape[1]),)
    return x.on(Product(reader, tensor, kernel, (*axes[:-1], new)), (*x.axes[:-1], new), "f")


def with_bias(reader: GraphReader, name: str, x: View, other: Any) -> View | None:
    """Return a Dense layer's view with its bias; None if the sum is another."""
    source = x.source
    if not isinstance(source, Product) or not isinstance(other, np.ndarray):
        return None
    own = resolved(x.axes[-1]) == resolved(source.axes[-1]) and other.ndim <= x.ndim
    fits = own and other.size == other.shape[-1] == source.kernel.shape[1] if other.ndim else False
    if not fits or source.bias is not None or source.is_made or reader.uses[name] != 1:
        return None
    source.bias = other.reshape(-1)
    return x


def embedding(reader: GraphReader, table: Any, index: View, axis: int) -> View:
    """Return a view of an Embedding layer: rows of a constant table."""
    table = constant(table, "the table")
    if axis != 0 or table.ndim != 2 or index.kind not in "it":
        raise ValueError(f"rows of a constant {table.shape} along axis {axis} by {index.kind!r}")
    count, width = table.shape
    origins = [atom.origin for a in index.source.axes for atom in a if atom.origin]
    reader.learned.embedded.update(name for name, _ in origins)

    def make(**options: Any) -> Any:
        from ....layers import Embedding

        return Embedding(count, width, **options)

    made = reader.call(make, index.source.tensor, kind="embedding", weights=[table])
    new = (Atom(width),)
    source = Source(lambda: made, (*index.source.axes, new))
    return index.on(source, (*index.axes, new), "f")
