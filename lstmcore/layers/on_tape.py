"""Layers and cells with a backward function of their own, in a user's function that is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import context
from ..autodiff.tape import is_box, unboxed
from ..autodiff.tensors import with_mask
from ..structure import flatten, is_nested, map_structure, pack_like
from .own_call import masks_in


def call_on_tape(
    layer: Any,
    x: Any,
    training: Any,
    mask: Any,
    options: dict[str, Any],
    run: Callable[..., Any],
) -> Any:
    """Call a layer with a backward function of its own: one node of the tape that is recording.

    `run` is the layer's, or that of its base where a `call` extends the base's.
    """
    current = context.current()
    tape = current.tape
    if mask is None:
        mask = masks_in(x)
    given = x
    options = {name: value for name, value in options.items() if value is not None}
    named = [name for name in layer.differentiable_options if name in options]
    extra = [options.pop(name) for name in named]
    for name, value in options.items():
        if any(is_box(part) for part in flatten(value)):
            raise layer.error(name, "an array without a gradient", "one that is being derived")
    inputs = [part for part in flatten(x) if is_box(part)]
    extra_parts = flatten(extra)
    extra_boxes = [part for part in extra_parts if part is not None and is_box(part)]
    x = map_structure(unboxed, x)
    options.update(zip(named, map_structure(unboxed, extra), strict=True))
    if not layer.built and current.penalties is not None:  # in `fit`
        raise RuntimeError(
            f"{layer.describe()}: expected to be built before the training step, got its first "
            "call in one, where the optimizer does not know its weights: call it also when "
            "training is False, or build it in build"
        )
    x, mask = layer.prepare_call(x, mask)
    behaves = bool(current.training if training is None else training)
    penalties: list[float] = []
    with context.changed(tape=None, training=behaves, penalties=penalties):
        y, back, out_mask = run(layer, x, True, mask, **options)
    tape.losses += penalties
    several, outputs = isinstance(y, tuple), flatten(y)

    def gradients(dys: list[Any]) -> list[Any]:
        dys = [
            None if dy is None else np.ascontiguousarray(dy, part.dtype)
            for dy, part in zip(dys, outputs, strict=True)
        ]
        dx = back(tuple(dys) if several else dys[0], need_dx=bool(inputs))
        dextra: Any = []
        if named:
            dx, dextra = dx
        parts = flatten(dx) if is_nested(given) else [dx]
        found = [d for d, part in zip(parts, flatten(given), strict=True) if is_box(part)]
        if named:
            pairs = zip(flatten(dextra), extra_parts, strict=True)
            found += [d for d, part in pairs if is_box(part)]
        return found if inputs or extra_boxes else [None]

    if inputs or extra_boxes or layer.trains():
        parts = tape.record([*inputs, *extra_boxes], outputs, gradients)
    else:
        parts = outputs  # constants
    out = layer.pack_outputs(parts) if hasattr(layer, "pack_outputs") else pack_like(y, parts)
    return with_mask(out, out_mask)


def call_cell(cell: Any, x: Any, states: Any, training: bool) -> Any:
    """Compute one step of a cell with a `step` of its own: one node of the tape, zeros in a trial.

    Returns (y, new states) as `Cell.__call__` does.
    """
    current = context.current()
    given = [x, *flatten(states)]
    dtype = cell.dtype or cell.default_dtype
    arrays = [np.ascontiguousarray(unboxed(a), dtype) for a in given]
    if not cell.built:
        cell.build_for(arrays[0].shape, dtype)
    if current.trial:
        y = np.zeros((len(arrays[0]), cell.output_size), dtype)
        return y, cell.grouped([np.zeros_like(a) for a in arrays[1:]])
    cell.materialize()
    with context.changed(tape=None, training=training):
        step = current.cell_steps.get(cell) or cell.start(len(arrays[0]), training)
        y, new, back = step(arrays[0], arrays[1:])

    def gradients(dys: list[Any]) -> list[Any]:
        pairs = zip(dys, (y, *new), strict=True)
        dy, *dnew = [
            np.zeros_like(part) if d is None else np.ascontiguousarray(d, dtype)
            for d, part in pairs
        ]
        dx, dstates = back(dy, dnew)
        return [d for d, a in zip((dx, *dstates), given, strict=True) if is_box(a)]

    tape = current.tape
    boxes = [a for a in given if is_box(a)]
    first, *rest = tape.record(boxes, [y, *new], gradients if boxes else _none_of(gradients))
    return first, cell.grouped(rest)


def _none_of(back: Callable[..., Any]) -> Callable[..., Any]:
    """Return a backward function for the weights alone, which has the tape's own parent."""

    def weights_alone(dys: list[Any]) -> list[Any]:
        back(dys)
        return [None]

    return weights_alone
