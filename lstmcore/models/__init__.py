"""Models: linear stacks (`Sequential`) and graphs (`Functional`) of layers."""

from ..saving import load_model, save_model
from .cloning import clone_model, model_from_json
from .functional import Functional
from .model import Model
from .sequential import Sequential
from .texts import TextReader

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "TextReader",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
