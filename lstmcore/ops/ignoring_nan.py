"""Sums, means, extremes of the numbers that are not NaN."""

from __future__ import annotations

from typing import Any

import numpy

from ..autodiff.derivatives import where
from .linalg import root
from .operation import op
from .reductions import cumprod, cumsum, max, min, prod, sum
from .types import axes_of, floating, plain, tensor


def _filled(x: Any, value: float) -> Any:
    x = tensor(x)
    missing = numpy.isnan(plain(x)) if x.dtype.kind == "f" else numpy.zeros(numpy.shape(x), bool)
    return (where(missing, value, x) if missing.any() else x), missing


@op
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the sum over an axis, or several; NaN counts as 0."""
    return sum(_filled(x, 0.0)[0], axis, keepdims)


@op
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the product over an axis, or several; NaN counts as 1."""
    return prod(_filled(x, 1.0)[0], axis, keepdims)


@op
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the sums up to every place along an axis; NaN counts as 0."""
    return cumsum(_filled(x, 0.0)[0], axis, dtype)


@op
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the products up to every place along an axis; NaN counts as 1."""
    return cumprod(_filled(x, 1.0)[0], axis, dtype)


@op
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the largest number over an axis, or several; NaN if all are."""
    return _extreme(max, x, -numpy.inf, axis, keepdims)


@op
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the smallest number over an axis, or several; NaN if all are."""
    return _extreme(min, x, numpy.inf, axis, keepdims)


def _extreme(over: Any, x: Any, never: float, axis: Any, keepdims: bool) -> Any:
    x, missing = _filled(x, never)
    y = over(x, axis, keepdims)
    lost = missing.all(axis=axes_of(axis), keepdims=keepdims)
    return where(lost, numpy.nan, y) if lost.any() else y


@op
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the mean over an axis, or several; NaN if all are."""
    x, missing = _filled(floating(x), 0.0)
    return _over_counts(x, missing, axis, keepdims)


def _over_counts(x: Any, missing: Any, axis: Any, keepdims: bool) -> Any:
    """Return the sum divided by how many numbers are not missing; NaN for none."""
    counts = (~missing).sum(axis=axes_of(axis), keepdims=keepdims).astype(x.dtype)
    y = sum(x, axis, keepdims) / numpy.maximum(counts, 1)
    return where(counts == 0, numpy.nan, y) if (counts == 0).any() else y


@op
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the variance over an axis, or several; NaN if all are."""
    x = floating(x)
    distance, missing = _filled(x - nanmean(x, axis, keepdims=True), 0.0)
    return _over_counts(distance * distance, missing, axis, keepdims)


@op
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the standard deviation over an axis, or several; NaN if all are."""
    return root(nanvar(x, axis, keepdims))


@op
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the place of the largest number along an axis; int32, -1 if all are NaN."""
    return _place(numpy.argmax, x, -numpy.inf, axis, keepdims)


@op
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the place of the smallest number along an axis; int32, -1 if all are NaN."""
    return _place(numpy.argmin, x, numpy.inf, axis, keepdims)


def _place(of: Any, x: Any, never: float, axis: int | None, keepdims: bool) -> Any:
    x, missing = _filled(plain(x), never)
    lost = missing.all(axis=axis, keepdims=keepdims)
    return numpy.asarray(numpy.where(lost, -1, of(x, axis=axis, keepdims=keepdims)), "int32")
