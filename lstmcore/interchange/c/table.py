"""The table of layers that have a C form: a function for each class adds its operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .program import Program, Value
from .refusal import refused

# (program, layer, inputs) -> what the layer makes
Adding = Callable[[Program, Any, list[Value]], Value]
FORMS: dict[type, Adding] = {}


def has_form(*classes: type) -> Callable[[Adding], Adding]:
    """Enter the decorated function in the table for these classes."""

    def enter(function: Adding) -> Adding:
        FORMS.update(dict.fromkeys(classes, function))
        return function

    return enter


def add_form(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a layer's operations; return what it makes.

    Raises
    ------
    Refused
        If its class is not in the table, or it computes in another type than float32.
    """
    form = FORMS.get(type(layer))
    if form is None or layer.overrides_call:
        raise refused(layer)
    if layer.product_storage is not None:
        raise refused(layer, f"dtype={layer.dtype_policy.name!r}")
    if (layer.dtype or program.model.dtype) != "float32":
        raise refused(layer, f"dtype={layer.dtype!r}")
    return form(program, layer, inputs)
