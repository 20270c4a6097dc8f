"""The types of ops: Keras's rules for arrays, numbers and lists.

Numbers of Python take the type of the arrays beside them. Whole numbers that meet real ones become
real ones of their type; alone, where the result is real, they become float32. Other than in Keras
on JAX float64 and int64 arrays stay what they are.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from .. import config
from ..autodiff.boxes import is_box, unboxed
from ..layers.parameters import Param
from ..validation import Array

_INT = np.dtype("int32")


def float_type() -> np.dtype[Any]:
    """Return the type of real numbers that have none: `lstmcore.config.floatx`, float32."""
    return np.dtype(config.floatx())


def dtype_named(dtype: Any, default: Any = "float") -> np.dtype[Any]:
    """Return the dtype of a name, a Python type or a dtype; None is the default.

    "bfloat16", the `compute_dtype` of a layer in mixed precision, is float32: its arrays are.

    Raises
    ------
    ValueError
        If there is no such dtype.
    """
    if dtype is None:
        dtype = default
    if dtype is float or (isinstance(dtype, str) and dtype == "float"):
        return float_type()
    if isinstance(dtype, str) and dtype == "bfloat16":
        return np.dtype("float32")
    if dtype is int or (isinstance(dtype, str) and dtype == "int"):
        return _INT
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise ValueError(
            f"dtype: expected one of NumPy's, such as 'float32', got {dtype!r}"
        ) from None
    return found


def tensor(x: Any) -> Any:
    """Return x as an array, or as the box that it is.

    Numbers of Python, and lists of them, become bool, int32 or float32.
    """
    if isinstance(x, np.ndarray | np.generic) or is_box(x):
        return x
    if isinstance(x, Param):
        return x.value
    if isinstance(x, list | tuple):
        return _of_list(x)
    array = np.asarray(x)
    if array.dtype.kind not in "biufc" or not isinstance(x, bool | int | float | complex):
        return array
    return _narrowed(array)


def _of_list(x: Any) -> Any:
    leaves = list(_leaves(x))
    if any(is_box(leaf) for leaf in leaves):
        return anp.array([tensor(part) for part in x])
    array = np.asarray([tensor(part) for part in x] if _has_weights(leaves) else x)
    plain = all(type(leaf) in (bool, int, float) for leaf in leaves)
    return _narrowed(array) if plain else array


def _leaves(x: Any) -> Any:
    for part in x:
        if isinstance(part, list | tuple):
            yield from _leaves(part)
        else:
            yield part


def _has_weights(leaves: list[Any]) -> bool:
    return any(isinstance(leaf, Param) for leaf in leaves)


def _narrowed(array: Array) -> Array:
    """Return Python's float as float32, its int as int32 where the numbers fit."""
    if array.dtype == np.float64:
        return array.astype(float_type())
    if array.dtype == np.int64 and (not array.size or np.abs(array).max() < 2**31):
        return array.astype(_INT)
    return array


def cast_to(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return an array or box in another type; the same one if it has it."""
    return x if x.dtype == dtype else x.astype(dtype)


def floating(x: Any) -> Any:
    """Return an array or box of real (or complex) numbers; whole ones become float32."""
    x = tensor(x)
    return x if x.dtype.kind in "fc" else x.astype(float_type())


def floats(*xs: Any) -> tuple[Any, ...]:
    """Return arrays or boxes of real numbers of one type."""
    return operands(*(floating(x) if not _is_number(x) else float(x) for x in xs))


def _is_number(x: Any) -> bool:
    return type(x) in (float, int, bool)


def operands(*xs: Any) -> tuple[Any, ...]:
    """Return the operands of a function of several arrays in types that NumPy joins as Keras does.

    Python's numbers stay as they are: NumPy gives them the type of the arrays.
    """
    given = [x if _is_number(x) else tensor(x) for x in xs]
    types = {x.dtype for x in given if not _is_number(x)}
    if len(types) == 1 and next(iter(types)).kind == "f":
        return tuple(given)
    if not types:
        return tuple(joined([tensor(x) for x in given]))
    weak = {id(x) for x in given if isinstance(x, np.float64)}  # of math on Python's numbers
    if weak and any(isinstance(x, np.ndarray) or is_box(x) for x in given):
        given = [float(x) if id(x) in weak else x for x in given]
        types = {x.dtype for x in given if not _is_number(x)}
    real = [t for t in types if t.kind in "fc"]
    if not real and not any(type(x) is float for x in given):
        bools = all(t.kind == "b" for t in types) and any(type(x) is int for x in given)
        return tuple(x.astype(_INT) if bools and not _is_number(x) else x for x in given)
    target = np.result_type(*real) if real else float_type()
    return tuple(
        x if _is_number(x) or x.dtype.kind not in "biu" else x.astype(target) for x in given
    )


def joined(xs: Any) -> list[Any]:
    """Return arrays in their common type, for functions of lists: concatenate, stack."""
    arrays = [tensor(x) for x in xs]
    types = {x.dtype for x in arrays}
    if len(types) <= 1:
        return arrays
    real = [t for t in types if t.kind in "fc"]
    target = np.result_type(*(real or types))
    return [cast_to(x, target) for x in arrays]


def axes_of(axis: Any) -> Any:
    """Return an axis as NumPy takes it: a list becomes a tuple."""
    return tuple(int(a) for a in axis) if isinstance(axis, list | np.ndarray) else axis


def plain(x: Any) -> Any:
    """Return an array, for functions that are not derived: of whole numbers, or steps."""
    return unboxed(tensor(x))
