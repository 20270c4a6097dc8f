"""Quantiles and medians, with and without NaN: numbers by their rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
import numpy

from ..autodiff.boxes import unboxed
from ..autodiff.derivatives import moved, where
from ..validation import Array
from .operation import op
from .types import floating, plain


@op
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the median over an axis, or several; by default all."""
    return _quantile(x, 0.5, axis, "linear", keepdims)


@op
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the median of the numbers that are not NaN; see `median`."""
    return _quantile(x, 0.5, axis, "linear", keepdims, nan=True)


@op
def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the quantiles q, from 0 to 1; those of several stand along a new first axis.

    `method`: "linear", "lower", "higher", "midpoint" or "nearest", between two numbers.
    """
    return _quantile(x, q, axis, method, keepdims)


@op
def nanquantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the quantiles of the numbers that are not NaN; see `quantile`."""
    return _quantile(x, q, axis, method, keepdims, nan=True)


@op
def percentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the percentiles q, from 0 to 100; see `quantile`."""
    return _quantile(x, numpy.asarray(unboxed(q), "float64") / 100, axis, method, keepdims)


@op
def nanpercentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """Return the percentiles of the numbers that are not NaN; see `quantile`."""
    shares = numpy.asarray(unboxed(q), "float64") / 100
    return _quantile(x, shares, axis, method, keepdims, nan=True)


def _quantile(x: Any, q: Any, axis: Any, method: str, keepdims: bool, nan: bool = False) -> Any:
    """Return the quantiles, each a sum of two numbers by rank, so that they are derived."""
    if method not in _WEIGHTS:
        raise ValueError(f"quantile: method: expected one of {[*_WEIGHTS]}, got {method!r}")
    x, shares = floating(x), numpy.asarray(unboxed(q), "float64")
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, list | tuple) else [axis]
    axes = [a % x.ndim for a in axes]
    rest = [i for i in range(x.ndim) if i not in axes]
    rows = np.reshape(np.transpose(x, [*axes, *rest]), (-1, *(x.shape[i] for i in rest)))
    missing = numpy.isnan(plain(rows))
    rising = numpy.argsort(plain(rows), axis=0)  # NaN last
    counts = len(rows) - missing.sum(axis=0) if nan else numpy.full(rows.shape[1:], len(rows))
    bad = counts == 0 if nan else missing.any(axis=0)
    found = []
    for share in shares.ravel().tolist():
        place = share * numpy.maximum(counts - 1, 0)
        low = numpy.floor(place).astype(int)
        weight = _WEIGHTS[method](place - low, low).astype(x.dtype)
        high = numpy.minimum(low + 1, numpy.maximum(counts - 1, 0))
        y = _at(rows, rising, low)
        if weight.any():
            y = where(weight == 0, y, y * (1 - weight) + _at(rows, rising, high) * weight)
        y = where(bad, numpy.nan, y) if bad.any() else y
        if keepdims:
            y = np.reshape(y, [1 if i in axes else n for i, n in enumerate(x.shape)])
        found.append(y)
    return found[0] if shares.ndim == 0 else np.concatenate([y[None] for y in found])


def _at(rows: Any, rising: Array, ranks: Array) -> Any:
    """Return for each column the number of its rank."""
    places = numpy.take_along_axis(rising, ranks[None], axis=0)
    return moved(rows, lambda a: numpy.take_along_axis(a, places, axis=0)[0])


# The weight of the upper of two numbers, from the distance to the lower one, and its rank.
_WEIGHTS: dict[str, Callable[[Array, Array], Array]] = {
    "linear": lambda distance, low: distance,
    "lower": lambda distance, low: 0 * distance,
    "higher": lambda distance, low: 1.0 * (distance > 0),
    "midpoint": lambda distance, low: 0.5 * (distance > 0),
    "nearest": lambda distance, low: (
        1.0 * ((distance > 0.5) | ((distance == 0.5) & (low % 2 == 1)))
    ),
}
