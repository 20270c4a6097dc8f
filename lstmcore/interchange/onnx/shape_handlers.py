"""Handlers of operators that compute no numbers: shapes, axes, slices, joins, types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .constants import Spread, is_sizes, sizes
from .dims import Dim
from .graph_reader import GraphReader, check_size, handler
from .views import Atom, Source, View, reshaped, resolved, size

_ENDS = 2**31 - 2  # slices "to the end" have numbers from here on


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
    if letter == x.kind:
        return [x]
    if x.kind == "f" and letter == "i" and _is_input(x):
        return [View(x.source, x.axes, "i", x.order)]  # of token numbers: whole ones are asked for
    if letter != "f":
        raise ValueError(f"a cast of numbers of kind {x.kind!r} to {wanted}")
    tensor, order, axes = reader.standard(x)
    made = reader.op("cast", tensor, reader.dtype)
    return [_back(x, Source(lambda: made, axes), order, "f")]


def _is_input(x: View) -> bool:
    return all(atom.origin is not None for axis in x.source.axes for atom in axis)


def _back(x: View, source: Source, order: Sequence[int], kind: str = "") -> View:
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
    return [_spread(number.reshape(()), list(wanted))]


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
    return [_spread(x, [m if m != 1 else n for m, n in zip(own, target, strict=True)])]


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
        from ...layers import RepeatVector

        return RepeatVector(count, **options)

    made = reader.call(make, tensor, kind="repeat_vector")
    new = (Atom(count),)
    source = Source(lambda: made, (axes[0], new, axes[1]))
    return x.on(source, [*rest[:axis], new, *rest[axis:]])


def _spread(array: Any, shape: Sequence[Any]) -> Any:
    known = all(not isinstance(n, Dim) for n in shape)
    if known and int(np.prod([int(n) for n in shape], dtype=float)) <= max(64, 4 * array.size):
        return np.ascontiguousarray(np.broadcast_to(array, [int(n) for n in shape]))
    return Spread.of(np.asarray(array), shape)


# -- axes ------------------------------------------------------------------------------------------


@handler("Transpose")
def transpose(reader: GraphReader, node: Any, x: Any) -> list[Any]:
    """Permute the axes."""
    count = len(x.shape)
    order = reader.attribute(node, "perm") or list(range(count))[::-1]
    if sorted(order) != list(range(count)):
        raise ValueError(f"perm: expected the axes of an array {x.shape}, got {list(order)}")
    if isinstance(x, View):
        return [x.with_axes([x.axes[k] for k in order])]
    return [x.transposed(order) if isinstance(x, Spread) else x.transpose(order)]


def _axes(reader: GraphReader, node: Any, given: Any, count: int) -> list[int] | None:
    """Return the axes of Squeeze and Unsqueeze, an attribute before opset 13."""
    axes = reader.attribute(node, "axes") if given is None else given
    if axes is None:
        return None
    found = [int(k) for k in np.ravel(axes)]
    if any(not -count <= k < count for k in found) or len({k % count for k in found}) < len(found):
        raise ValueError(f"axes: expected different axes among {count}, got {found}")
    return sorted(k % count for k in found)


@handler("Squeeze")
def squeeze(reader: GraphReader, node: Any, x: Any, given: Any = None) -> list[Any]:
    """Drop axes of size 1."""
    count = len(x.shape)
    axes = _axes(reader, node, given, count)
    if axes is None:
        if any(isinstance(n, Dim) for n in x.shape):
            raise ValueError("without axes, and some sizes are not known")
        axes = [k for k, n in enumerate(x.shape) if n == 1]
    if any(x.shape[k] != 1 for k in axes):
        raise ValueError(f"expected axes of size 1, got {axes} of an array {x.shape}")
    if not isinstance(x, View):
        return [x.without(axes) if isinstance(x, Spread) else x.squeeze(tuple(axes))]
    if any(reader.is_batch(x, x.axes[k]) for k in axes):
        raise ValueError("drops the axis of the batch")
    return [x.with_axes([axis for k, axis in enumerate(x.axes) if k not in axes])]


@handler("Unsqueeze")
def unsqueeze(reader: GraphReader, node: Any, x: Any, given: Any = None) -> list[Any]:
    """Add axes of size 1."""
    raw = reader.attribute(node, "axes") if given is None else given
    axes = _axes(reader, node, given, len(x.shape) + len(np.ravel(raw)))
    if not isinstance(x, View):
        if isinstance(x, Spread):
            return [x.with_ones(axes or [])]
        return [np.expand_dims(x, tuple(axes or []))]
    found = list(x.axes)
    for k in axes or []:
        found.insert(k, ())
    return [x.with_axes(found)]


@handler("Reshape")
def reshape(reader: GraphReader, node: Any, x: Any, given: Any = None) -> list[Any]:
    """Give an array another shape: another view where the sizes allow it, else by a layer."""
    given = reader.attribute(node, "shape") if given is None else given
    if not isinstance(given, np.ndarray | list | tuple):
        raise ValueError("its shape depends on the inputs")
    wanted = list(given)
    if reader.attribute(node, "allowzero", 0) and any(n == 0 for n in wanted):
        raise ValueError("allowzero: an axis without elements")
    wanted = [
        x.shape[k] if isinstance(n, int | np.integer) and n == 0 else n
        for k, n in enumerate(wanted)
    ]
    wanted = [n if isinstance(n, Dim) else int(n) for n in wanted]
    try:
        wanted = _inferred(x.shape, wanted)
        if isinstance(x, View):
            return [_viewed(reader, x, wanted)]
    except ValueError:
        reader.pin(x.shape, wanted, _fits)
        raise
    if isinstance(x, Spread):
        if not x.uniform:
            raise ValueError("another shape of what was repeated")
        return [_spread(x.array.reshape(()), wanted)]
    return [x.reshape([int(n) for n in wanted])]


def _fits(shape: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Return True if an array of this shape can have the other one."""
    try:
        reshaped([(Atom(n),) for n in shape], _inferred(shape, list(wanted)))
    except ValueError:
        return False
    return True


