"""Regularizers and constraints of the weights that recurrent layers and their cells have."""

from __future__ import annotations

from typing import Any

from ... import constraints, regularizers
from ..base import Layer
from ..symbolic import SymbolicTensor


def constructor_arguments(given: dict[str, Any], *own: str) -> dict[str, Any]:
    """Return the arguments in a constructor's ``locals()`` for its base, without `own`."""
    named = (name for name in given if name not in ("self", "__class__", "kwargs", *own))
    return {**{name: given[name] for name in named}, **given["kwargs"]}


def split_states(x: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Return x and the other arguments of a call, with the states of a list ``[x, *states]``.

    States have an axis less than x, which tells such a list from one of sequences.
    """
    if isinstance(x, list | tuple) and x:
        first, *states = x
        ndims = [getattr(part, "ndim", 0) for part in x]
        if states and all(n == ndims[0] - 1 for n in ndims[1:]):
            return first, (states, *args)
        if not states and isinstance(first, SymbolicTensor):
            return first, args
    return x, args


class RecurrentParameters(Layer):
    """A layer with a kernel, a recurrent kernel and a bias.

    Subclasses list all of Keras's arguments in Keras's order, so that they can be passed by
    position and editors show them.

    Parameters
    ----------
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training: ``"l2"``, ``L1L2(1e-4, 1e-3)``.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step: ``MaxNorm(3)``.
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
        """Return arguments of `add_weight` for ``"kernel"``, ``"recurrent"`` or ``"bias"``."""
        return {
            "regularizer": getattr(self, f"{weight}_regularizer"),
            "constraint": getattr(self, f"{weight}_constraint"),
        }
