"""Handlers of operators with weights on the last axis: Dense, Embedding, normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array
from .constants import Spread, is_sizes
from .graph_reader import GraphReader, check_size, handler
from .views import Atom, Source, View, resolved, size


def constant(value: Any, what: str) -> Array:
    """Return an array of numbers; raise ValueError for what depends on the inputs."""
    if not isinstance(value, np.ndarray) or is_sizes(value):
        raise ValueError(f"{what}: expected a constant")
    return value


class _Product(Source):
    """A Dense layer, which takes the bias that is added to it, if nobody asks for it before."""

    def __init__(self, reader: GraphReader, x: Any, kernel: Array, axes: Any) -> None:
        super().__init__(self._call, axes)
        self.reader, self.x, self.kernel = reader, x, kernel
        self.bias: Array | None = None

    def _call(self) -> Any:
        weights = [self.kernel] if self.bias is None else [self.kernel, self.bias]
        units, biased = self.kernel.shape[1], self.bias is not None

        def make(**options: Any) -> Any:
            from ...layers import Dense

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
    return x.on(_Product(reader, tensor, kernel, (*axes[:-1], new)), (*x.axes[:-1], new), "f")


def with_bias(reader: GraphReader, name: str, x: View, other: Any) -> View | None:
    """Return a Dense layer's view with its bias; None if the sum is another."""
    source = x.source
    if not isinstance(source, _Product) or not isinstance(other, np.ndarray):
        return None
    own = resolved(x.axes[-1]) == resolved(source.axes[-1]) and other.ndim <= x.ndim
    fits = own and other.size == other.shape[-1] == source.kernel.shape[1] if other.ndim else False
    if not fits or source.bias is not None or source.is_made or reader.uses[name] != 1:
        return None
    source.bias = other.reshape(-1)
    return x


@handler("Gemm")
def gemm(reader: GraphReader, node: Any, x: Any, kernel: Any, bias: Any = None) -> list[Any]:
    """Read a Gemm as a Dense layer."""
    if reader.attribute(node, "transA", 0):
        raise ValueError("transA: expected 0")
    if not isinstance(x, View):
        raise ValueError("A: expected what depends on the inputs")
    kernel = constant(kernel, "B")
    if reader.attribute(node, "transB", 0):
        kernel = kernel.T
    made = dense(reader, x, kernel * kernel.dtype.type(reader.attribute(node, "alpha", 1.0)))
    if bias is None:
        return [made]
    if isinstance(bias, View):
        from .elementwise_handlers import combined

        if reader.attribute(node, "beta", 1.0) != 1:
            raise ValueError("beta: expected 1")
        return [combined(reader, "Add", made, bias)]
    bias = constant(bias, "C") * bias.dtype.type(reader.attribute(node, "beta", 1.0))
    units = kernel.shape[1]
    if bias.size not in (1, units) or (bias.ndim and bias.shape[-1] not in (1, units)):
        raise ValueError(f"C: expected a bias of {units} numbers, got {bias.shape}")
    assert isinstance(made.source, _Product)
    made.source.bias = np.ascontiguousarray(np.broadcast_to(bias.ravel(), (units,)))
    return [made]


@handler("MatMul")
def matmul(reader: GraphReader, node: Any, a: Any, b: Any) -> list[Any]:
    """Read a product with a matrix as a Dense layer, another as an op."""
    if isinstance(a, View) and isinstance(b, np.ndarray) and b.ndim == 2:
        return [dense(reader, a, b)]
    if not (isinstance(a, View) and isinstance(b, View)):
        raise ValueError("a product with a constant of other than two axes")
    if a.order is not b.order or min(a.ndim, b.ndim) < 3 or a.ndim != b.ndim:
        raise ValueError(f"a product of arrays {a.shape} and {b.shape}")
    (one, order, axes), (other, again, _) = reader.standard(a), reader.standard(b)
    whole = list(range(a.ndim))
    if a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"a product of arrays {a.shape} and {b.shape}")
    if reader.makes_layers and (order != whole or again != whole):
        raise ValueError("a product along the axis of the batch")
    check_size([*a.axes[1:-1], b.axes[-1]])
    made = reader.op("matmul", one, other)
    new = (Atom(b.shape[-1]),)
    source = Source(lambda: made, (*axes[:-1], new))
    return [a.on(source, (*a.axes[:-1], new))]


