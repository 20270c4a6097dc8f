"""Handlers of parts of axes, and of joins: Slice, Gather, Split, Concat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .constants import Spread, is_sizes, sizes
from .dense import embedding
from .dims import Dim
from .graph_reader import GraphReader, handler
from .packed import sorted_rows
from .plan import same_size
from .shapes import back
from .views import Atom, Source, View, resolved, size

_ENDS = 2**31 - 2  # slices "to the end" have numbers from here on


class _Part(Source):
    """One place of an axis of a view, which knows where it was."""

    def __init__(self, make: Any, axes: Any, view: View, axis: int, key: int) -> None:
        super().__init__(make, axes)
        self.view, self.axis, self.key = view, axis, key

    def part_of_axis(self, axis: Any, key: Any) -> Source | None:
        """Return the state for the last step of a direction; else None."""
        end_of = getattr(self.view.source, "end_of", None)
        found: Source | None = None if end_of is None else end_of(self, axis, key)
        return found


def _rejoined(parts: Sequence[Any], axis: int) -> View | None:
    """Return the view whose places these parts are, all of them in order; None if they are not.

    Converters split the directions of a node and join them on the axis of units, where they lie
    in the layer's output.
    """
    first = parts[0].source
    if not isinstance(first, _Part) or len(parts) != first.view.shape[first.axis]:
        return None
    rest = [a for k, a in enumerate(first.view.axes) if k != first.axis]
    for k, part in enumerate(parts):
        own = part.source
        same = isinstance(own, _Part) and own.view is first.view and own.axis == first.axis
        if not same or own.key % len(parts) != k or list(part.axes) != rest:
            return None
    both = (*first.view.axes[first.axis], *rest[axis])
    return first.view.with_axes([both if k == axis else a for k, a in enumerate(rest)])


def part_of(reader: GraphReader, x: View, axis: int, key: Any) -> View:
    """Return an index or a slice of one axis of a view, by GetItem."""
    whole = resolved(x.axes[axis])
    if reader.is_batch(x, whole):
        raise ValueError("takes some rows of the batch")
    n, rest = size(whole), [a for k, a in enumerate(x.axes) if k != axis]
    if isinstance(n, int) and n == 1 and not isinstance(key, slice):
        return x.with_axes(rest)
    if isinstance(key, slice) and _is_one_place(key, n):  # one place, and the axis stays
        found = part_of(reader, x, axis, key.start or 0)
        return found.with_axes([*found.axes[:axis], (), *found.axes[axis:]])
    taken = getattr(x.source, "part_of_axis", lambda axis, key: None)(whole, key)
    if taken is not None:  # the last step of a recurrent layer is its state
        return x.on(taken, rest)
    others = [resolved(a) for a in x.source.axes]
    if whole in others:  # an axis of the output as it is
        place, axes, tensor = others.index(whole), others, x.source.get
    else:
        order, ordered = reader.standard_axes(x)
        place, axes = order.index(axis), list(ordered)

        def tensor() -> Any:
            return reader.materialized(x, ordered)

    def make() -> Any:
        return reader.item(tensor(), (*[slice(None)] * place, key))

    if not isinstance(key, slice):
        left = tuple(a for k, a in enumerate(axes) if k != place)
        return x.on(_Part(make, left, x, axis, key), rest)
    new = (Atom(_size_of_slice(reader, size(whole), key)),)
    source = Source(make, tuple(new if k == place else a for k, a in enumerate(axes)))
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
        return [embedding(reader, x, index, axis)]
    if not isinstance(index, np.ndarray):
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
    return back(x, source, order)


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
    whole = _rejoined(parts, axis)
    if whole is not None:
        return [whole]
    if any(reader.is_batch(part, part.axes[axis]) for part in parts):
        raise ValueError("joins rows of the batch")
    if any(part.order is not first.order or part.ndim != count for part in parts):
        raise ValueError("joins rows of different orders")
    made = [reader.standard(part) for part in parts]
    _, order, axes = made[0]
    for part in parts:
        for k, (m, n) in enumerate(zip(part.shape, first.shape, strict=True)):
            if k != axis and reader.makes_layers:
                same_size(m, n)
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
    return [back(first, source, order)]


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
        from ....layers import Concatenate

        return Concatenate(axis=axis, **options)

    return make
