"""Handlers of types and sizes: Cast, Shape, what is repeated, and arithmetic of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .constants import Spread, is_sizes, sizes
from .dims import Dim
from .graph_reader import GraphReader, handler
from .plan import check_size
from .views import Atom, Source, View


@handler("Identity", "Dropout")
def identity(reader: GraphReader, node: Any, x: Any, *others: Any) -> list[Any]:
    """Return the input; Dropout has an effect in training alone."""
    if node.op_type == "Dropout":
        training = others[1] if len(others) > 1 else None
        if training is not None and (not isinstance(training, np.ndarray) or training.any()):
            raise ValueError("training_mode: expected False")
        if len([name for name in node.output if name]) > 1 and reader.uses[node.output[1]]:
            raise ValueError("its mask is used")
    return [x]


@handler("Cast")
def cast(reader: GraphReader, node: Any, x: Any) -> list[Any]:
    """Return the input as it is where the type of numbers does not matter to layers."""
    from onnx.helper import tensor_dtype_to_np_dtype

    wanted = np.dtype(tensor_dtype_to_np_dtype(reader.attribute(node, "to")))
    if not isinstance(x, View | Spread):  # sizes, or the order of rows
        if wanted.kind != "i":
            raise ValueError("a size that is not known as a real number")
        return [x]
    if isinstance(x, Spread):
        return [Spread(x.array.astype(wanted), x.shape)]
    if wanted.kind == "f" and wanted != reader.dtype:
        raise ValueError(f"to: expected the graph's {reader.dtype}, got {wanted}")
    letter = {"f": "f", "b": "b"}.get(wanted.kind, "i")
    if letter == x.kind or (letter in "if" and x.kind == "t"):
        return [x]
    if x.kind == "f" and letter == "i" and _is_input(x):
        return [View(x.source, x.axes, "t", x.order)]  # numbers of tokens: whole ones are asked for
    if letter != "f":
        raise ValueError(f"a cast of numbers of kind {x.kind!r} to {wanted}")
    tensor, order, axes = reader.standard(x)
    made = reader.op("cast", tensor, reader.dtype)
    return [back(x, Source(lambda: made, axes), order, "f")]


def _is_input(x: View) -> bool:
    return all(atom.origin is not None for axis in x.source.axes for atom in axis)


def back(x: View, source: Source, order: Sequence[int], kind: str = "") -> View:
    """Return the view of an output in the standard form of `x`."""
    axes: list[Any] = [()] * len(order)
    for place, k in enumerate(order):
        axes[k] = source.axes[place]
    return x.on(source, axes, kind)


@handler("Shape")
def shape(reader: GraphReader, node: Any, x: Any) -> list[Any]:
    """Return the sizes of the axes, as far as they are known."""
    found = list(x.shape)
    part = slice(reader.attribute(node, "start", 0), reader.attribute(node, "end"))
    return [sizes(found[part])]


@handler("Size")
def number_of_elements(reader: GraphReader, node: Any, x: Any) -> list[Any]:
    """Return the product of the sizes."""
    product: Any = 1
    for n in x.shape:
        product = product * n
    return [sizes(product)]


@handler("ConstantOfShape")
def constant_of_shape(reader: GraphReader, node: Any, wanted: Any) -> list[Any]:
    """Return a number repeated, without taking memory for it."""
    from onnx import numpy_helper

    tensor = reader.attribute(node, "value")
    number = np.zeros(1, np.float32) if tensor is None else numpy_helper.to_array(tensor)
    if not isinstance(wanted, np.ndarray) or wanted.ndim != 1 or number.size != 1:
        raise ValueError("expected one number, and a shape")
    return [spread(number.reshape(()), list(wanted))]


@handler("Expand")
def expand(reader: GraphReader, node: Any, x: Any, wanted: Any) -> list[Any]:
    """Return a constant repeated to a shape, without taking memory for it."""
    if isinstance(x, View):
        shape = [1] * (x.ndim - len(wanted)) + list(wanted)
        if len(shape) != x.ndim:
            raise ValueError(f"repeats an array {x.shape} to {shape}")
        pairs = zip(shape, x.shape, strict=True)
        return [_repeated(reader, x, [1 if n == m else n for n, m in pairs])]
    if isinstance(x, Spread):
        if not x.uniform:
            raise ValueError("repeats what was repeated")
        x = x.array.reshape(())
    target, own = list(wanted), [1] * (len(wanted) - x.ndim) + list(x.shape)
    own = own[-max(len(target), x.ndim) :]
    target = [1] * (x.ndim - len(target)) + target
    if any(m not in (1, n) and not (n == 1) for m, n in zip(own, target, strict=True)):
        raise ValueError(f"expected a shape that {x.shape} goes into, got {target}")
    return [spread(x, [m if m != 1 else n for m, n in zip(own, target, strict=True)])]


@handler("Tile")
def tile(reader: GraphReader, node: Any, x: View, repeats: Any) -> list[Any]:
    """Repeat an array along axes of size 1."""
    if not isinstance(x, View) or not isinstance(repeats, np.ndarray):
        raise ValueError("repeats what is not known")
    return [_repeated(reader, x, list(repeats))]


def _repeated(reader: GraphReader, x: View, counts: list[Any]) -> View:
    """Return a view that is repeated along one axis of size 1."""
    at = [k for k, n in enumerate(counts) if not (not isinstance(n, Dim) and n == 1)]
    if not at:
        return x
    if len(at) > 1 or x.shape[at[0]] != 1 or isinstance(counts[at[0]], Dim):
        raise ValueError(f"repeats an array {x.shape} by {counts}")
    (axis,), count = at, int(counts[at[0]])
    rest = [a for k, a in enumerate(x.axes) if k != axis]
    check_size([*rest, (Atom(count),)])
    tensor, order, axes = reader.standard(x.with_axes(rest))
    if len(axes) != 2 or order != [0, 1]:
        raise ValueError(f"repeats an array {x.shape} by {counts}")

    def make(**options: Any) -> Any:
        from ....layers import RepeatVector

        return RepeatVector(count, **options)

    made = reader.call(make, tensor, kind="repeat_vector")
    new = (Atom(count),)
    source = Source(lambda: made, (axes[0], new, axes[1]))
    return x.on(source, [*rest[:axis], new, *rest[axis:]])


def spread(array: Any, shape: Sequence[Any]) -> Any:
    known = all(not isinstance(n, Dim) for n in shape)
    if known and int(np.prod([int(n) for n in shape], dtype=float)) <= max(64, 4 * array.size):
        return np.ascontiguousarray(np.broadcast_to(array, [int(n) for n in shape]))
    return Spread.of(np.asarray(array), shape)


# -- arithmetic of sizes ---------------------------------------------------------------------------


def sizes_by(name: str, a: Any, b: Any) -> Any:
    """Return the sum, difference, product or quotient of sizes."""
    a, b = np.asarray(a, object), np.asarray(b, object)
    if name == "Div":
        return sizes(a // b)
    return sizes(a + b if name == "Add" else a - b if name == "Sub" else a * b)


@handler("ReduceProd")
def product_of_sizes(reader: GraphReader, node: Any, x: Any, axes: Any = None) -> list[Any]:
    """Return the product of sizes."""
    if not is_sizes(x) or x.ndim != 1:
        raise ValueError("a product of what depends on the inputs")
    product: Any = 1
    for n in x:
        product = product * n
    return [sizes([product] if reader.attribute(node, "keepdims", 1) else product)]


@handler("If")
def inlined(reader: GraphReader, node: Any, condition: Any) -> list[Any]:
    """Read the branch that a constant condition chooses in place of the node."""
    if not isinstance(condition, np.ndarray) or is_sizes(condition) or condition.size != 1:
        raise ValueError("its condition depends on the inputs")
    branch = "then_branch" if condition.ravel()[0] else "else_branch"
    graph = reader.attribute(node, branch)
    from onnx import numpy_helper

    kept = dict(reader.values)
    for tensor in graph.initializer:
        reader.values[tensor.name] = numpy_helper.to_array(tensor)
    reader.run(graph.node, {value.name for value in graph.output})
    found = [reader.values[value.name] for value in graph.output]
    reader.values = kept
    return found