def _inferred(shape: Sequence[Any], wanted: list[Any]) -> list[Any]:
    """Return a shape with the size for -1."""
    from .dims import divide

    at = [k for k, n in enumerate(wanted) if isinstance(n, int) and n == -1]
    if not at:
        return wanted
    whole: Any = 1
    for n in shape:
        whole = whole * n
    rest: Any = 1
    for k, n in enumerate(wanted):
        if k != at[0]:
            rest = rest * n
    part = divide(whole, rest)
    if part is None or len(at) > 1:
        raise ValueError(f"shape: expected one that {tuple(shape)} goes into, got {wanted}")
    return [part if k == at[0] else n for k, n in enumerate(wanted)]


def _viewed(reader: GraphReader, x: View, wanted: list[Any]) -> View:
    """Return another view; where the sizes do not line up, that of a Reshape layer."""
    try:
        return x.with_axes(reshaped(x.axes, wanted))
    except ValueError:
        first = resolved(x.axes[0])
        if (reader.makes_layers and not reader.is_batch(x, first)) or wanted[0] != size(first):
            raise
    from .arranging import _reshape

    tensor, _, _ = reader.standard(x)
    axes = (first, *((Atom(n),) for n in wanted[1:]))
    if sum(isinstance(n, Dim) for n in wanted[1:]) > 1:
        raise ValueError("another shape with several sizes that are not known")
    target = [-1 if isinstance(n, Dim) else n for n in wanted[1:]]
    made = reader.call(_reshape(target), tensor, kind="reshape")
    return x.on(Source(lambda: made, axes), axes)


