"""Operators of symbolic tensors: ``a + b``, ``2 * a``, ``a[:, -1]`` as layers of the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .merging.elementwise import Add, Multiply, Subtract
from .preprocessing.rescaling import Rescaling
from .reshaping.slicing import GetItem
from .symbolic import OPERATORS, SymbolicTensor


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    OPERATORS[function.__name__] = function
    return function


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@_operator
def getitem(a: SymbolicTensor, key: Any) -> Any:
    """``a[key]``"""
    return GetItem(key)(a)


@_operator
def add(a: SymbolicTensor, b: Any) -> Any:
    """``a + b``"""
    if isinstance(b, SymbolicTensor):
        return Add()([a, b])
    return Rescaling(1.0, b)(a) if _is_number(b) else NotImplemented


@_operator
def sub(a: SymbolicTensor, b: Any) -> Any:
    """``a - b``"""
    if isinstance(b, SymbolicTensor):
        return Subtract()([a, b])
    return Rescaling(1.0, -b)(a) if _is_number(b) else NotImplemented


@_operator
def rsub(a: SymbolicTensor, b: Any) -> Any:
    """``b - a``, for a number b"""
    return Rescaling(-1.0, b)(a) if _is_number(b) else NotImplemented


@_operator
def mul(a: SymbolicTensor, b: Any) -> Any:
    """``a * b``"""
    if isinstance(b, SymbolicTensor):
        return Multiply()([a, b])
    return Rescaling(b, 0.0)(a) if _is_number(b) else NotImplemented


@_operator
def truediv(a: SymbolicTensor, b: Any) -> Any:
    """``a / b``, for a number b"""
    return Rescaling(1 / b, 0.0)(a) if _is_number(b) and b != 0 else NotImplemented
