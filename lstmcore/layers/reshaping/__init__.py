"""Layers that change the shape and nothing else."""

from .reshape import Flatten, Permute, RepeatVector, Reshape
from .slicing import GetItem

__all__ = [
    "Flatten",
    "GetItem",
    "Permute",
    "RepeatVector",
    "Reshape",
]
