"""Files of models: one module for each kind."""

from .describing import describe_file
from .native import load_model, save_model
from .weights import load_weights, restore_state, save_state, save_weights

__all__ = [
    "describe_file",
    "load_model",
    "load_weights",
    "restore_state",
    "save_model",
    "save_state",
    "save_weights",
]
