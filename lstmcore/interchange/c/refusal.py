"""Errors that name the layer and what has no C form."""

from __future__ import annotations

from typing import Any


class Refused(ValueError):
    """A model that cannot be exported as C."""


def refused(layer: Any, what: str = "") -> Refused:
    """Return the error for a layer, or for an option of it: ``"activation='gelu'"``."""
    kind = type(layer).__name__
    option = f"{what} has" if what else "has"
    separator = ": " if what else " "
    return Refused(f"export: layer {layer.name!r} ({kind}){separator}{option} no C form")
