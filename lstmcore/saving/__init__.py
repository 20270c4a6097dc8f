"""Files of models and of weights: one module for each format."""

from .describe import describe_file
from .model_file import load_model, save_model
from .weights_file import load_weights, restore_state, save_state, save_weights

__all__ = [
    "describe_file",
    "load_model",
    "load_weights",
    "restore_state",
    "save_model",
    "save_state",
    "save_weights",
]
