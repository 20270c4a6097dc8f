"""Autograd's boxes say which operation cannot be derived, where they would lose the derivative."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from autograd.core import VSpace
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import Box, isbox

from .. import context
from ..validation import Array
from .tensors import Tensor

# Autograd looks types up by themselves, not by their bases.
Box.type_mappings[Tensor] = ArrayBox
VSpace.mappings[Tensor] = VSpace.mappings[np.ndarray]


def is_box(x: Any) -> bool:
    """Return True for a number or an array that is being derived, a weight on a tape included."""
    return bool(isbox(x))


def unboxed(x: Any) -> Any:
    """Return the array in a box; anything else as it is."""
    while isbox(x):
        x = x._value
    return x


def _line() -> str:
    """Return the place in the user's code that is being executed."""
    frame = sys._getframe(1)
    ours = __package__.partition(".")[0] + "."
    while frame.f_back is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith((ours, "autograd.", "numpy.")):
            break
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name}"


def untraceable(what: str, instead: str) -> TypeError:
    """Return the error for an operation that cannot be derived."""
    return TypeError(f"{what} cannot be differentiated ({_line()}): {instead}")


def _leaving(what: str, instead: str) -> Callable[..., Any]:
    """Make a method of boxes that is allowed only when the tape has ended."""

    def method(box: Any, *args: Any, **kwargs: Any) -> Any:
        tape = context.current().tape
        if tape is not None and tape.owns(box):
            raise untraceable(what, instead)
        value = unboxed(box)
        return float(value) if what == "float(x)" else int(value) if what == "int(x)" else value

    return method


_STAY = "use functions of lstmcore.ops, which take x as it is"


def _array(box: Any, dtype: Any = None, copy: Any = None) -> Array:
    return np.array(_leaving("conversion to a NumPy array", _STAY)(box), dtype=dtype)


def _array_function(box: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    import autograd.numpy as derivable

    same: Any = derivable
    for part in function.__module__.split(".")[1:]:
        same = getattr(same, part, None)
    same = getattr(same, function.__name__, None)
    if same is None or same is function:
        raise untraceable(f"numpy.{function.__name__}", _STAY)
    try:
        return same(*args, **kwargs)
    except NotImplementedError:  # autograd computes it, and has no derivative
        raise untraceable(f"numpy.{function.__name__}", _STAY) from None


def _setitem(box: Any, key: Any, value: Any) -> None:
    raise untraceable(
        "an assignment to x[...]",
        "make a new array: ops.where, ops.concatenate, ops.slice_update or ops.scatter_update",
    )


def _boxes_say_what_they_cannot() -> None:
    """Give autograd's boxes the methods with which they would silently lose their derivative."""
    ArrayBox.__float__ = _leaving("float(x)", _STAY)
    ArrayBox.__int__ = _leaving("int(x)", _STAY)
    ArrayBox.item = _leaving("x.item()", _STAY)
    ArrayBox.tolist = _leaving("x.tolist()", _STAY)
    ArrayBox.numpy = _leaving("x.numpy()", _STAY)
    ArrayBox.__array__ = _array
    ArrayBox.__array_function__ = _array_function
    ArrayBox.__setitem__ = _setitem


_boxes_say_what_they_cannot()
