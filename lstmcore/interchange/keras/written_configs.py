"""Layers and models, as Keras 3's configs have them."""

from __future__ import annotations

import re
import warnings
from typing import Any

from ...layers import Bidirectional, GroupNormalization, Masking, SpectralNormalization
from ...layers.base import Layer
from ...layers.core.input import InputLayer
from ...layers.rnn.cell import Cell
from ...layers.symbolic import replace
from ...models.functional import Functional
from ...models.graph import Graph
from ...models.model import Model
from ...models.sequential import Sequential
from ...validation import STRING
from .paths import places
from .written_nodes import Calls, is_op, op_config
from .written_objects import (
    Refuse,
    class_name,
    dtype_policy,
    entry,
    live_arguments,
    written_arguments,
)

# Layers that a file cannot hold, with what to do.
_REFUSED = {
    "Lambda": "a file holds no code: write the function with lstmcore.ops, or a layer of its own",
}

# Names that Keras gives the ops with which it computes masks.
_OF_MASKS = re.compile(
    "(all|any|broadcast_to|cast|concatenate|equal|expand_dims|flip|logical_and|logical_not"
    r"|logical_or|max|not_equal|ones_like|repeat|reshape|squeeze|stack|where|zeros_like)(_\d+)?"
)


def model_config(model: Model) -> dict[str, Any]:
    """Return the config of a model, those of its layers included.

    Raises
    ------
    ValueError
        For what Keras has not: a class, an argument of a layer, a function.
    """
    if isinstance(model, Sequential) and type(model) is Sequential and _is_chain(model):
        return _sequential(model)
    if type(model) in (Functional, Sequential):
        return _functional(model)
    raise ValueError(
        f"model {model.name!r} ({type(model).__name__}): expected a Sequential or a functional "
        "model, for Keras knows no other class: write Sequential(model.layers) or "
        "Model(model.inputs, model.outputs), or save_weights"
    )


def check_differences(model: Model) -> None:
    """Raise ValueError where Keras does something else with a mask; warn of a layer that differs.

    Where a layer returns its steps from last to first Keras leaves the mask in the order of the
    input; a last output whose step is masked is 0 with `zero_output_for_mask`; and
    GroupNormalization counts masked steps.
    """
    layers = [place.layer for place in places(model)]
    for layer in layers:
        if isinstance(layer, SpectralNormalization):
            warnings.warn(
                f"{layer.describe()}: its kernel is divided at inference, where Keras takes it as "
                "it stands: the outputs differ there",
                stacklevel=2,
            )
    if not any(map(_makes_mask, layers)):
        return
    both = [layer for layer in layers if isinstance(layer, Bidirectional)]
    inside = [part for layer in both for part in (layer.forward_layer, layer.backward_layer)]
    for layer in layers:
        if isinstance(layer, GroupNormalization):
            raise layer.error("mask", "none, for Keras's counts masked steps", "a model with masks")
        turns = getattr(layer, "go_backwards", False) and getattr(layer, "return_sequences", False)
        if turns and getattr(layer, "reverse_mask", False) and layer not in inside:
            wanted = "False, as Keras leaves the mask in the order of the input"
            raise layer.error("reverse_mask", wanted, True)
        last = not getattr(layer, "return_sequences", True)
        if last and getattr(layer, "zero_output_for_mask", False) and layer not in inside + both:
            wanted = "False, for Keras returns 0 for a row that ends with masked steps"
            raise layer.error("zero_output_for_mask", wanted, True)


def _names(model: Model, layers: list[Layer]) -> dict[Layer, str]:
    """Return the names of a graph's layers, which must be none that Keras gives ops of masks.

    Keras makes those ops when it loads a graph, and refuses it if two names are the same.
    """
    names = {layer: layer.name for layer in layers}
    if not any(_makes_mask(place.layer) for place in places(model)):
        return names
    for layer in layers:
        name = layer.name
        while _OF_MASKS.fullmatch(name) or (name != layer.name and name in names.values()):
            name = f"{name}_layer"
        names[layer] = name
    return names


def _makes_mask(layer: Layer) -> bool:
    """Return True if a layer's output may have a mask that its input has not."""
    given = any("mask" in node.options for node in layer.nodes)
    return given or isinstance(layer, Masking) or bool(getattr(layer, "mask_zero", False))


