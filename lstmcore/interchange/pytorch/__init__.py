"""PyTorch's weights, read and written without PyTorch."""

from .building import layers_from_torch
from .modules import from_torch
from .reading import State, read_torch
from .writing import to_torch

__all__ = ["State", "from_torch", "layers_from_torch", "read_torch", "to_torch"]