@handler("Flatten")
def flatten(reader: GraphReader, node: Any, x: Any) -> list[Any]:
    """Make one axis of those before `axis`, and one of the others."""
    at = reader.attribute(node, "axis", 1) % max(len(x.shape), 1)
    found: list[Any] = [1, 1]
    for k, n in enumerate(x.shape):
        found[k >= at] = found[k >= at] * n
    if not isinstance(x, View):
        return [x.reshape(found)]
    return [_viewed(reader, x, found)]


# -- parts -----------------------------------------------------------------------------------------


def part_of(reader: GraphReader, x: View, axis: int, key: Any) -> View:
    """Return an index or a slice of one axis of a view, by GetItem."""
    whole = resolved(x.axes[axis])
    if reader.is_batch(x, whole):
        raise ValueError("takes some rows of the batch")
    n = size(whole)
    if isinstance(key, slice) and _is_one_place(key, n):  # one place, and the axis stays
        found = part_of(reader, x, axis, key.start or 0)
        return found.with_axes([*found.axes[:axis], (), *found.axes[axis:]])
    taken = getattr(x.source, "part_of_axis", lambda axis, key: None)(whole, key)
    rest = [a for k, a in enumerate(x.axes) if k != axis]
    if taken is not None:  # the last step of a recurrent layer is its state
        return x.on(taken, rest)
    others = [resolved(a) for a in x.source.axes]
    if whole in others:  # an axis of the output as it is
        place, axes = others.index(whole), others
        tensor = x.source.tensor
    else:
        tensor, order, ordered = reader.standard(x)
        place, axes = order.index(axis), list(ordered)
    made = None
    if reader.makes_layers:
        made = reader.item(tensor, (*[slice(None)] * place, key))
    if not isinstance(key, slice):
        source = Source(lambda: made, tuple(a for k, a in enumerate(axes) if k != place))
        return x.on(source, rest)
    new = (Atom(_size_of_slice(reader, size(whole), key)),)
    source = Source(lambda: made, tuple(new if k == place else a for k, a in enumerate(axes)))
    return x.on(source, [new if k == axis else a for k, a in enumerate(x.axes)])


def _is_one_place(key: slice, n: Any) -> bool:
    if key.step is not None:
        return False
    if key.start == -1 and key.stop is None:
        return True
    if key.start in (None, 0) and key.stop == 1:
        return not (isinstance(n, int) and n == 1)
    return not isinstance(n, Dim) and n > 1 and len(range(n)[key]) == 1


def _size_of_slice(reader: GraphReader, n: Any, key: slice) -> Any:
    if not isinstance(n, Dim):
        return len(range(n)[key])
    if key.step in (None, -1) and key.start is None and key.stop is None:
        return n
    cut = (key.start or 0) - (key.stop or 0)
    if key.step is None and (key.start or 0) >= 0 and (key.stop or 0) <= 0:
        return n - cut
    if key.step is None and key.stop is None:  # the last steps
        return -key.start
    return reader.free_size("slice")


@handler("Slice")
def slice_(
    reader: GraphReader,
    node: Any,
    x: Any,
    starts: Any = None,
    ends: Any = None,
    axes: Any = None,
    steps: Any = None,
) -> list[Any]:
    """Return a part of some axes."""
    if starts is None:
        starts, ends = reader.attribute(node, "starts"), reader.attribute(node, "ends")
        axes = reader.attribute(node, "axes")
    count = len(starts)
    axes = list(range(count)) if axes is None else [int(k) % len(x.shape) for k in axes]
    steps = [1] * count if steps is None else [int(n) for n in steps]
    for k, start, end, step in zip(axes, starts, ends, steps, strict=True):
        key = _key(start, end, step, x.shape[k])
        if key == slice(None):
            continue
        if isinstance(x, View):
            x = part_of(reader, x, k, key)
        elif isinstance(x, Spread):
            x = x.sliced(k, key)
        else:
            x = x[(*[slice(None)] * k, key)]
    return [sizes(x) if is_sizes(x) else x]


