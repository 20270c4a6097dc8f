"""The decorator of all ops: it takes weights, boxes and symbolic tensors beside arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..autodiff.tensors import tensor
from ..layers.parameters import Param
from ..layers.symbolic import OPERATORS, has_symbols
from ..validation import plain_array

F = TypeVar("F", bound=Callable[..., Any])

OPS: dict[str, Callable[..., Any]] = {}  # all ops by name, as files refer to them


def op(function: F) -> F:
    """Make an op of a function of arrays, written with ``autograd.numpy``.

    Weights become their arrays, or leaves of the tape that is recording. On symbolic tensors,
    alone or in lists, the call is recorded in the graph as a layer.
    """
    name = function.__name__

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if has_symbols(args) or has_symbols(kwargs):
            return OPERATORS["operation"](name, args, kwargs)  # of `lstmcore.ops.layer`
        args = tuple(_value(a, name) for a in args)
        kwargs = {key: _value(a, name) for key, a in kwargs.items()}
        return tensor(function(*args, **kwargs))

    OPS[name] = wrapped
    return wrapped  # type: ignore[return-value]


def _value(x: Any, name: str) -> Any:
    """Return the array or box of a weight, also in lists; anything else as it is.

    Masked numbers are refused in the name of the op.
    """
    if isinstance(x, Param):
        return x.traced()
    if isinstance(x, np.ma.MaskedArray):
        return plain_array(x, f"ops.{name}")
    special = (Param, np.ma.MaskedArray)
    if isinstance(x, list | tuple) and any(isinstance(part, special) for part in x):
        return [_value(part, name) for part in x]
    return x
