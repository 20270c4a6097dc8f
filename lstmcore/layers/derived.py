"""Layers that users write as Keras writes them, with ``call(x, mask, training)``: derived.

`run` calls such a layer where a backward function may be wanted, `call` is its ``__call__`` on
arrays and boxes, `record` on symbolic tensors. Importing this module imports autograd.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd.tracer import Box

from .. import context
from ..autodiff.tape import Tape, is_box, unboxed
from ..autodiff.tensors import with_mask
from ..inspection import inner_layers
from ..structure import flatten, is_nested, map_structure, pack_like
from ..validation import Array, refuse_masked
from .module import Module
from .on_tape import call_cell as call_cell
from .on_tape import call_on_tape as call_on_tape
from .own_call import invoke as invoke
from .own_call import is_real, masks_in, output_mask, result, signature, with_masks
from .parameters import Param
from .shape_structure import leaves_of_shapes as leaves_of_shapes
from .shape_structure import marked as marked
from .symbolic import Node, SymbolicTensor
from .trial import call_in_trial as call_in_trial
from .trial import output_shapes as output_shapes
from .trial import trial as trial

Box.types.add(Param)  # a weight counts as a box: see `Param._node`


def named_sublayers(layer: Any, base: Any = ()) -> list[tuple[str, Any]]:
    """Return the pairs (name, layer) of the base class, and of all in attributes, lists and dicts.

    The name of an attribute is stable where the automatic names of layers are not; in a list it is
    ``"heads/0"``.
    """
    found = {id(inner): (name, inner) for name, inner in base}

    def add(path: str, value: Any) -> None:
        if isinstance(value, Module):
            if value is not layer:
                found.setdefault(id(value), (path, value))
        elif isinstance(value, dict):
            for key in value:
                add(f"{path}/{key}", value[key])
        elif isinstance(value, list | tuple):
            for i, part in enumerate(value):
                add(f"{path}/{i}", part)

    for name, value in vars(layer).items():
        if name not in ("nodes", "_params", "output_structure"):
            add(name.lstrip("_"), value)
    return list(found.values())


def losses(layer: Any) -> list[Any]:
    """Return the weights' penalties and the losses added in the last call, inner layers' too."""
    tape = context.current().tape
    found = [_penalty(tape, p) for p in layer.trainable_weights if p.regularizer is not None]
    owners = [layer, *(inner for _, inner in inner_layers(layer))]
    added = {id(owner): owner._losses for owner in owners if hasattr(owner, "_losses")}
    return [*found, *(loss for part in added.values() for loss in part)]


def _penalty(tape: Any, param: Param) -> Any:
    value = np.asarray(param.regularizer(param.value), param.value.dtype)
    if tape is None:
        return value

    def gradient(dys: list[Any]) -> list[Any]:
        return [dys[0] * param.regularizer.gradient(param.value)]

    return tape.record([param], [value], gradient)[0]


# -- in models -----------------------------------------------------------------------------------


def run(layer: Any, x: Any, grad: bool, mask: Any, options: dict[str, Any]) -> Any:
    """Return outputs, backward function and mask as `Layer.run` does; several are a tuple.

    With `options` the backward function returns (dx, gradients of the options).
    """
    behaves = context.in_training(grad)
    x = layer.pack_inputs(x)
    if not grad:
        with context.changed(training=behaves, tape=None):
            y = invoke(layer, with_masks(x, mask), mask, options)
            out_mask = output_mask(layer, x, mask, y)
        layer.output_structure = y if is_nested(y) else None
        values = [result(layer, part) for part in flatten(y)]
        collect(layer, [])
        return _tuple_of(y, values), None, out_mask
    tape = Tape()
    with context.changed(training=behaves), tape:
        boxes = map_structure(lambda a: tape.watch(a) if is_real(a) else a, x)
        extra = map_structure(lambda a: tape.watch(a) if is_real(a) else a, options)
        y = invoke(layer, with_masks(boxes, mask), mask, extra)
        out_mask = output_mask(layer, boxes, mask, y)
    ends, values = flatten(y), [result(layer, part) for part in flatten(y)]
    layer.output_structure = map_structure(unboxed, y) if is_nested(y) else None
    collect(layer, tape.losses)

    def back(dy: Any, need_dx: bool = True) -> Any:
        dys = [dy] if not is_nested(y) else list(dy)
        pairs = [*zip(ends, dys, strict=True), *((loss, 1.0) for loss in tape.losses)]
        gradients = tape.backward(pairs)
        for param, node in tape.leaves.items():
            gradient = gradients.of_node(node)
            if gradient is not None and param.flat is not None:
                param.grad += gradient

        def of(box: Any, value: Any) -> Any:
            try:
                found = gradients.of(box) if is_box(box) else None
            except ValueError as error:  # for the graph to raise, if it needs this one
                return error
            return None if found is None else np.ascontiguousarray(found, value.dtype)

        dx = map_structure(of, boxes, x) if need_dx else None
        dx = flatten(dx) if is_nested(x) and dx is not None else dx
        return (dx, map_structure(of, extra, options)) if options else dx

    return _tuple_of(y, values), back, out_mask


def _tuple_of(y: Any, values: list[Array]) -> Any:
    return tuple(values) if is_nested(y) else values[0]


def collect(layer: Any, losses: list[Any]) -> None:
    """Add what `add_loss` was given to the penalties of the training step."""
    collected = context.current().penalties
    if collected is not None:
        collected += [float(np.sum(unboxed(loss))) for loss in losses]


# -- on arrays, boxes and symbolic tensors -------------------------------------------------------


def call(layer: Any, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a layer with a `call` of its own on arrays, or on a tape on boxes."""
    options = signature(layer).bind(layer, args, kwargs)
    training, mask = options.pop("training", None), options.pop("mask", None)
    if mask is None:
        mask = masks_in(x)
    x = map_structure(lambda a: _input(layer, a), x)
    if not layer.built:
        layer.declare(_shapes(x), layer.dtype or layer.default_dtype)
    in_trial = context.current().trial  # where no weights may be drawn
    if not in_trial:
        layer.materialize()
    current = context.current()
    training = bool(current.training if training is None else training)
    with context.changed(training=training, tape=_tape_for(layer, [x, options])):
        y = invoke(layer, with_masks(x, mask), mask, options)
        out_mask = output_mask(layer, x, mask, y)
    if not in_trial:
        layer.materialize()  # layers that were built in the call
    y = map_structure(lambda a: a if is_box(a) else result(layer, a), y)
    return with_mask(y, out_mask)