def embedding(reader: GraphReader, table: Any, index: View, axis: int) -> View:
    """Return a view of an Embedding layer: rows of a constant table."""
    table = constant(table, "the table")
    if axis != 0 or table.ndim != 2 or index.kind != "i":
        raise ValueError(f"rows of a constant {table.shape} along axis {axis} by {index.kind!r}")
    count, width = table.shape

    def make(**options: Any) -> Any:
        from ...layers import Embedding

        return Embedding(count, width, **options)

    made = reader.call(make, index.source.tensor, kind="embedding", weights=[table])
    new = (Atom(width),)
    source = Source(lambda: made, (*index.source.axes, new))
    return index.on(source, (*index.axes, new), "f")


@handler("LayerNormalization")
def layer_normalization(
    reader: GraphReader, node: Any, x: View, scale: Any, bias: Any = None
) -> list[Any]:
    """Read a LayerNormalization over the last axes."""
    if len([name for name in node.output if name]) > 1:
        raise ValueError("its mean and deviation are used")
    first = reader.attribute(node, "axis", -1) % x.ndim
    tensor, order, axes = reader.standard(x)
    places = [order.index(k) for k in range(first, x.ndim)]
    if reader.makes_layers and (0 in places or places != sorted(places)):
        raise ValueError("over the axis of the batch")
    shape = [size(x.axes[k]) for k in range(first, x.ndim)]
    weights = [_filling(constant(a, "Scale and B"), shape) for a in (scale, bias) if a is not None]
    epsilon, center = reader.attribute(node, "epsilon", 1e-5), bias is not None

    def make(**options: Any) -> Any:
        from ...layers import LayerNormalization

        axis = places if len(places) > 1 else places[0]
        return LayerNormalization(axis=axis, epsilon=float(epsilon), center=center, **options)

    made = reader.call(make, tensor, kind="layer_normalization", weights=weights)
    return [x.on(Source(lambda: made, axes), x.axes)]


def _filling(a: Array, shape: list[Any]) -> Array:
    if any(not isinstance(n, int) for n in shape):
        raise ValueError("over an axis whose size is not known")
    return np.ascontiguousarray(np.broadcast_to(a, shape))


@handler("BatchNormalization")
def batch_normalization(
    reader: GraphReader, node: Any, x: View, scale: Any, bias: Any, mean: Any, var: Any
) -> list[Any]:
    """Read a BatchNormalization of the features, which are axis 1."""
    outputs = [name for name in node.output if name]
    if len(outputs) > 1 or reader.attribute(node, "training_mode", 0):
        raise ValueError("its training mode")
    if reader.attribute(node, "spatial", 1) != 1 or x.ndim < 2:
        raise ValueError(f"of an array {x.shape}, spatial=0")
    if isinstance(mean, View):
        return [_normalized(reader, node, x, (scale, bias, mean, var))]
    reader.note_batch(x.axes[0])
    weights = [constant(a, "scale, B, mean and var") for a in (scale, bias, mean, var)]
    tensor = reader.materialized(x, _channels_last(x))
    epsilon = float(reader.attribute(node, "epsilon", 1e-5))
    momentum = float(reader.attribute(node, "momentum", 0.9))

    def make(**options: Any) -> Any:
        from ...layers import BatchNormalization

        return BatchNormalization(epsilon=epsilon, momentum=momentum, **options)

    made = reader.call(make, tensor, kind="batch_normalization", weights=weights)
    return [x.on(Source(lambda: made, _channels_last(x)), x.axes)]


def _normalized(reader: GraphReader, node: Any, x: View, given: tuple[Any, ...]) -> View:
    """Return a normalization by a mean and variance that were computed.

    TensorFlow writes LayerNormalization so, with rows and steps as channels.
    """
    from .elementwise_handlers import activation_by_op, combined

    def along_channels(a: Any) -> Any:
        if isinstance(a, View):
            return a.with_axes([(), a.axes[0], *[()] * (x.ndim - 2)])
        a = a.array if isinstance(a, Spread) else constant(a, "scale and B")
        return a.reshape(-1, *[1] * (x.ndim - 2))

    scale, bias, mean, var = (along_channels(a) for a in given)
    epsilon = np.array(reader.attribute(node, "epsilon", 1e-5), reader.dtype)
    deviation = activation_by_op(reader, combined(reader, "Add", var, epsilon), "sqrt")
    y = combined(reader, "Div", combined(reader, "Sub", x, mean), deviation)
    return combined(reader, "Add", combined(reader, "Mul", y, scale), bias)


def _channels_last(x: View) -> Any:
    return (x.axes[0], *x.axes[2:], x.axes[1])