def _key(start: Any, end: Any, step: int, n: Any) -> slice:
    """Return a slice, its ends None where they are those of the axis."""
    if isinstance(start, Dim) and (start == n or not isinstance(n, Dim)):
        raise ValueError(f"starts: expected a known number, got {start}")
    at_end = end == n or (not isinstance(end, Dim) and end > _ENDS)
    if not at_end and not isinstance(n, Dim) and not isinstance(end, Dim) and step > 0:
        at_end = end >= n
    offset = end - n if isinstance(end, Dim) and not at_end else None
    if isinstance(start, Dim):
        start = start - n
    if isinstance(start, Dim) or isinstance(offset, Dim):
        raise ValueError(f"starts and ends: expected known numbers, got {start} and {end}")
    begin = int(start)
    if step < 0:
        first = begin == -1 or begin > _ENDS or (not isinstance(n, Dim) and begin >= n - 1)
        last = None if end < -_ENDS else int(end)
        return slice(None if first else begin, last, step)
    if not isinstance(n, Dim) and begin < 0:
        begin = max(begin + n, 0)
    stop = None if at_end else int(end if offset is None else offset)
    return slice(begin or None, stop, None if step == 1 else step)


@handler("Gather")
def gather(reader: GraphReader, node: Any, x: Any, index: Any) -> list[Any]:
    """Return one place of an axis, rows of a table, or rows in the order of their lengths."""
    axis = reader.attribute(node, "axis", 0) % max(len(x.shape), 1)
    if isinstance(index, View):
        from .layer_handlers import embedding

        return [embedding(reader, x, index, axis)]
    if not isinstance(index, np.ndarray):
        from .packed_handlers import sorted_rows

        return [sorted_rows(reader, x, index, axis)]
    if is_sizes(x):
        return [sizes(x.take(index.astype(np.int64), axis))]
    if isinstance(x, Spread):
        if index.size != 1 or isinstance(x.shape[axis], Dim):
            raise ValueError("places of what was repeated")
        at = int(index.ravel()[0]) % x.shape[axis]
        part = x.sliced(axis, slice(at, at + 1))
        return [part if index.ndim else part.without([axis])]
    if not isinstance(x, View) or is_sizes(index):
        raise ValueError("an index that is not known")
    if index.size != 1:
        return [_several_places(reader, x, axis, index)]
    at = int(index.ravel()[0])
    _check_place(x.shape[axis], at)
    found = part_of(reader, x, axis, at)
    if index.ndim:
        axes = list(found.axes)
        axes[axis:axis] = [()] * index.ndim
        found = found.with_axes(axes)
    return [found]


def _check_place(n: Any, at: int) -> None:
    if not isinstance(n, Dim) and not -n <= at < n:
        raise ValueError(f"index: expected a place in an axis of size {n}, got {at}")


def _several_places(reader: GraphReader, x: View, axis: int, index: Any) -> View:
    if index.ndim != 1 or reader.is_batch(x, x.axes[axis]):
        raise ValueError("an index of several axes, or of the batch")
    for at in index:
        _check_place(x.shape[axis], int(at))
    tensor, order, axes = reader.standard(x)
    place = order.index(axis)
    made = reader.op("take", tensor, index.astype(np.int64), axis=place)
    new = (Atom(len(index)),)
    source = Source(lambda: made, tuple(new if k == place else a for k, a in enumerate(axes)))
    return _back(x, source, order)


