"""New models of a known architecture: from JSON, or as clones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..layers.base import Layer, get, own_classes
from ..layers.core.input import InputLayer
from ..layers.symbolic import SymbolicTensor, replace
from ..refused.arguments import checked
from ..registry import custom_objects as with_custom_objects
from ..saving.formats import KERAS_JSON
from ..serialization import live_configs
from ..structure import flatten, flatten_up_to, is_nested
from .functional import Functional
from .model import Model
from .sequential import Sequential


def model_from_json(
    json_string: str,
    custom_objects: Mapping[str, Any] | None = None,
    *,
    keras_version: str | None = None,
) -> Model:
    """Build a model with new weights from the JSON of `Model.to_json`, or of that of Keras 1 to 3.

    Parameters
    ----------
    json_string : str
    custom_objects : dict of str to class or function, optional
        Classes and functions that the JSON may name besides the library's own.
    keras_version : str, optional
        The version of Keras that wrote the JSON, such as ``"2.2.4"``, if it does not say it.

    Raises
    ------
    ValueError
        If the text describes no model.
    """
    try:
        config = json.loads(json_string)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"model_from_json: expected JSON: {error}") from None
    with with_custom_objects(custom_objects):
        if keras_version is not None or _is_keras(config):
            model = KERAS_JSON.function("model_from_config")(config, keras_version)
        else:
            model = get(config)
    if not isinstance(model, Model):
        raise ValueError(f"model_from_json: expected a model, got a {type(model).__name__}")
    return model


def _is_keras(config: Any) -> bool:
    """Return True for the architecture of a model as Keras writes it."""
    if not isinstance(config, dict) or config.get("class_name") == "TextModel":
        return False
    inner = config.get("config")
    entries = inner.get("layers") if isinstance(inner, dict) else inner
    named = [entry for entry in entries or [] if isinstance(entry, dict)]
    said = {"keras_version", "module", "registered_name", "backend"}
    return bool(
        said & config.keys()
        or isinstance(inner, list)
        or (isinstance(inner, dict) and "input_layers" in inner)
        or any("module" in entry or "registered_name" in entry for entry in named)
    )


@checked
def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """Return a model of the same architecture with new layers and weights.

    A compiled model gives a compiled one, with a new optimizer and new metrics.

    Parameters
    ----------
    model : Model
    input_tensors : SymbolicTensor, or structure of them, optional
        The inputs of the new model, nested as ``model.input``; the default is new ones.
    clone_function : callable, optional
        Makes the new layer for each of the model's, inputs excepted; the default makes it from
        the layer's config.
    call_function : callable, optional
        ``call_function(layer, *args, **kwargs)`` is called for each call of a new layer in the
        graph of a functional model; the default is ``layer(*args, **kwargs)``.
    recursive : bool, default False
        Clone models inside the model in the same way: `clone_function` gets their layers.
    """
    return _Cloning(clone_function, call_function, bool(recursive)).clone(model, input_tensors)


class _Cloning:
    """The functions of one call of `clone_model`, and the layers that it has cloned."""

    def __init__(self, make: Any, call: Any, recursive: bool) -> None:
        self.make, self.call, self.recursive = make, call, recursive
        self.made: dict[Layer, Layer] = {}

    def clone(self, model: Model, input_tensors: Any = None) -> Any:
        """Return the clone of a model, compiled as it is."""
        if not isinstance(model, Model):
            raise TypeError(f"clone_model: model: expected a model, got a {type(model).__name__}")
        if isinstance(model, Functional) and (self.call or input_tensors is not None):
            new = self._graph(model, input_tensors)
        else:
            new = self._from_config(model, input_tensors)
        if model.compiled:
            assert model._compiled is not None
            new._compiled = model._compiled.anew()
            if new.built or not new.overrides_call:
                new._compiled.bind(new.output_names, new.output_form)
        return new

    def layer(self, layer: Layer) -> Layer:
        """Return the clone of a layer, the same one each time."""
        if layer not in self.made:
            if self.recursive and isinstance(layer, Sequential | Functional):
                inner = _Cloning(self.make, self.call, True)
                inner.made = self.made
                if isinstance(layer, Sequential):
                    inner.call = None  # its layers are not called one by one
                self.made[layer] = inner.clone(layer)
            else:
                self.made[layer] = self.make(layer) if self.make else _anew(layer)
        return self.made[layer]

    def _from_config(self, model: Model, input_tensors: Any) -> Any:
        """Return the clone that its config describes, with the layers that `layer` makes."""
        if isinstance(model, Sequential):
            if self.call is not None:
                raise ValueError(
                    "clone_model: call_function: expected None for a Sequential, whose layers are "
                    f"not called one by one, got {self.call!r:.80}"
                )
        elif not isinstance(model, Functional) and (self.make or self.call or input_tensors):
            raise ValueError(
                "clone_model: clone_function, call_function and input_tensors are for Sequential "
                f"and functional models, got a {type(model).__name__}"
            )
        with live_configs():
            config = model.get_config()
        if self.make is not None or self.recursive:
            old = {layer.name: layer for layer in model.layers}
            config["layers"] = [
                entry
                if isinstance(old.get(entry["config"]["name"]), InputLayer | None)
                else self.layer(old[entry["config"]["name"]])
                for entry in config["layers"]
            ]
        if isinstance(model, Sequential) and input_tensors is not None:
            (tensor,) = _symbols(model.input, input_tensors)
            layers = [e for e in config["layers"] if not _is_input(e)]
            if not isinstance(tensor.node.layer, InputLayer):
                end = tensor
                for layer in layers:
                    end = get(layer)(end)
                return Functional(tensor, end, name=model.name)
            config["layers"] = [tensor, *layers]
        with with_custom_objects(own_classes(model)):
            return type(model).from_config(config)

    def _graph(self, model: Functional, input_tensors: Any) -> Any:
        """Return the clone of a graph, call by call."""
        if input_tensors is None:
            inputs = [_anew(s.node.layer).symbolic_tensor() for s in model.inputs]  # type: ignore[attr-defined]
        else:
            inputs = _symbols(model.input, input_tensors)
        now = dict(zip(model.inputs, inputs, strict=True))
        for step in model.graph.calls:
            node, layer = step.node, self.layer(step.layer)
            x = node.form if node.form is not None else list(node.inputs)
            x = replace(x if node.several else node.inputs[0], now.__getitem__)
            options = replace(node.options, now.__getitem__)
            y = self.call(layer, x, **options) if self.call else layer(x, **options)
            now.update(zip(node.outputs, flatten(y), strict=True))
        return type(model)(
            replace(model.input, now.__getitem__),
            replace(model.output, now.__getitem__),
            name=model.name,
            trainable=model.trainable,
        )


def _anew(layer: Layer) -> Layer:
    """Make a layer again from its config."""
    with live_configs():
        config = layer.get_config()
    with with_custom_objects(own_classes(layer)):
        return type(layer).from_config(config)


def _symbols(form: Any, input_tensors: Any) -> list[SymbolicTensor]:
    """Return the symbolic tensors given as inputs, for the leaves of a model's own."""
    what = "clone_model: input_tensors"
    if not is_nested(form) and is_nested(input_tensors) and len(input_tensors) == 1:
        (input_tensors,) = input_tensors
    try:
        found = flatten_up_to(form, input_tensors)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    for tensor in found:
        if not isinstance(tensor, SymbolicTensor):
            raise ValueError(f"{what}: expected symbolic tensors, got {tensor!r:.80}")
    return found


def _is_input(entry: Any) -> bool:
    name = entry.get("class_name") if isinstance(entry, dict) else type(entry).__name__
    return name == InputLayer.__name__
