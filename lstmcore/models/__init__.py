"""Models: linear stacks (`Sequential`) and graphs (`Functional`) of layers."""

from typing import TYPE_CHECKING

from ..layers.base import registry
from ..lazy import attributes
from ..saving import load_model, save_model
from .cloning import clone_model, model_from_json
from .functional import Functional
from .model import Model
from .sequential import Sequential

if TYPE_CHECKING:
    from .axes_model import AxesModel
    from .texts import TextReader

registry.later(f"{__name__}.texts", "TextReader")
registry.later(f"{__name__}.axes_model", "AxesModel")

__all__ = [
    "AxesModel",
    "Functional",
    "Model",
    "Sequential",
    "TextReader",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]

__getattr__ = attributes(__name__, {"texts": ("TextReader",), "axes_model": ("AxesModel",)})
