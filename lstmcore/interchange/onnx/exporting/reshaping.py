"""Layers that reshape, reorder, repeat or slice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....layers import Flatten, Permute, RepeatVector, Reshape
from ....layers.reshaping.slicing import GetItem
from .builder import Builder, Call, SizeNeeded, Value
from .table import exports

_ALL = [None, None, None]
_FAR = 2**31 - 1  # beyond the end of any axis


@exports(Flatten)
def _flatten(b: Builder, call: Call) -> Value:
    x, ndim = call.x.name, call.x.ndim
    if ndim == 1:
        return call.output(b("Unsqueeze", x, [1]))
    if call.layer.data_format == "channels_first" and ndim > 2:
        x = b("Transpose", x, perm=[0, *range(2, ndim), 1])
    return call.output(b("Flatten", x, axis=1))


@exports(Reshape)
def _reshape(b: Builder, call: Call) -> Value:
    target = [int(n) for n in call.layer.target_shape]
    y = b("Reshape", call.x, [0, *target])
    return call.output(y, call.mask if _keeps_axes(call, target) else None)


def _keeps_axes(call: Call, target: list[int]) -> bool:
    """Return True if there is a mask, and the axes that it is of stay."""
    if call.mask is None:
        return False
    count, shape = call.mask.ndim, call.x.shape
    if None not in shape[1:]:
        sizes = call.layer._sizes(shape[1:])
        return len(sizes) >= count and sizes[: count - 1] == tuple(shape[1:count])
    if None in shape[2:] or shape[1] is not None or target[0] != -1:
        raise SizeNeeded
    rest = (target[1:], list(shape[2:]))
    if math.prod(rest[0]) != math.prod(n for n in rest[1] if n is not None):
        raise SizeNeeded
    return len(target) >= count and target[1 : count - 1] == rest[1][: count - 2]


@exports(Permute, by_step=lambda call: call.layer.dims[0] == 1 and call.x.ndim > 2)
def _permute(b: Builder, call: Call) -> Value:
    order, mask = call.layer._order, call.mask
    kept = mask if mask is not None and order[: mask.ndim] == tuple(range(mask.ndim)) else None
    return call.output(b("Transpose", call.x, perm=list(order)), kept)


@exports(RepeatVector)
def _repeat(b: Builder, call: Call) -> Value:
    y = b("Tile", b("Unsqueeze", call.x, [1]), [1, call.layer.n, 1])
    return call.output(y)


def _takes_steps(call: Call) -> bool:
    """Return True if all steps are taken, or the last of them."""
    parts = call.layer._parts(call.x.shape)
    return len(parts) < 2 or parts[1] in (_ALL, -1)


@exports(GetItem, by_step=_takes_steps)
def _get_item(b: Builder, call: Call) -> Value:
    parts, mask = call.layer._parts(call.x.shape), call.mask
    y = indexed(b, call.x.name, parts)
    last = call.kind == "steps" and len(parts) > 1 and parts[1] == -1
    made = call.output(y, kind="last" if last else "")
    if mask is None:
        return made
    own: list[Any] = []
    for part in parts:
        if sum(entry is not None for entry in own) == mask.ndim:
            break
        own.append(part)
    ndim = sum(part is None or isinstance(part, list) for part in own)
    if ndim < 2 and mask.ndim > 1:
        return made
    selected = indexed(b, mask.name, own)
    shape = (mask.shape[0], *[None] * (ndim - 1))
    return made.masked_by(Value(selected, shape, "bool"))


def indexed(b: Builder, x: str, parts: list[Any]) -> str:
    """Return ``x[parts]``: numbers, [start, stop, step], and None for a new axis."""
    axis, taken = 0, []
    for part in parts:  # slices first: they leave the axes where they are
        if isinstance(part, list) and part != _ALL:
            start, stop, step = part
            step = 1 if step is None else step
            start = (0 if step > 0 else _FAR) if start is None else start
            stop = (_FAR if step > 0 else -_FAR) if stop is None else stop
            x = b.slice(x, start, stop, axis, step)
        if part is not None:
            axis += 1
    axis = 0
    for part in parts:
        if part is None:
            x = b("Unsqueeze", x, [axis])
        elif not isinstance(part, list):
            x = b("Gather", x, np.int64(part), axis=axis)
            taken.append(part)
            continue
        axis += 1
    return x
