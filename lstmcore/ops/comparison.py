"""Comparisons and logic: arrays of truth values, which have no derivative."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy

from .operation import op
from .types import axes_of, operands, plain, tensor


@op
def equal(x1: Any, x2: Any) -> Any:
    """Return True where x1 == x2."""
    return np.equal(*operands(x1, x2))


@op
def not_equal(x1: Any, x2: Any) -> Any:
    """Return True where x1 != x2."""
    return np.not_equal(*operands(x1, x2))


@op
def greater(x1: Any, x2: Any) -> Any:
    """Return True where x1 > x2."""
    return np.greater(*operands(x1, x2))


@op
def greater_equal(x1: Any, x2: Any) -> Any:
    """Return True where x1 >= x2."""
    return np.greater_equal(*operands(x1, x2))


@op
def less(x1: Any, x2: Any) -> Any:
    """Return True where x1 < x2."""
    return np.less(*operands(x1, x2))


@op
def less_equal(x1: Any, x2: Any) -> Any:
    """Return True where x1 <= x2."""
    return np.less_equal(*operands(x1, x2))


@op
def logical_and(x1: Any, x2: Any) -> Any:
    """Return True where both are true, that is not 0."""
    return np.logical_and(tensor(x1), tensor(x2))


@op
def logical_or(x1: Any, x2: Any) -> Any:
    """Return True where at least one is true."""
    return np.logical_or(tensor(x1), tensor(x2))


@op
def logical_xor(x1: Any, x2: Any) -> Any:
    """Return True where exactly one is true."""
    return np.logical_xor(tensor(x1), tensor(x2))


@op
def logical_not(x: Any) -> Any:
    """Return True where x is false, that is 0."""
    return np.logical_not(tensor(x))


@op
def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Return True where abs(x1 - x2) <= atol + rtol * abs(x2)."""
    return np.isclose(tensor(x1), tensor(x2), rtol=rtol, atol=atol, equal_nan=equal_nan)


@op
def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Return True if all numbers are close, see `isclose`."""
    return np.allclose(tensor(x1), tensor(x2), rtol=rtol, atol=atol, equal_nan=equal_nan)


@op
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Return True where a number of x1 is among those of x2."""
    return numpy.isin(plain(x1), plain(x2), assume_unique=assume_unique, invert=invert)


@op
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return True if all are true along an axis, or several."""
    return np.all(tensor(x), axis=axes_of(axis), keepdims=keepdims)


@op
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return True if one is true along an axis, or several."""
    return np.any(tensor(x), axis=axes_of(axis), keepdims=keepdims)
