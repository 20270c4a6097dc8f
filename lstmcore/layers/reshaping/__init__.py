"""Layers that reshape, reorder, repeat or slice."""

from ...refused import names_within
from .reshape import Flatten, Permute, RepeatVector, Reshape
from .slicing import GetItem

__all__ = [
    "Flatten",
    "GetItem",
    "Permute",
    "RepeatVector",
    "Reshape",
]

__getattr__ = names_within(__name__)
