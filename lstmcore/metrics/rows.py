"""The rows of a padded batch as they are without padding, for metrics that know no masks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..validation import Array


def rows_alone(mask: Array, *arrays: Array | None) -> Iterator[list[Any]]:
    """Yield the rows of some arrays without their masked steps, in groups of equal length.

    Parameters
    ----------
    mask : ndarray of bool, (batch, time)
        True at unmasked steps. Rows that have none are left out.
    *arrays : ndarray, (batch, time, ...) or (batch, ...), or None
        Arrays that have the axes of the mask lose masked steps; None stays None.
    """
    lengths = np.count_nonzero(mask, axis=1)
    for length in np.unique(lengths[lengths > 0]):
        rows = np.flatnonzero(lengths == length)
        steps = np.nonzero(mask[rows])[1].reshape(len(rows), length)
        yield [
            None
            if array is None
            else array[rows[:, None], steps]
            if array.shape[:2] == mask.shape
            else array[rows]
            for array in arrays
        ]
