"""Models and layers as parts of an ONNX graph: each layer by its function in the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ....layers.base import Layer
from ....layers.module import DTYPES
from ....layers.shape_structure import leaves_of_shapes
from ....layers.symbolic import replace as with_values
from ....models import Functional, Model, Sequential
from ....models.graph import Graph
from ....names import is_builtin
from ....validation import STRING
from .builder import Builder, Call, Refused, SizeNeeded, Value, refused
from .table import EXPORTS, goes_by_step, values
from .tracing import OwnCall, add_own_call

# methods with which a class may compute something else than its base does
_OVERRIDABLE = ("call", "forward", "run", "forward_with_mask", "compute_mask", "predict_step")
_ENDS = ("__call__", "convert_inputs", "pack_outputs", "predict", "call_on_arrays")  # users' own


def add_layer(
    b: Builder, layer: Layer, inputs: list[Value], options: dict[str, Any], form: Any = None
) -> list[Value]:
    """Add a layer, or a model, to the graph; return its outputs.

    Parameters
    ----------
    b : Builder
    layer : Layer
    inputs : list of Value
    options : dict
        The other arguments of the call.
    form : list, tuple, dict or None
        The structure of the inputs, for a layer with a `call` of its own.

    Raises
    ------
    Refused
        If ONNX has no operators for it; the message names the layer and the option.
    """
    if options.get("training"):
        raise refused(layer, "training", "None or False", True)
    options = {name: value for name, value in options.items() if name != "training"}
    if "mask" in options:
        inputs = _masked(b, layer, inputs, options.pop("mask"))
    with b.within(layer.name):
        if isinstance(layer, Sequential | Functional):
            return add_model(b, layer, inputs)
        function = EXPORTS.get(type(layer))
        if function is None and layer.overrides_call:
            return add_own_call(b, OwnCall(layer, inputs, options, form), add_graph)
        if function is None:
            raise _unknown(layer)
        call = Call(layer, _as_reals(b, layer, inputs), options)
        if b.stateful:
            _check_by_step(call)
        try:
            return values(function(b, call))
        except SizeNeeded as error:
            raise SizeNeeded(*(error.args or [layer.describe()])) from None


def _masked(b: Builder, layer: Layer, inputs: list[Value], given: Any) -> list[Value]:
    """Return the inputs with the masks that a call gives them."""
    masks = list(given) if isinstance(given, list | tuple) else [given]
    for mask in masks:
        if mask is not None and not isinstance(mask, Value):
            raise refused(layer, "mask", "outputs of layers", type(mask).__name__)
    b.has_masks = True
    bools = [
        m and replace(m, name=b.cast(m, "bool"), dtype="bool", trailing=b.trailing) for m in masks
    ]
    pairs = zip(inputs, [*bools, *[None] * (len(inputs) - len(bools))], strict=True)
    return [x.masked_by(mask) for x, mask in pairs]


def _as_reals(b: Builder, layer: Layer, inputs: list[Value]) -> list[Value]:
    """Return whole numbers and truth values as reals, where a layer takes them for these."""
    whole = [x.dtype not in DTYPES for x in inputs]
    if not any(whole) or (layer.takes_whole and all(whole)) or layer.input_dtype not in DTYPES:
        return inputs
    return [
        replace(x, name=b.cast(x, b.dtype), dtype=b.dtype) if w else x
        for x, w in zip(inputs, whole, strict=True)
    ]


def _check_by_step(call: Call) -> None:
    """Raise Refused for a layer that needs the whole sequence, in the streaming form."""
    kinds = {x.kind for x in call.inputs}
    if "steps" not in kinds or (kinds == {"steps"} and goes_by_step(call)):
        return
    if _is_recurrent(call.layer):
        return  # which say more themselves
    wanted = "layers that go step by step with stateful=True"
    raise call.refused("x", wanted, "one that needs the whole sequence")


def _is_recurrent(layer: Layer) -> bool:
    return hasattr(layer, "go_backwards") or hasattr(layer, "forward_layer")


def _unknown(layer: Layer) -> Refused:
    cls = type(layer)
    if is_builtin(cls):
        return refused(layer, "class", "a layer that is made of ONNX's operators", cls.__name__)
    known = next((base for base in cls.__mro__ if base in EXPORTS), None)
    what = "a forward of its own" if known is None else f"what may change what {known.__name__} is"
    return refused(layer, "class", "one of lstmcore's layers", f"{cls.__name__}, with {what}")


# -- models ----------------------------------------------------------------------------------------


def add_model(b: Builder, model: Any, inputs: list[Value]) -> list[Value]:
    """Add the layers of a Sequential or a functional model, or what a model's `call` records."""
    check_class(model)
    if isinstance(model, Sequential):
        for layer in model.layers:
            inputs = add_layer(b, layer, inputs, {})
        return inputs
    if isinstance(model, Functional):
        return add_graph(b, model.graph, inputs)
    return add_own_call(b, OwnCall(model, inputs, {}, model.input_form), add_graph)


