"""Files of models and of weights, a module for each format; names of users' own classes."""

from ..registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from .describe import describe_file
from .model_file import load_model, save_model
from .objects import deserialize_keras_object, serialize_keras_object
from .weights_file import load_weights, restore_state, save_state, save_weights

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "describe_file",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "restore_state",
    "save_model",
    "save_state",
    "save_weights",
    "serialize_keras_object",
]