def _is_chain(model: Sequential) -> bool:
    """Return True if Keras's Sequential can be the model: different layers, and one output."""
    layers = model.layers
    return len(set(layers)) == len(layers) and model.single_output


def _sequential(model: Sequential) -> dict[str, Any]:
    start = model.inputs[0]
    batch_shape = list(start.shape)
    dtype = str(model.dtype)
    layers = [layer_config(layer, dtype) for layer in (start.node.layer, *model.layers)]
    config = {
        "name": model.name,
        "trainable": model.trainable,
        "dtype": dtype_policy(dtype),
        "layers": layers,
        "build_input_shape": batch_shape,
    }
    return {
        **entry("keras", "Sequential", config),
        "build_config": {"input_shape": batch_shape},
    }


def _functional(model: Any) -> dict[str, Any]:
    """Return the config of a graph; that of a Sequential that Keras's cannot be, too."""
    graph = (
        model.graph
        if isinstance(model, Functional)
        else Graph(model.inputs, model.outputs, model.name)
    )
    if any(not isinstance(s.node.layer, InputLayer) for s in graph.inputs):
        raise ValueError(
            f"model {model.name!r}: its inputs are outputs of other layers: a file cannot say so; "
            "make an Input and call the layers on it"
        )
    calls = Calls(graph, str(model.dtype), _names(model, graph.layers))
    layers = []
    for layer in graph.layers:
        made = op_config(layer) if is_op(layer) else layer_config(layer, calls.dtype)
        made["config"]["name"] = name = calls.names[layer]
        layers.append({**made, "name": name, "inbound_nodes": calls.of(layer)})
    config = {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": replace(model.input, calls.end),
        "output_layers": replace(model.output, calls.end),
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
        "build_config": {"input_shape": None},
    }


def layer_config(layer: Layer, dtype: str) -> dict[str, Any]:
    """Return the config of a layer.

    Parameters
    ----------
    layer : Layer
    dtype : str
        The name of the policy of a layer that has none of its own, the model's.
    """
    if isinstance(layer, Model):
        return model_config(layer)
    if isinstance(layer, InputLayer):
        return _input_layer(layer, dtype)
    dtype = dtype if layer.dtype is None else layer.dtype_policy.name

    def refuse_of(argument: str) -> Refuse:
        return lambda expected, got: layer.error(argument, expected, got)

    name = class_name(layer, refuse_of("class"))
    if name in _REFUSED:
        raise layer.error("class", "a layer that a file can hold", f"{name}: {_REFUSED[name]}")
    given = live_arguments(layer)
    if not isinstance(given.get("unit_forget_bias", True), bool):
        raise layer.error(
            "unit_forget_bias", "True or False, as Keras has it", given["unit_forget_bias"]
        )
    if given.get("output_mode") == "tf_idf":
        wanted = "'int', 'multi_hot' or 'count', for Keras keeps the weights of words apart"
        raise layer.error("output_mode", wanted, "'tf_idf'")
    given = {n: _layers_written(part, dtype) for n, part in given.items() if n != "input_shape"}
    config = written_arguments(layer, given, refuse_of)
    if "dtype" in config:
        whole = name == "Hashing" and config["output_mode"] == "int"  # as Keras demands
        config["dtype"] = dtype_policy("int64" if whole else dtype)
    if config.get("activity_regularizer", True) is None:
        del config["activity_regularizer"]  # as not all of Keras's layers take it
    made = entry("keras.layers", name, config)
    shape = layer._built_for
    if shape is None or layer.several_inputs or isinstance(layer, Cell):
        return made
    return {**made, "build_config": {"input_shape": list(shape)}}


def _layers_written(part: Any, dtype: str) -> Any:
    """Return an argument with the configs of layers in the place of layers."""
    if isinstance(part, list | tuple):
        return [_layers_written(value, dtype) for value in part]
    return layer_config(part, dtype) if isinstance(part, Layer) else part


def _input_layer(layer: InputLayer, dtype: str) -> dict[str, Any]:
    kind = "string" if layer.dtype == STRING else layer.dtype or dtype
    config = {"batch_shape": list(layer.batch_shape), "dtype": kind, "name": layer.name}
    return entry("keras.layers", "InputLayer", {**config, "sparse": False, "optional": False})