def add_graph(
    b: Builder, graph: Graph, inputs: list[Value], keep_masks: Sequence[Layer] | None = None
) -> list[Value]:
    """Add the calls of a graph; all layers but `keep_masks`, if given, drop their masks."""
    slots: list[Any] = [*inputs, *[None] * (len(graph.slots) - len(inputs))]
    for call in graph.calls:
        now = {tensor: slots[i] for tensor, i in call.symbolic.items()}
        options = with_values(call.options, now.__getitem__)
        given = [slots[i] for i in call.inputs]
        if keep_masks is not None and call.layer not in keep_masks:
            given = [x.masked_by(None) for x in given]
        found = add_layer(b, call.layer, given, options, call.node.form)
        for i, value in zip(call.outputs, found, strict=True):
            slots[i] = value
    return [slots[i] for i in graph.ends]


def check_class(model: Model) -> None:
    """Raise Refused for a model whose class computes something of its own."""
    if not isinstance(model, Sequential | Functional):
        if not model.overrides_call or _own(model, Model, "predict_step"):
            wanted = "Sequential, a functional model, or one with a call"
            raise refused(model, "class", wanted, type(model).__name__)
        return
    base = Sequential if isinstance(model, Sequential) else Functional
    for name in _OVERRIDABLE if is_builtin(type(model)) else (*_OVERRIDABLE, *_ENDS):
        if _own(model, base, name):
            raise refused(model, name, f"that of {base.__name__}", f"{type(model).__name__}'s own")


def _own(model: Model, base: type, name: str) -> bool:
    return getattr(type(model), name, None) is not getattr(base, name, None)


def inputs_of(model: Any) -> list[tuple[str, tuple[Any, ...], str]]:
    """Return the name, the shape and the dtype of each input of a model."""
    if isinstance(model, Sequential):
        entry = model._input
        built_for: Any = model._built_for
        shape = (None, *built_for[1:]) if entry is None else entry.batch_shape
        name = "input" if entry is None else entry.name
        return [(name, tuple(shape), _numbers(model, 0, model.input_dtype))]
    if not isinstance(model, Functional):
        return _inputs_of_call(model)
    pairs = zip(model.inputs, model.input_names, strict=True)
    return [
        (name, tuple(tensor.shape), _numbers(model, k, model._dtype_for(tensor)))
        for k, (tensor, name) in enumerate(pairs)
    ]


def _inputs_of_call(model: Any) -> list[tuple[str, tuple[Any, ...], str]]:
    """Return the inputs of a model with a `call` of its own, as it was built for."""
    shapes, form = leaves_of_shapes(model._built_for), model.input_form
    names = ["input"] if form is None else [f"input_{k + 1}" for k in range(len(shapes))]
    if isinstance(form, dict) and len(form) == len(shapes):
        names = [str(key) for key in form]
    kinds = model._input_kinds or [model.dtype] * len(shapes)
    dtypes = [str(model.dtype) if np.dtype(kind).kind == "f" else kind for kind in kinds]
    return [
        (name, tuple(shape), _numbers(model, 0, dtype))
        for name, shape, dtype in zip(names, shapes, dtypes, strict=True)
    ]


def _numbers(model: Any, position: int, dtype: Any) -> str:
    """Return the dtype of an input; raise Refused for one of texts."""
    if dtype == STRING or model.takes_strings(position):
        wanted = "numbers: ONNX's operators do not read texts as this library does"
        raise refused(model, "x", wanted, "texts")
    return str(dtype)