def _tape_for(layer: Any, given: Any) -> Any:
    """Return the tape; None for a layer that is frozen and is given constants: so is its output."""
    tape = context.current().tape
    if tape is None or any(is_box(part) for part in flatten(given)) or layer.trains():
        return tape
    return None if layer.weights else tape  # without weights it may use those of others


def _input(layer: Any, a: Any) -> Any:
    """Return an input as the array or box that it is; numbers become arrays, in the dtype."""
    if is_box(a) or a is None or isinstance(a, str | bool | slice):
        return a
    refuse_masked(a, f"layer {layer.name!r}: x")
    if type(a) is not np.ma.MaskedArray and isinstance(a, np.ndarray) and a.dtype.kind in "biuSUO":
        return a
    array = np.asarray(a)
    if array.dtype.kind != "f":
        return array
    return (
        a
        if array is a and array.dtype == (layer.dtype or layer.default_dtype)
        else array.astype(layer.dtype or layer.default_dtype)
    )


def record(layer: Any, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record a call on symbolic tensors, in any structure; return symbolic outputs."""
    options = signature(layer).bind(layer, args, kwargs)
    options = {key: value for key, value in options.items() if value is not None}
    parts = flatten(x)
    for part in parts:
        if not isinstance(part, SymbolicTensor):
            wanted = "symbolic tensors, from Input or layers, only"
            raise layer.error("x", wanted, f"a {type(part).__name__}")
    node = Node(layer, parts, is_nested(x), options)
    node.form = x if is_nested(x) else None
    shapes = map_structure(lambda tensor: tensor.shape, x)
    if not layer.built:
        known = [t.dtype for t in parts if t.dtype in ("float32", "float64")]
        layer.declare(shapes, layer.dtype or (known or ["float32"])[0])
    tried = {key: value for key, value in options.items() if key not in ("training", "mask")}
    found = trial(layer, shapes, tried, [t.dtype for t in parts])
    layer.materialize()
    node.single = layer.output_structure is None
    node.outputs = [SymbolicTensor(shape, kind, node, i) for i, (shape, kind) in enumerate(found)]
    layer.nodes.append(node)
    return node.outputs[0] if node.single else pack_like(layer.output_structure, node.outputs)


def _shapes(x: Any) -> Any:
    return map_structure(lambda a: tuple(np.shape(unboxed(a))), x)
