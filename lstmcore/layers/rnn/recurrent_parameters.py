"""Regularizers and constraints of the weights that recurrent layers and their cells have."""

from __future__ import annotations

from typing import Any

from ... import constraints, regularizers
from ..base import Layer


def constructor_arguments(given: dict[str, Any], *own: str) -> dict[str, Any]:
    """What a constructor hands on of its ``locals()``: all but what is its own."""
    named = (name for name in given if name not in ("self", "__class__", "kwargs", *own))
    return {**{name: given[name] for name in named}, **given["kwargs"]}


class RecurrentParameters(Layer):
    """A layer with a kernel, a recurrent kernel and a bias.

    Its subclasses spell all arguments out that Keras has, in Keras's order: so they can be given by
    place, and editors show them.

    Parameters
    ----------
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        What of the weights is added to the loss in training: ``"l2"``, ``L1L2(1e-4, 1e-3)``.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What the weights become after each step of the optimizer: ``MaxNorm(3)``.
    **kwargs
        See `Layer`.
    """

    def __init__(
        self,
        *,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def weight_options(self, weight: str) -> dict[str, Any]:
        """What `add_weight` is to be told of the kernel, the recurrent kernel or the bias."""
        return {
            "regularizer": getattr(self, f"{weight}_regularizer"),
            "constraint": getattr(self, f"{weight}_constraint"),
        }
