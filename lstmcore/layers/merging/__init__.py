"""Layers that merge several arrays into one, and their functional forms."""

from ...refused import names_within
from .concatenate import (
    Concatenate,
    Dot,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .elementwise import Add, Average, Maximum, Minimum, Multiply, Subtract

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]

__getattr__ = names_within(__name__)
