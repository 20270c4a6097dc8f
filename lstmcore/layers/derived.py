"""Layers that users write as Keras writes them, with ``call(x, mask, training)``: derived.

`run` calls such a layer where a backward function may be wanted; `call` is its ``__call__``; and
`call_on_tape` that of the other layers, with a kernel and a backward function of their own, within
a user's function that is being recorded. Importing this module imports autograd.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from autograd.tracer import Box

from .. import context
from ..autodiff.tape import Tape, is_box, unboxed
from ..autodiff.tensors import mask_of, with_mask
from ..inspection import inner_layers
from ..random.state import preserve_random_state
from ..structure import flatten, is_nested, map_structure, pack_like
from ..validation import Array, refuse_masked
from .calls import convert
from .input_spec import check_inputs
from .module import Module
from .parameters import Param
from .symbolic import Node, SymbolicTensor

Box.types.add(Param)  # a weight counts as a box: see `Param._node`

# Kinds of parameters that a call can fill by place.
_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Signature:
    """What a layer's `call` takes.

    Parameters
    ----------
    call : callable
        The function of the class, with `self`.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        kinds = {p.kind for p in parameters}
        self.places = [p.name for p in parameters if p.kind in _BY_PLACE]
        self.names = {p.name for p in parameters}
        self.any_place = inspect.Parameter.VAR_POSITIONAL in kinds
        self.any_name = inspect.Parameter.VAR_KEYWORD in kinds

    def bind(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments behind the first one by name."""
        if len(args) > len(self.places[1:]):
            raise TypeError(f"{layer.describe()}: call takes {self.places}, got {len(args) + 1}")
        found = {**dict(zip(self.places[1:], args, strict=False)), **kwargs}
        for name in list(found):
            if name in self.names or self.any_name:
                continue
            if name not in ("training", "mask"):
                raise TypeError(f"{layer.describe()}: call has no argument {name!r}")
        return found


def signature(layer: Any) -> Signature:
    """Return what the layer's `call` takes; looked at once for a class."""
    cls = type(layer)
    found: Signature | None = cls.__dict__.get("_call_signature")
    if found is None:
        found = cls._call_signature = Signature(cls.call)
    return found


# -- calling a layer's `call` --------------------------------------------------------------------


def invoke(layer: Any, x: Any, mask: Any, options: dict[str, Any]) -> Any:
    """Call `call`: with `training` and `mask` if it takes them."""
    if layer.input_spec is not None:
        check_inputs(layer, x)
    takes, arguments = signature(layer), dict(options)
    if "training" in takes.names:
        arguments.setdefault("training", bool(context.current().training))
    if "mask" in takes.names:
        arguments.setdefault("mask", mask)
    layer.forget_losses()
    with context.changed(dtype=layer.dtype or context.current().dtype):  # of layers in it
        y = layer.call(x, **arguments)
    if y is None:
        raise layer.error("call", "an output", "None: does it end with `return`?")
    return y


def _with_masks(x: Any, mask: Any) -> Any:
    """Return x with the mask, or each of several arrays with its own."""
    return x if mask is None else with_mask(x, mask)


def _masks_in(x: Any) -> Any:
    """Return the mask that goes with x, or a list of them; None if there is none."""
    if not is_nested(x):
        return mask_of(x)
    masks = [mask_of(part) for part in flatten(x)]
    return None if all(m is None for m in masks) else masks


def _output_mask(layer: Any, x: Any, mask: Any, y: Any) -> Any:
    """Return the mask of an output: by `compute_mask`, or the one that came with it."""
    if layer.overrides_compute_mask:
        return layer.compute_mask(x, mask)
    if layer.supports_masking:
        if not isinstance(mask, list | tuple) or is_nested(y):
            return mask
        return mask[0]  # of several inputs the first's, as in Keras
    own = [mask_of(part) for part in flatten(y)]
    if mask is not None and all(m is None for m in own):
        _warn_of_lost_mask(layer)
    return own if is_nested(y) else own[0]


def _warn_of_lost_mask(layer: Any) -> None:
    if layer.warned_of_mask or context.current().trial or "mask" in signature(layer).names:
        return
    layer.warned_of_mask = True
    warnings.warn(
        f"{layer.describe()}: the mask of its input ends here, and later layers see the padding: "
        "set self.supports_masking = True in __init__ if its output has the same time steps, or "
        "write compute_mask(self, x, mask)",
        stacklevel=2,
    )


def _result(layer: Any, y: Any) -> Array:
    """Return an output as an array; real numbers in the layer's dtype."""
    array = np.asarray(unboxed(y.value if isinstance(y, Param) else y))
    if array.dtype.kind != "f":
        return array
    copy = not array.flags.writeable  # a weight: it will change
    return array.astype(layer.dtype or layer.default_dtype, copy=copy)


def _is_real(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


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
            y = invoke(layer, _with_masks(x, mask), mask, options)
            out_mask = _output_mask(layer, x, mask, y)
        layer.output_structure = y if is_nested(y) else None
        values = [_result(layer, part) for part in flatten(y)]
        collect(layer, [])
        return _tuple_of(y, values), None, out_mask
    tape = Tape()
    with context.changed(training=behaves), tape:
        boxes = map_structure(lambda a: tape.watch(a) if _is_real(a) else a, x)
        extra = map_structure(lambda a: tape.watch(a) if _is_real(a) else a, options)
        y = invoke(layer, _with_masks(boxes, mask), mask, extra)
        out_mask = _output_mask(layer, boxes, mask, y)
    ends, values = flatten(y), [_result(layer, part) for part in flatten(y)]
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
        mask = _masks_in(x)
    x = map_structure(lambda a: _input(layer, a), x)
    if not layer.built:
        layer.declare(_shapes(x), layer.dtype or layer.default_dtype)
    in_trial = context.current().trial  # where no weights may be drawn
    if not in_trial:
        layer.materialize()
    current = context.current()
    training = bool(current.training if training is None else training)
    with context.changed(training=training, tape=_tape_for(layer, [x, options])):
        y = invoke(layer, _with_masks(x, mask), mask, options)
        out_mask = _output_mask(layer, x, mask, y)
    if not in_trial:
        layer.materialize()  # layers that were built in the call
    y = map_structure(lambda a: a if is_box(a) else _result(layer, a), y)
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
        mask = _masks_in(x)
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


# -- shapes --------------------------------------------------------------------------------------


def output_shapes(layer: Any, shapes: Any, options: dict[str, Any], dtypes: Any = None) -> Any:
    """Return (shape, dtype) of each output, for inputs of these shapes; see `trial`.

    The number of samples does not matter, so there is one trial for all of them.
    """
    leaves = leaves_of_shapes(shapes)
    batch = leaves[0][0] if leaves and leaves[0] else None
    if any(len(leaf) == 0 or leaf[0] != batch for leaf in leaves):
        return trial(layer, shapes, options, dtypes)
    key = None if options else (repr(like_shapes(shapes, [s[1:] for s in leaves])), str(dtypes))
    found = layer.trials.get(key) if key else None
    if found is None:
        free = like_shapes(shapes, [(None, *shape[1:]) for shape in leaves])
        found = trial(layer, free, options, dtypes)
        if key:
            layer.trials[key] = found
    return [((batch if s[:1] == (None,) else s[0], *s[1:]) if s else s, kind) for s, kind in found]


def trial(layer: Any, shapes: Any, options: dict[str, Any], dtypes: Any = None) -> Any:
    """Return the shapes and dtypes of the outputs, by calling the layer on zeros.

    Parameters
    ----------
    layer : Layer
    shapes : tuple of int or None, or a structure of them
        Of the inputs; where an axis is None, two trials with different sizes tell which axes of
        the outputs follow it.
    options : dict
        The call's other arguments; symbolic tensors among them become zeros, too.
    dtypes : str, or a structure of them, optional

    Returns
    -------
    list of (shape, dtype)
        Of the leaves of the output, whose structure is `layer.output_structure`.
    """
    first = _try(layer, shapes, options, dtypes)
    if not _has_none(shapes) and not any(
        _has_none(getattr(part, "shape", ())) for part in flatten(options)
    ):
        return [(y.shape, str(y.dtype)) for y in first]
    second = _trial(layer, shapes, options, dtypes, 2)
    return [
        (tuple(n if n == m else None for n, m in zip(a.shape, b.shape, strict=True)), str(a.dtype))
        for a, b in zip(first, second, strict=True)
    ]


def _try(layer: Any, shapes: Any, options: dict[str, Any], dtypes: Any) -> Any:
    """Try real numbers, and if the layer takes no such inputs, whole ones."""
    try:
        return _trial(layer, shapes, options, dtypes, 1)
    except (IndexError, TypeError):
        if dtypes is not None:
            raise
        try:
            found = _trial(layer, shapes, options, ["int64"] * len(leaves_of_shapes(shapes)), 1)
        except Exception:  # then the first error is the one to report
            found = None
        if found is None:
            raise
        layer.trial_kind = "int64"
        return found


def _trial(layer: Any, shapes: Any, options: dict[str, Any], dtypes: Any, factor: int) -> Any:
    def zeros(shape: Any, dtype: Any) -> Any:
        # sizes that a layer is unlikely to have by itself, and that can be halved
        sizes = [
            n if n is not None else factor * (2 if i == 0 else 12) for i, n in enumerate(shape)
        ]
        if dtype == "string":
            return np.full(sizes, "", object)
        return np.zeros(sizes, dtype or layer.dtype or layer.default_dtype)

    def value(a: Any) -> Any:
        return zeros(a.shape, a.dtype) if hasattr(a, "node") else a

    leaves = leaves_of_shapes(shapes)
    kinds = [layer.trial_kind] * len(leaves) if dtypes is None else dtypes
    arrays = [zeros(shape, kind) for shape, kind in zip(leaves, kinds, strict=True)]
    x = like_shapes(shapes, arrays)
    with (
        np.errstate(all="ignore"),
        preserve_random_state(),
        context.changed(training=False, tape=None, penalties=None, trial=True),
    ):
        y = _invoke_in_trial(layer, x, map_structure(value, options))
    layer.output_structure = y if is_nested(y) else None
    return [_result(layer, part) for part in flatten(y)]


def _invoke_in_trial(layer: Any, x: Any, options: dict[str, Any]) -> Any:
    """Call `call` without a mask, or if it cannot do without one, with one of all steps."""
    try:
        return invoke(layer, x, None, options)
    except Exception:
        if "mask" not in signature(layer).names:
            raise
        masks = map_structure(lambda a: np.ones(a.shape[:2], np.bool_), x)
        try:
            return invoke(layer, x, masks, options)
        except Exception:  # then the first error is the one to report
            pass
        raise


def call_in_trial(
    layer: Any, x: Any, mask: Any, options: dict[str, Any], of_base: bool = False
) -> Any:
    """Call a layer with a `forward` of its own in a trial: build it, and return zeros.

    A layer without weights computes: its outputs may be whole numbers, or have another size. With
    `of_base` it is the base of a layer with a `call`, which is being built.
    """
    given = map_structure(unboxed, x)
    mask = _masks_in(x) if mask is None else mask
    arrays, mask = convert(layer, given, mask)
    shapes = [a.shape for a in arrays] if layer.several_inputs else arrays.shape
    if not of_base and not layer.built:
        layer.build_for(shapes, layer.dtype or layer.default_dtype)
    options = {name: value for name, value in options.items() if value is not None}
    if not layer.weights:
        run = layer._base_run if of_base else layer.run
        y, _, out_mask = run(arrays, False, mask, **options)
        return with_mask(y, out_mask)
    if hasattr(layer, "call_layers"):  # a model: its layers are in the trial, too
        return layer.call_layers(with_mask(arrays, mask))
    if of_base and not layer.overrides_output_shape:
        found = shapes
    else:
        found = layer.call_output_shape(shapes, **options)
    # the layers of a model have no weights yet, with which it would find its mask
    out_mask = mask if hasattr(layer, "convert_inputs") else layer.compute_mask(arrays, mask)
    if is_shape(found):
        return with_mask(np.zeros(found, layer.dtype), out_mask)
    zeros = [np.zeros(shape, layer.dtype) for shape in leaves_of_shapes(found)]
    packed = like_shapes(found, zeros)  # its lists are the states of cells of a stack
    return with_mask(tuple(packed), out_mask)


def is_shape(entry: Any) -> bool:
    return isinstance(entry, list | tuple) and all(
        n is None or isinstance(n, int | np.integer) for n in entry
    )


def leaves_of_shapes(shapes: Any) -> list[Any]:
    """Return the shapes in a structure, in the order of `flatten`."""
    if is_shape(shapes):
        return [tuple(shapes)]
    keys = sorted(shapes) if isinstance(shapes, dict) else range(len(shapes))
    return [leaf for key in keys for leaf in leaves_of_shapes(shapes[key])]


def like_shapes(shapes: Any, leaves: list[Any]) -> Any:
    """Return the structure with these leaves in the place of the shapes."""
    return pack_like(marked(shapes), leaves)


def marked(shapes: Any) -> Any:
    """Return the structure of shapes with None in the place of each."""
    if shapes is None or is_shape(shapes):
        return None
    if isinstance(shapes, dict):
        return {key: marked(part) for key, part in shapes.items()}
    return [marked(part) for part in shapes]


def _has_none(shapes: Any) -> bool:
    return any(n is None for shape in leaves_of_shapes(shapes) for n in shape)
