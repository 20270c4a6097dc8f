"""The base class of the mixins: `object` at run time, a Layer for the type checker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..layers.base import Layer

    class Mixin(Layer):
        """The methods of a model that the mixins call."""

        def convert_inputs(self, x: Any, what: str = "x") -> list[Any]: ...
else:
    Mixin = object

__all__ = ["Mixin"]
