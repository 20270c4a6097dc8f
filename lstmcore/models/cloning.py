"""New models of a known architecture: from JSON, or as clones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..layers.base import Layer, get, own_classes
from ..layers.core.input import InputLayer
from ..registry import custom_objects as with_custom_objects
from ..serialization import live_configs
from .model import Model


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """Build a model with new weights from the JSON of `Model.to_json`.

    Parameters
    ----------
    json_string : str
    custom_objects : dict of str to class or function, optional
        Classes and functions that the JSON may name besides the library's own.

    Raises
    ------
    ValueError
        If the text describes no model.
    """
    try:
        config = json.loads(json_string)
    except json.JSONDecodeError as error:
        raise ValueError(f"model_from_json: expected JSON: {error}") from None
    with with_custom_objects(custom_objects):
        model = get(config)
    if not isinstance(model, Model):
        raise ValueError(f"model_from_json: expected a model, got a {type(model).__name__}")
    return model


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Any = None,
    recursive: bool = False,
) -> Any:
    """Return a model of the same architecture with new layers and weights.

    Parameters
    ----------
    model : Model
    clone_function : callable, optional
        Makes the new layer for each of the model's, inputs excepted; the default makes it from
        the layer's config.
    input_tensors, call_function, recursive : optional
        Accepted for compatibility with Keras; only None and False are supported.
    """
    for name, value in (
        ("input_tensors", input_tensors),
        ("call_function", call_function),
        ("recursive", recursive or None),
    ):
        if value is not None:
            raise ValueError(f"clone_model: {name}: expected nothing, got {value!r:.80}")
    with live_configs():
        config = model.get_config()
    if clone_function is not None:
        old = {layer.name: layer for layer in model.layers}
        config["layers"] = [
            entry
            if isinstance(old.get(entry["config"]["name"]), InputLayer | None)
            else clone_function(old[entry["config"]["name"]])
            for entry in config["layers"]
        ]
    with with_custom_objects(own_classes(model)):
        return type(model).from_config(config)
