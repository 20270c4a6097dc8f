"""The table of layers that ONNX can say, each with the function that adds it to a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .builder import Builder, Call, Value

Export = Callable[[Builder, Call], Any]

EXPORTS: dict[type, Export] = {}
# functions that do the same at every step: the streaming form takes them
_BY_STEP: dict[type, Callable[[Call], bool]] = {}


def exports(
    *classes: type, by_step: bool | Callable[[Call], bool] = False
) -> Callable[[Export], Export]:
    """Enter the decorated function for layers of these classes, and not for subclasses.

    It returns a `Value` or a list of them, one for each output.

    Parameters
    ----------
    *classes : type
    by_step : bool or callable
        True if every step of the output depends on the same step of the inputs alone; or a
        function of the call that says so.
    """

    def enter(function: Export) -> Export:
        for cls in classes:
            EXPORTS[cls] = function
            _BY_STEP[cls] = by_step if callable(by_step) else lambda call: bool(by_step)
        return function

    return enter


def goes_by_step(call: Call) -> bool:
    """Return True if every step of the output depends on the same step of the inputs alone."""
    return _BY_STEP[type(call.layer)](call)


def values(made: Any) -> list[Value]:
    """Return what a function returned as a list."""
    return list(made) if isinstance(made, list | tuple) else [made]
