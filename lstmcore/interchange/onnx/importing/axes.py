"""Handlers of axes: permuted, added, dropped, merged, divided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arranging import reshape_layer
from .constants import Spread
from .dims import Dim, divide
from .graph_reader import GraphReader, handler
from .shapes import spread
from .views import Atom, Source, View, reshaped, resolved, size


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
        return [spread(x.array.reshape(()), wanted)]
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
    tensor, _, _ = reader.standard(x)
    axes = (first, *((Atom(n),) for n in wanted[1:]))
    if sum(isinstance(n, Dim) for n in wanted[1:]) > 1:
        raise ValueError("another shape with several sizes that are not known")
    target = [-1 if isinstance(n, Dim) else n for n in wanted[1:]]
    made = reader.call(reshape_layer(target), tensor, kind="reshape")
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
