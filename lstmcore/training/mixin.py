"""The base of the mixins `Predictor` and `Trainer`: nothing, but a Layer to the type checker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..layers.base import Layer

    class Mixin(Layer):
        """What the mixins need of a model."""

        def convert_inputs(self, x: Any, what: str = "x") -> list[Any]: ...
else:
    Mixin = object

__all__ = ["Mixin"]
