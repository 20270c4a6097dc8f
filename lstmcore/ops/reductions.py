"""Sums, means, extremes and their like over one axis, several or all, and along an axis."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp

from ..autodiff.derivatives import primitive, where
from ..validation import Array
from .operation import op
from .types import axes_of, cast_to, dtype_named, floating, floats, plain, tensor


def _counting(x: Any) -> Any:
    """Return x with bools and short whole numbers as int32, as sums have them."""
    x = tensor(x)
    short = x.dtype.kind == "b" or (x.dtype.kind in "iu" and x.dtype.itemsize < 4)
    return x.astype("uint32" if x.dtype.kind == "u" else "int32") if short else x


def _total(function: Any, x: Any, axis: Any, **how: Any) -> Any:
    x = _counting(x)
    y = function(x, axis=axes_of(axis), **how)
    return cast_to(y, x.dtype) if x.dtype.kind in "iu" else y


@op
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the sum over an axis, or several; by default all."""
    return _total(np.sum, x, axis, keepdims=keepdims)


@op
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """Return the product over an axis, or several; by default all."""
    y = _total(np.prod, x, axis, keepdims=keepdims)
    return y if dtype is None else cast_to(y, dtype_named(dtype))


@op
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the mean over an axis, or several; by default all."""
    return np.mean(floating(x), axis=axes_of(axis), keepdims=keepdims)


@op
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the variance over an axis, or several; by default all."""
    return np.var(floating(x), axis=axes_of(axis), keepdims=keepdims)


@op
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the standard deviation over an axis, or several; its derivative at 0 is 0."""
    return np.std(floating(x), axis=axes_of(axis), keepdims=keepdims)


@op
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Return the largest number over an axis, or several; equal ones share the derivative.

    `initial` is the least result, and that of no numbers.
    """
    return _extreme(np.max, np.maximum, x, axis, keepdims, initial)


@op
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Return the smallest number over an axis, or several; equal ones share the derivative.

    `initial` is the greatest result, and that of no numbers.
    """
    return _extreme(np.min, np.minimum, x, axis, keepdims, initial)


def _extreme(over: Any, of_two: Any, x: Any, axis: Any, keepdims: bool, initial: Any) -> Any:
    x, axis = tensor(x), axes_of(axis)
    if initial is None:
        return over(x, axis=axis, keepdims=keepdims)
    if x.size == 0:
        return over(x, axis=axis, keepdims=keepdims, initial=initial)
    return of_two(over(x, axis=axis, keepdims=keepdims), cast_to(tensor(initial), x.dtype))


@op
def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the largest number over an axis, or several; see `max`."""
    return np.max(tensor(x), axis=axes_of(axis), keepdims=keepdims)


@op
def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the smallest number over an axis, or several; see `min`."""
    return np.min(tensor(x), axis=axes_of(axis), keepdims=keepdims)


@op
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the largest number minus the smallest."""
    x, axis = tensor(x), axes_of(axis)
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


@op
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """Return the mean weighted by `weights`, of x's shape or one for each place of the axis."""
    x, axis = floating(x), axes_of(axis)
    if weights is None:
        return np.mean(x, axis=axis)
    x, weights = floats(x, weights)
    if np.shape(weights) != np.shape(x):
        if np.ndim(weights) != 1 or not isinstance(axis, int):
            raise ValueError(
                f"average: weights: expected the shape of x {np.shape(x)}, or one for each place "
                f"of one axis, got {np.shape(weights)}"
            )
        shape = [1] * np.ndim(x)
        shape[axis] = -1
        weights = np.reshape(weights, shape) * np.ones_like(x)
    return np.sum(x * weights, axis=axis) / np.sum(weights, axis=axis)


@op
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))) over an axis, or several, without overflow."""
    return _log_sum_exp(floating(x), axis=axes_of(axis), keepdims=keepdims)


@primitive
def _log_sum_exp(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    most = numpy.max(x, axis=axis, keepdims=True)
    most = numpy.where(numpy.isfinite(most), most, 0)
    with numpy.errstate(divide="ignore"):  # log(0) is -inf
        y: Array = numpy.log(numpy.sum(numpy.exp(x - most), axis=axis, keepdims=True)) + most
    return y if keepdims else numpy.squeeze(y, axis)


def _of_log_sum_exp(y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    def vjp(g: Any) -> Any:
        wide = _log_sum_exp(x, axis=axis, keepdims=True)
        g = np.reshape(g, np.shape(wide))
        return g * np.exp(x - where(np.isneginf(wide), 0, wide))

    return vjp


defvjp(_log_sum_exp, _of_log_sum_exp)


@op
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """Return how many numbers are not 0, along an axis, or several, or of all; int32."""
    return numpy.asarray(numpy.count_nonzero(plain(x), axis=axes_of(axis)), "int32")


# -- along an axis -----------------------------------------------------------------------------


@op
def cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Return the sums up to every place along an axis; of all numbers in a row for None."""
    return _along(np.cumsum, x, axis, dtype)


@op
def cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Return the products up to every place along an axis; of all numbers in a row for None."""
    return _along(_cumulative_product, x, axis, dtype)


def _along(function: Any, x: Any, axis: Any, dtype: Any) -> Any:
    x = tensor(x)
    if dtype is not None or x.dtype.kind == "b":
        x = cast_to(x, dtype_named(dtype, "int32"))
    if axis is None:
        x, axis = np.ravel(x), 0
    return cast_to(function(x, axis % x.ndim), x.dtype)


@primitive
def _cumulative_product(x: Array, axis: int) -> Array:
    y: Array = numpy.cumprod(x, axis)
    return y


def _of_cumulative_product(y: Any, x: Any, axis: int) -> Any:
    def vjp(g: Any) -> Array:
        gs, ys, xs = (numpy.moveaxis(a, axis, 0) for a in (g, y, x))
        if (xs != 0).all():
            total = numpy.cumsum((gs * ys)[::-1], axis=0)[::-1] / xs
        else:  # slower: the products without each number
            total, before = numpy.empty_like(xs), numpy.ones_like(xs[0])
            for k in range(len(xs)):
                without = numpy.concatenate([before[None], xs[k + 1 :]]).cumprod(axis=0)
                total[k] = (gs[k:] * without).sum(axis=0)
                before = before * xs[k]
        return numpy.moveaxis(total, 0, axis)

    return vjp


defvjp(_cumulative_product, _of_cumulative_product)


@op
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Return the differences between neighbours along an axis, `n` times."""
    return np.diff(tensor(a), n, axis)


@op
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """Return the integral along an axis by the trapezoidal rule, at places x or `dx` apart."""
    y = np.moveaxis(floating(y), axis, -1)
    middle = 0.5 * (y[..., 1:] + y[..., :-1])
    if x is None:
        return np.sum(middle, axis=-1) * dx
    x = floating(x)
    x = x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1)
    return np.sum(middle * (x[..., 1:] - x[..., :-1]), axis=-1)
