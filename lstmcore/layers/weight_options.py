"""The initializer, regularizer and constraint of each weight, as arguments of a constructor."""

from __future__ import annotations

from typing import Any

from .. import constraints, initializers, regularizers
from .module import Module

_GETTERS = {
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}


def set_weight_options(layer: Module, given: dict[str, Any], *weights: str) -> None:
    """Set attributes such as ``layer.kernel_initializer`` from a constructor's ``locals()``.

    Parameters
    ----------
    layer : Module
    given : dict
        The constructor's arguments by name, among them ``<weight>_initializer``,
        ``<weight>_regularizer`` and ``<weight>_constraint`` for each of `weights`.
    *weights : str
        The names of the weights in these arguments: ``"kernel"``, ``"bias"``.
    """
    for weight in weights:
        for kind, get in _GETTERS.items():
            name = f"{weight}_{kind}"
            setattr(layer, name, get(given[name]))


def weight_options(layer: Module, weight: str) -> dict[str, Any]:
    """Return the arguments of `Module.add_weight` that `set_weight_options` has set."""
    return {kind: getattr(layer, f"{weight}_{kind}") for kind in _GETTERS}
