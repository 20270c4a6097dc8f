"""Checks and conversions of users' arrays and numbers."""

from __future__ import annotations

import math
import os
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
WHOLE = ("int32", "int64")  # names of dtypes to which only whole numbers are converted
STRING = "string"  # Keras's name of the dtype of texts, which are arrays of str objects
_NUMBERS = (float, int, np.generic)  # in lists NumPy itself warns of masked ones


def as_array(value: Any, dtype: Any, what: str) -> Array:
    """Convert numbers of any kind and memory layout to a native, C-contiguous array.

    Parameters
    ----------
    value : array_like
    dtype : dtype or None
        The dtype of the result; None keeps the dtype. For "string" see `as_strings`.
    what : str
        The name of the value in error messages.

    Raises
    ------
    TypeError
        If they are not real numbers (objects, strings, dates, complex).
    ValueError
        If numbers are masked, rows differ in length, the array is empty, or the dtype is an
        integer one and there are fractions.
    """
    if dtype == STRING:
        return as_strings(value, what)
    array = as_numbers(value, what)
    if array.size == 0:
        raise ValueError(f"{what}: expected at least one number, got shape {array.shape}")
    if dtype in WHOLE:
        check_whole(array, what)
    if array.ndim == 0:
        return array.astype(dtype)
    array = np.ascontiguousarray(array, dtype)
    return array if array.flags.aligned else array.copy()


def as_strings(value: Any, what: str) -> Array:
    """Return texts, str or bytes, as an array of objects.

    Raises
    ------
    TypeError
        If one of them is no text.
    ValueError
        If there are none, or some are masked.
    """
    refuse_masked(value, what)
    array = np.array(value, object) if isinstance(value, str | bytes) else np.asarray(value, object)
    if array.size == 0:
        raise ValueError(f"{what}: expected at least one text, got shape {array.shape}")
    for text in array.reshape(-1).tolist():
        if not isinstance(text, str | bytes):
            several = ": rows of different lengths" if isinstance(text, list | tuple) else ""
            raise TypeError(f"{what}: expected texts, got a {type(text).__name__}{several}")
    return np.ascontiguousarray(array) if array.ndim else array


def plain_array(value: Any, what: str, dtype: Any = None) -> Array:
    """Return ``np.asarray(value, dtype)``, native and aligned; refuse masked numbers.

    Raises
    ------
    ValueError
        If a number of a NumPy masked array is masked.
    """
    refuse_masked(value, what)
    array = np.asarray(value, dtype)
    if array.flags.aligned and array.dtype.isnative:
        return array
    return array.astype(array.dtype.newbyteorder("="))


def refuse_masked(value: Any, what: str) -> None:
    """Raise ValueError if a number of a NumPy masked array, or of a list of such, is masked."""
    if type(value) is np.ndarray:
        return
    if isinstance(value, np.ma.MaskedArray):
        count = int(np.ma.getmaskarray(value).sum())
        if count:
            raise ValueError(
                f"{what}: expected no masked numbers, got an array with {count} of {value.size} "
                "masked: leave steps out by mask= or a Masking layer and targets by "
                "sample_weight=, or replace them (filled(0), say)"
            )
    elif isinstance(value, list | tuple) and value and not isinstance(value[0], _NUMBERS):
        for part in value:
            refuse_masked(part, what)


def as_numbers(value: Any, what: str) -> Array:
    """Convert real numbers to an array of NumPy's choice; raises as `as_array`."""
    if value is None:
        raise TypeError(f"{what}: expected real numbers, got None")
    refuse_masked(value, what)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{what}: expected an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what}: expected real numbers, got an array of dtype {array.dtype}")
    return array


def check_whole(array: Array, what: str) -> None:
    """Raise ValueError if there are fractions, or numbers too large for an index."""
    if array.dtype.kind != "f":
        return
    wrong = ~((np.abs(array) < 2.0**53) & (array == np.trunc(array)))
    if wrong.any():
        raise ValueError(f"{what}: expected whole numbers, got {array[wrong].flat[0]:g}")


def as_mask(mask: Any, shape: tuple[int, ...], what: str, ids: bool = False) -> Array:
    """Convert a mask for an array of this shape to bool, (batch, time) or (batch, time, parts).

    As in Keras, a mask (batch, time) may have a last axis of size 1.

    Parameters
    ----------
    mask : array_like of bool or numbers
    shape : tuple of int
    what : str
        The name of the mask in error messages.
    ids : bool, default False
        The array holds whole numbers, and so its last axis is one of parts, not of features.

    Raises
    ------
    TypeError, ValueError
        If it is not an array of bools or numbers, or its shape is not that of the first axes.
    """
    array = plain_array(mask, what)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what}: expected truth values, got an array of dtype {array.dtype}")
    parts = len(shape) if ids else len(shape) - 1
    if array.shape == (*shape[:2], 1) and array.ndim > parts:
        array = array[..., 0]
    least = 1 if parts == 1 else 2  # of vectors (batch, features) a mask is of rows
    if not least <= array.ndim <= max(parts, 2) or array.shape != shape[: array.ndim]:
        raise ValueError(f"{what}: expected shape {shape[:2]}, as x has, got {array.shape}")
    return np.ascontiguousarray(array, np.bool_)


def matching(array: Array, x: Array, what: str) -> Array:
    """Return the array; raise ValueError unless it has as many samples as x."""
    if array.ndim == 0 or len(array) != len(x):
        got = len(array) if array.ndim else "one number"
        raise ValueError(f"{what}: expected {len(x)} samples, as many as x has, got {got}")
    return array


def whole(argument: str, value: Any, default: int, least: int = 1) -> int:
    """Return a count as an int, the default for None; ValueError unless it is >= `least`."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{argument}: expected a whole number >= {least}, got {value!r}")
    return int(value)


def number(argument: str, value: Any, most: float = math.inf, *, above: bool = False) -> float:
    """Return a number as a float; raise ValueError unless it is finite and from 0 to `most`.

    With `above`, 0 itself is refused as well.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= most or math.isinf(value) or (above and value == 0):
        limit = ("> 0" if above else ">= 0") if most == math.inf else f"from 0 to {most:g}"
        limit += ", not 0" if above and most < math.inf else ""
        raise ValueError(f"{argument}: expected a number {limit}, got {value!r}")
    return float(value)


def real(argument: str, value: Any) -> float:
    """Convert a number of any kind to a float; raise ValueError for anything else."""
    try:
        if isinstance(value, str | bytes) or value is np.ma.masked:
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{argument}: expected a number, got {value!r:.80}") from None


def reals(argument: str, value: Any) -> list[float]:
    """Convert a sequence of numbers to floats; raise an error for anything else."""
    return [real(argument, entry) for entry in entries(argument, value, "numbers")]


def entries(argument: str, value: Any, wanted: str) -> list[Any]:
    """Return the entries of an iterable; raise TypeError for a str, a dict or a non-iterable."""
    if isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__"):
        raise TypeError(f"{argument}: expected a list of {wanted}, got {value!r:.80}")
    return list(value)


def file_path(argument: str, value: Any) -> str:
    """Return a path as a str; raise TypeError unless it is a str or path-like."""
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str):
        raise TypeError(f"{argument}: expected a path, got {value!r:.80}")
    return path
