"""FunctionLoss: a loss from a function of the user."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .. import context
from ..names import snake_case
from ..validation import plain_array
from .base import Array, Loss, Values, registry, same_rank


def name_of(function: Any) -> str | None:
    """Return Keras's name for a function in snake_case, None if it has no name."""
    name = getattr(function, "__name__", None)
    return None if name is None else snake_case(re.sub(r"\W+", "", name))


@registry.add()
class FunctionLoss(Loss):
    """A loss from a function ``f(y_true, y_pred)``.

    Parameters
    ----------
    function : callable
        Takes arrays (batch, ..., units) and returns values (batch, ...), or one number for the
        batch, made of `lstmcore.ops`: the rest is derived. Or, the fast way, it returns
        ``(values, gradient)`` with the gradient of the shape of y_pred.
    """

    overrides_call = True  # until the function has returned a gradient, too

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
        self._looked = False

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Convert targets to the predictions' rank; the function checks their shape."""
        return same_rank(plain_array(y_true, f"{self.what}: y_true", dtype), shape)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values of the function."""
        return self.function(y_true, y_pred)

    def forward(
        self,
        y_true: Array,
        y_pred: Array,
        sample_weight: Array | None = None,
        grad: bool = True,
        mask: Array | None = None,
    ) -> tuple[float, Array | None]:
        """Return the reduced loss and its gradient; see `Loss.forward`."""
        self._look(y_true, y_pred)
        return super().forward(y_true, y_pred, sample_weight, grad, mask)

    def _look(self, y_true: Any, y_pred: Any) -> None:
        """Call the function once, to see whether it returns a gradient."""
        if self._looked:
            return
        with np.errstate(all="ignore"), context.changed(tape=None):
            result = self.function(y_true, y_pred)
        self.overrides_call = not isinstance(result, tuple)
        self._looked = True

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        """Return values and gradient; see `Loss.values`."""
        self._look(y_true, y_pred)
        if self.overrides_call:
            return super().values(y_true, y_pred, grad)
        result = self.function(y_true, y_pred)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"{self.what}: expected the function to return values, or (values, gradient with "
                f"respect to y_pred), got {type(result).__name__}"
            )
        values, gradient = np.asarray(result[0]), np.array(result[1], dtype=y_pred.dtype)
        if values.shape != y_pred.shape[:-1] or gradient.shape != y_pred.shape:
            raise ValueError(
                f"{self.what}: expected values {y_pred.shape[:-1]} and a gradient "
                f"{y_pred.shape}, got {values.shape} and {gradient.shape}"
            )
        return values, gradient
