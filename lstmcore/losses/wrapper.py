"""FunctionLoss: a loss from a function of the user."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..names import snake_case
from ..validation import plain_array
from .base import Array, Loss, Values, registry, same_rank


def name_of(function: Any) -> str | None:
    """Return Keras's name for a function in snake_case, None if it has no name."""
    name = getattr(function, "__name__", None)
    return None if name is None else snake_case(re.sub(r"\W+", "", name))


@registry.add()
class FunctionLoss(Loss):
    """A loss from a function ``f(y_true, y_pred) -> (values, dvalues/dy_pred)``.

    Parameters
    ----------
    function : callable
        Takes arrays (batch, ..., units); returns values (batch, ...) and a gradient of the
        shape of y_pred. It must return the gradient: nothing here differentiates functions.
    """

    def __init__(
        self,
        function: Any,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        if isinstance(function, dict):  # from a config: the name of a custom object
            function = registry.find(str(function.get("function")))
        super().__init__(name_of(function) if name is None else name, reduction, dtype)
        self.function = function

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Convert targets to the predictions' rank; the function checks their shape."""
        return same_rank(plain_array(y_true, f"{self.what}: y_true", dtype), shape)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        result = self.function(y_true, y_pred)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"{self.what}: expected the function to return (values, gradient with "
                f"respect to y_pred), got {type(result).__name__}"
            )
        values, gradient = np.asarray(result[0]), np.array(result[1], dtype=y_pred.dtype)
        if values.shape != y_pred.shape[:-1] or gradient.shape != y_pred.shape:
            raise ValueError(
                f"{self.what}: expected values {y_pred.shape[:-1]} and a gradient "
                f"{y_pred.shape}, got {values.shape} and {gradient.shape}"
            )
        return values, gradient