@handler("Split")
def split(reader: GraphReader, node: Any, x: Any, parts: Any = None) -> list[Any]:
    """Return the parts of an axis."""
    axis = reader.attribute(node, "axis", 0) % max(len(x.shape), 1)
    n, parts = x.shape[axis], reader.attribute(node, "split") if parts is None else parts
    count = len(node.output)
    if isinstance(n, Dim) or not isinstance(x, View):
        raise ValueError(f"parts of an axis of size {n}")
    if parts is None:
        width = -(-n // count)
        parts = [width] * (count - 1) + [n - width * (count - 1)]
    parts = [int(part) for part in parts]
    if sum(parts) != n or min(parts) < 1 or len(parts) != count:
        raise ValueError(f"split: expected {count} parts that sum up to {n}, got {parts}")
    ends = np.cumsum(parts).tolist()
    found = []
    for name, start, end in zip(node.output, [0, *ends], ends, strict=False):
        used = bool(name) and reader.uses[name] > 0
        found.append(part_of(reader, x, axis, slice(start, end)) if used else None)
    return found


@handler("Concat")
def concat(reader: GraphReader, node: Any, *parts: Any) -> list[Any]:
    """Join arrays along an axis."""
    count = len(parts[0].shape)
    axis = reader.attribute(node, "axis") % max(count, 1)
    if all(isinstance(part, np.ndarray) for part in parts):
        return [sizes(np.concatenate([np.asarray(p, object) for p in parts], axis))]
    if any(isinstance(part, Spread) for part in parts):
        return [_joined(parts, axis)]
    if any(not isinstance(part, View) for part in parts):
        raise ValueError("joins constants with what depends on the inputs")
    first = parts[0]
    if any(reader.is_batch(part, part.axes[axis]) for part in parts):
        raise ValueError("joins rows of the batch")
    if any(part.order is not first.order or part.ndim != count for part in parts):
        raise ValueError("joins rows of different orders")
    made = [reader.standard(part) for part in parts]
    _, order, axes = made[0]
    for part in parts:
        agree = (
            a == b
            for k, (a, b) in enumerate(zip(part.shape, first.shape, strict=True))
            if k != axis
        )
        if reader.makes_layers and not all(agree):
            raise ValueError(f"expected arrays of like shapes, got {first.shape}, {part.shape}")
    if reader.makes_layers and any(entry[1] != order for entry in made):
        raise ValueError("joins arrays that have the batch elsewhere")
    place = order.index(axis)
    total: Any = 0
    for part in parts:
        total = total + part.shape[axis]
    tensor = made[0][0]
    if len(parts) > 1 and reader.makes_layers:
        tensor = reader.call(_concatenate(place), *(entry[0] for entry in made), kind="concatenate")
    new = (Atom(total),)
    source = Source(lambda: tensor, tuple(new if k == place else a for k, a in enumerate(axes)))
    return [_back(first, source, order)]


def _joined(parts: Sequence[Any], axis: int) -> Spread:
    """Return constants joined along an axis, of which some are repeated."""
    spreads = [
        part if isinstance(part, Spread) else Spread(part, part.shape)
        for part in parts
        if isinstance(part, Spread | np.ndarray)
    ]
    if len(spreads) < len(parts) or any(isinstance(part.shape[axis], Dim) for part in spreads):
        raise ValueError("joins constants with what depends on the inputs")
    arrays = []
    for part in spreads:
        shape = list(part.array.shape)
        shape[axis] = part.shape[axis]
        arrays.append(np.broadcast_to(part.array, shape))
    shape = list(spreads[0].shape)
    shape[axis] = sum(part.shape[axis] for part in spreads)
    return Spread(np.concatenate(arrays, axis), shape)


@handler("ReverseSequence")
def reverse_sequence(reader: GraphReader, node: Any, x: View, lengths: Any) -> list[Any]:
    """Read the reversal of whole sequences."""
    time = reader.attribute(node, "time_axis", 0)
    number = lengths.array.ravel()[0] if isinstance(lengths, Spread) and lengths.uniform else None
    if not isinstance(x, View) or number is None or number != x.shape[time]:
        raise ValueError("reverses parts of sequences")
    return [part_of(reader, x, time, slice(None, None, -1))]


def _concatenate(axis: int) -> Any:
    def make(**options: Any) -> Any:
        from ...layers import Concatenate

        return Concatenate(axis=axis, **options)

    return make


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
