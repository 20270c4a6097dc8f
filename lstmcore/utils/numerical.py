"""One-hot encoding and normalization."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..refused.arguments import checked
from ..validation import plain_array

Array = NDArray[Any]


@checked
def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """Return class numbers as one-hot vectors.

    Parameters
    ----------
    x : array of int
        From 0 to `num_classes` - 1. A last axis of size 1 is dropped.
    num_classes : int, optional
        Length of the vectors; by default the largest number + 1.

    Returns
    -------
    ndarray of float64, shape (..., num_classes)

    Raises
    ------
    ValueError
        If x has a number that is not whole or out of range.
    """
    classes = plain_array(x, "to_categorical: x")
    whole = classes.astype(np.int64)
    if not np.array_equal(whole, classes):
        raise ValueError("to_categorical: x: expected whole numbers")
    if whole.ndim > 1 and whole.shape[-1] == 1:
        whole = whole[..., 0]
    if not num_classes:
        if not whole.size:
            raise ValueError("to_categorical: num_classes: an empty x does not say how many")
        num_classes = int(whole.max()) + 1
    wrong = whole[(whole < 0) | (whole >= num_classes)]
    if wrong.size:
        raise ValueError(
            f"to_categorical: x: expected whole numbers from 0 to {num_classes - 1}, "
            f"got {wrong.flat[0]}"
        )
    rows = np.zeros((whole.size, num_classes))
    rows[np.arange(whole.size), whole.reshape(-1)] = 1
    return rows.reshape(*whole.shape, num_classes)


def normalize(x: Any, axis: int = -1, order: float = 2) -> Array:
    """Scale the vectors along an axis to norm 1; zero vectors are unchanged.

    Parameters
    ----------
    x : array
    axis : int, default -1
    order : default 2
        The norm, as in ``numpy.linalg.norm``.
    """
    x = plain_array(x, "normalize: x")
    length = np.linalg.norm(x, order, axis, keepdims=True)
    unit: Array = x / np.where(length == 0, 1, length)
    return unit
