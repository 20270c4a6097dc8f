"""Sums, products and extremes of rows by the number of their segment."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy

from ..validation import Array
from .indexing import added, not_sparse, whole_places
from .operation import op
from .types import cast_to, plain, tensor


@op
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """Return how often each whole number occurs, or the sum of its weights, in every row."""
    not_sparse("bincount", sparse)
    x = whole_places("bincount", plain(x))
    if weights is None:
        size = max(int(x.max(initial=-1)) + 1, minlength)
        hot = x[..., None] == numpy.arange(size)
        return hot.sum(axis=-2, dtype="int32")
    size = max(int(x.max(initial=-1)) + 1, minlength)
    weights = tensor(weights)
    if x.ndim == 1:
        return added(weights, (x,), (size,))
    rows = numpy.broadcast_to(numpy.arange(len(x))[:, None], x.shape)
    return added(weights, (rows, x), (len(x), size))


@op
def segment_sum(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    sorted: bool = False,
) -> Any:
    """Return the sum of the rows of each segment, 0 for a segment without rows.

    Parameters
    ----------
    data : array_like, (rows, ...)
    segment_ids : array_like of int, (rows,)
        The segment of each row; rows of other segments than 0 ... num_segments - 1 are left out.
    num_segments : int, optional
        The default is one more than the largest number.
    sorted : bool, default False
        Of no effect: the ids may be in any order.
    """
    data, ids, count = _segments("segment_sum", data, segment_ids, num_segments)
    kept = (ids >= 0) & (ids < count)
    return added(data[kept], (ids[kept],), (count, *np.shape(data)[1:]))


@op
def segment_prod(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    sorted: bool = False,
) -> Any:
    """Return the product of the rows of each segment, 1 without rows; see `segment_sum`."""
    return _each("segment_prod", np.prod, 1, data, segment_ids, num_segments)


@op
def segment_max(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    sorted: bool = False,
) -> Any:
    """Return the maxima of the rows of each segment, -inf without rows; see `segment_sum`."""
    return _each("segment_max", np.max, -numpy.inf, data, segment_ids, num_segments)


@op
def segment_min(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    sorted: bool = False,
) -> Any:
    """Return the minima of the rows of each segment, inf without rows; see `segment_sum`."""
    return _each("segment_min", np.min, numpy.inf, data, segment_ids, num_segments)


def _segments(what: str, data: Any, ids: Any, count: int | None) -> tuple[Any, Array, int]:
    data, ids = tensor(data), whole_places(what, plain(ids))
    if ids.shape != np.shape(data)[:1]:
        raise ValueError(
            f"{what}: segment_ids: expected one for each row of data, {np.shape(data)[:1]}, got "
            f"shape {ids.shape}"
        )
    return data, ids, int(ids.max(initial=-1)) + 1 if count is None else int(count)


def _each(what: str, over: Any, none: float, data: Any, ids: Any, count: int | None) -> Any:
    data, ids, count = _segments(what, data, ids, count)
    if data.dtype.kind in "iu" and not numpy.isfinite(none):
        limits = numpy.iinfo(data.dtype)
        none = limits.min if none < 0 else limits.max
    empty = numpy.full(np.shape(data)[1:], none, data.dtype)
    rows = [ids == k for k in range(count)]
    found = [over(data[own], axis=0) if own.any() else empty for own in rows]
    return np.concatenate([cast_to(y, data.dtype)[None] for y in found])
