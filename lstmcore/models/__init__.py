"""Models: layers one after another, or in any graph."""

from typing import Any

from .cloning import clone_model, model_from_json
from .functional import Functional
from .model import Model, formats
from .sequential import Sequential
from .texts import TextReader

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "TextReader",
    "clone_model",
    "formats",
    "load_model",
    "model_from_json",
    "save_model",
]


def __getattr__(name: str) -> Any:
    """Find what reads and writes files, which stands on a higher floor, where Keras has it."""
    if name in ("load_model", "save_model"):
        from importlib import import_module

        return getattr(import_module("lstmcore.saving"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
