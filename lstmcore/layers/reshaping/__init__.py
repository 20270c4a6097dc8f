"""Layers that reshape, reorder, repeat or slice."""

from .reshape import Flatten, Permute, RepeatVector, Reshape
from .slicing import GetItem

__all__ = [
    "Flatten",
    "GetItem",
    "Permute",
    "RepeatVector",
    "Reshape",
]
