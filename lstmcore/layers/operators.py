"""Operators of symbolic tensors: ``a + b``, ``2 * a``, ``a[:, -1]`` as layers of the graph.

Where a layer of Keras does it, that layer is recorded; all else is an op of `lstmcore.ops`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..validation import refuse_masked
from . import symbolic
from .module import DTYPES
from .parameters import Param
from .symbolic import BINARY, COMPARISONS, OPERATORS, UNARY, SymbolicTensor

# The ops of all operators.
OPS = {
    **{"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power"},
    **{"matmul": "matmul", "floordiv": "floor_divide", "mod": "mod", "neg": "negative"},
    **{"abs": "absolute", "invert": "logical_not", "and": "logical_and", "or": "logical_or"},
    **{"xor": "logical_xor", "lt": "less", "le": "less_equal", "gt": "greater"},
    **{"ge": "greater_equal", "ne": "not_equal", "round": "round"},
}


# The layers of the common operators are imported when one is first used.


def _merged(name: str, a: Any, b: Any) -> Any:
    from .merging import elementwise

    return getattr(elementwise, name)()([a, b])


def _rescaled(a: Any, scale: Any, offset: Any) -> Any:
    from .preprocessing.rescaling import Rescaling

    return Rescaling(scale, offset)(a)


def _item(a: Any, parts: tuple[Any, ...]) -> Any:
    from .reshaping.slicing import GetItem

    return GetItem(parts)(a)


def _op(name: str, *operands: Any) -> Any:
    return getattr(symbolic.late_ops(), OPS[name])(*operands)


def _is_operand(value: Any) -> bool:
    """Return True for a symbolic tensor, a number, or an array or list of numbers."""
    refuse_masked(value, "an operator of symbolic tensors")
    return isinstance(value, SymbolicTensor) or np.asarray(value).dtype.kind in "biuf"


def _by_op(name: str, reflected: bool = False) -> Callable[..., Any]:
    def operator(a: SymbolicTensor, *others: Any) -> Any:
        if name == "round":
            return _op(name, a, *(n for n in others if n is not None))
        if not all(map(_is_operand, others)):
            return NotImplemented
        return _op(name, *others, a) if reflected else _op(name, a, *others)

    return operator


OPERATORS.update({name: _by_op(name) for name in (*UNARY, *BINARY, *COMPARISONS)})
OPERATORS.update({f"r{name}": _by_op(name, reflected=True) for name in BINARY})


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate an operator for which there is a layer: if it returns None, its op is taken."""
    name = function.__name__
    general = OPERATORS[name]

    def operator(a: SymbolicTensor, *others: Any) -> Any:
        if not all(map(_is_operand, others)):
            return NotImplemented
        made = function(a, *others)
        return general(a, *others) if made is None else made

    OPERATORS[name] = operator
    return function


def _constant(value: Any, a: SymbolicTensor) -> Any:
    """Return a number, or an array that leaves the shape of `a` as it is; None for all else.

    A weight is no constant; and whole numbers and truth values are left to the ops, which know
    what type 0.5 makes of them.
    """
    if isinstance(value, SymbolicTensor | Param) or a.dtype not in (None, *DTYPES):
        return None
    array = np.asarray(value)
    if array.dtype.kind == "b":
        array = array.astype(int)
    if not np.isfinite(array).all():
        return None
    if array.ndim == 0:
        return array.item()
    axes = a.shape[a.ndim - array.ndim :] if array.ndim < a.ndim else ()
    fits = bool(axes) and all(n in (1, size) for n, size in zip(array.shape, axes, strict=True))
    return array if fits else None


@_operator
def add(a: SymbolicTensor, b: Any) -> Any:
    """``a + b``"""
    if isinstance(b, SymbolicTensor):
        return _merged("Add", a, b)
    number = _constant(b, a)
    return None if number is None else _rescaled(a, 1.0, number)


@_operator
def sub(a: SymbolicTensor, b: Any) -> Any:
    """``a - b``"""
    if isinstance(b, SymbolicTensor):
        return _merged("Subtract", a, b)
    number = _constant(b, a)
    return None if number is None else _rescaled(a, 1.0, -number)


@_operator
def rsub(a: SymbolicTensor, b: Any) -> Any:
    """``b - a``"""
    number = _constant(b, a)
    return None if number is None else _rescaled(a, -1.0, number)


@_operator
def mul(a: SymbolicTensor, b: Any) -> Any:
    """``a * b``"""
    if isinstance(b, SymbolicTensor):
        return _merged("Multiply", a, b)
    number = _constant(b, a)
    return None if number is None else _rescaled(a, number, 0.0)


@_operator
def truediv(a: SymbolicTensor, b: Any) -> Any:
    """``a / b``"""
    number = _constant(b, a)
    return None if number is None or not np.all(number) else _rescaled(a, 1 / number, 0.0)


@_operator
def neg(a: SymbolicTensor) -> Any:
    """``-a``"""
    return None if _constant(-1.0, a) is None else _rescaled(a, -1.0, 0.0)


OPERATORS.update(radd=OPERATORS["add"], rmul=OPERATORS["mul"])


def getitem(a: SymbolicTensor, key: Any) -> Any:
    """``a[key]``"""
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, SymbolicTensor) for part in parts):
        raise TypeError(f"{a!r}: index: a symbolic one is for lstmcore.ops.take, got {key!r:.80}")
    listed = [part for part in parts if isinstance(part, list | tuple) or np.ndim(part) > 0]
    if not listed:
        return _item(a, parts)
    at = next(i for i, part in enumerate(parts) if part is listed[0])
    index, rest = np.asarray(listed[0]), [*parts[:at], slice(None), *parts[at + 1 :]]
    if len(listed) > 1 or index.dtype.kind not in "iu" or any(map(_is_whole, rest)):
        raise TypeError(
            f"{a!r}: index: expected whole numbers, slices, None and ..., or one array of whole "
            f"numbers and slices, got {key!r:.80}"
        )
    if at == 0:
        raise TypeError(f"{a!r}: index: expected all samples (x[:, ...]), got {key!r:.80}")
    # how many axes the parts before the array make: "..." stands for all that are not named
    dots = a.ndim - sum(part is not None and part is not Ellipsis for part in rest)
    axis = sum(dots if part is Ellipsis else 1 for part in rest[:at])
    return symbolic.late_ops().take(_item(a, tuple(rest)), index, axis=axis)


def _is_whole(part: Any) -> bool:
    return isinstance(part, int | np.integer)


OPERATORS["getitem"] = getitem
