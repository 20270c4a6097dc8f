"""Autograd's derivatives, where they lose float32, are slow, or are wrong or NaN at a kink.

At a kink they are Keras's on JAX: the equal maxima share the gradient. Where that is NaN (standard
deviation of equal numbers, 0 to the power of 0, hypot of zeros) it is 0, so that training goes on.
They hold for all uses of autograd in the process.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import autograd.numpy as anp
import numpy as np
from autograd.extend import SparseObject, defvjp, vspace
from autograd.extend import primitive as _primitive
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vjps import matmul_vjp_0, matmul_vjp_1
from autograd.tracer import trace_primitives_map as primitive_of
from autograd.util import func

from .._binding import numpy_blas
from ..validation import Array

F = TypeVar("F", bound=Callable[..., Any])


def primitive(function: F) -> F:
    """Decorate a function of arrays that is not derived by what is in it, but by `defvjp`."""
    made: F = _primitive(function)
    return made


def summed_to(g: Any, x: Any) -> Any:
    """Return the gradient of x, in x's type, from that of x broadcast to a larger shape."""
    shape = np.shape(x)
    if np.shape(g) != shape:
        more = np.ndim(g) - len(shape)
        axes = [i + more for i, n in enumerate(shape) if n == 1 and g.shape[i + more] != 1]
        g = anp.reshape(anp.sum(g, axis=(*range(more), *axes)), shape)
    dtype = getattr(x, "dtype", None)
    if dtype is None or g.dtype == dtype:
        return g
    if g.dtype.kind == "c" and dtype.kind != "c":
        g = anp.real(g)
    return g.astype(dtype)


def spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Return the gradient of x from that of its sum over axes."""
    shape = np.shape(x)
    if not keepdims and axis is not None:
        axes = {a % len(shape) for a in (axis if isinstance(axis, list | tuple) else [axis])}
        kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    else:
        kept = (1,) * len(shape) if axis is None else np.shape(g)
    return anp.reshape(g, kept) * np.ones(shape, x.dtype)


def count(x: Any, axis: Any) -> int:
    """Return how many numbers go into each sum over axes."""
    shape = np.shape(x)
    if axis is None:
        return math.prod(shape)
    return math.prod(shape[a] for a in (axis if isinstance(axis, list | tuple) else [axis]))


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition is true, else b; a number takes the type of the other one."""
    if type(b) in (int, float):
        b = np.asarray(b, getattr(a, "dtype", None))
    elif type(a) in (int, float):
        a = np.asarray(a, b.dtype)
    return primitive_of[np.where](condition, a, b)


def _binary(name: str, first: Callable[..., Any] | None, second: Callable[..., Any]) -> None:
    """Set the derivatives of a function of two arrays: functions of (g, y, a, b)."""

    def rule(derivative: Any, k: int) -> Callable[..., Any]:
        return lambda y, *ab: lambda g: summed_to(derivative(g, y, *ab), ab[k])

    defvjp(getattr(anp, name), rule(first, 0), rule(second, 1))


def _unary(name: str, derivative: Callable[..., Any]) -> None:
    """Set the derivative of a function of one array: a function of (g, y, x)."""
    defvjp(getattr(anp, name), lambda y, x: lambda g: derivative(g, y, x))


def _larger(g: Any, a: Any, b: Any) -> Any:
    """Return g where a > b, half of it where they are equal."""
    return where(a == b, 0.5 * g, where(a > b, g, 0))


def _slope_of_power(a: Any, b: Any) -> Any:
    if isinstance(b, int | float):
        if b == 2:
            return 2 * a
        return b * a ** (b - 1) if b else 0 * a
    zero = b == 0
    return where(zero, 0, b * a ** where(zero, 1, b - 1))


def _slope_of_exponent(y: Any, a: Any) -> Any:
    zero = anp.equal(a, 0)
    return where(zero, 0, y * anp.log(where(zero, 1, a)))


def _over(g: Any, y: Any) -> Any:
    """Return g / y, 0 where y is 0."""
    zero = y == 0
    return where(zero, 0, g / where(zero, 1, y))


def _share_of_exp(g: Any, a: Any, y: Any) -> Any:
    return g * anp.exp(a - where(anp.isneginf(y), 0, y))


_binary("add", lambda g, y, a, b: g, lambda g, y, a, b: g)
_binary("subtract", lambda g, y, a, b: g, lambda g, y, a, b: -g)
_binary("multiply", lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
_binary("divide", lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
_binary("maximum", lambda g, y, a, b: _larger(g, a, b), lambda g, y, a, b: _larger(g, b, a))
_binary("minimum", lambda g, y, a, b: _larger(g, b, a), lambda g, y, a, b: _larger(g, a, b))
_binary(
    "power",
    lambda g, y, a, b: g * _slope_of_power(a, b),
    lambda g, y, a, b: g * _slope_of_exponent(y, a),
)
_binary("hypot", lambda g, y, a, b: _over(g * a, y), lambda g, y, a, b: _over(g * b, y))
_binary(
    "logaddexp",
    lambda g, y, a, b: _share_of_exp(g, a, y),
    lambda g, y, a, b: _share_of_exp(g, b, y),
)
defvjp(
    primitive_of[np.where],
    None,
    lambda y, c, a, b: lambda g: summed_to(where(c, g, 0), a),
    lambda y, c, a, b: lambda g: summed_to(where(c, 0, g), b),
)

_unary("absolute", lambda g, y, x: g * anp.sign(x))
_unary("fabs", lambda g, y, x: g * anp.sign(x))
_unary("tanh", lambda g, y, x: g * (1 - y * y))
_unary("sqrt", lambda g, y, x: 0.5 * g / y)
_unary("log2", lambda g, y, x: g / (x * math.log(2)))
_unary("log10", lambda g, y, x: g / (x * math.log(10)))
_unary("exp2", lambda g, y, x: g * y * math.log(2))
_unary("cbrt", lambda g, y, x: g / (3 * y * y))
_unary("sinc", lambda g, y, x: g * _over(anp.cos(math.pi * x) - y, x))
defvjp(
    anp.nan_to_num,
    lambda y, x, **how: lambda g: where(np.isfinite(x), g, 0),
)
defvjp(
    anp.clip,
    lambda y, x, low, high, **how: (
        lambda g: g * _within(x, low, high)  # half at the borders
    ),
)


def _within(x: Any, low: Any, high: Any) -> Any:
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    inside = 0.5 * ((x >= low) & (x <= high)) + 0.5 * ((x > low) & (x < high))
    return inside.astype(x.dtype)


# -- reductions --------------------------------------------------------------------------------


def _of_sum(y: Any, x: Any, axis: Any = None, keepdims: bool = False, **how: Any) -> Any:
    return lambda g: spread(g, x, axis, keepdims)


def _of_mean(y: Any, x: Any, axis: Any = None, keepdims: bool = False, **how: Any) -> Any:
    return lambda g: spread(g / count(x, axis), x, axis, keepdims)


def _of_var(
    y: Any, x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, **how: Any
) -> Any:
    def vjp(g: Any) -> Any:
        centered = x - anp.mean(x, axis=axis, keepdims=True)
        return spread(g * (2 / (count(x, axis) - ddof)), x, axis, keepdims) * centered

    return vjp


def _of_std(
    y: Any, x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, **how: Any
) -> Any:
    def vjp(g: Any) -> Any:
        return _of_var(y, x, axis, ddof, keepdims)(_over(0.5 * g, y))

    return vjp


def _of_extreme(y: Any, x: Any, axis: Any = None, keepdims: Any = False, **how: Any) -> Any:
    def vjp(g: Any) -> Any:
        chosen = x == spread(y, x, axis, keepdims)
        number = np.sum(chosen, axis=axis, keepdims=bool(keepdims), dtype=y.dtype)
        return where(chosen, spread(g / number, x, axis, keepdims), 0)

    return vjp


def _of_prod(y: Any, x: Any, axis: Any = None, keepdims: bool = False, **how: Any) -> Any:
    return lambda g: spread(g, x, axis, keepdims) * _product_of_others(x, axis)


def _product_of_others(x: Array, axis: Any) -> Array:
    """Return for each number the product of all others over axes; zeros are no exception."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, list | tuple) else [axis]
    axes = [a % x.ndim for a in axes]
    front = np.moveaxis(x, axes, range(len(axes)))
    flat = front.reshape(math.prod(front.shape[: len(axes)]), -1)
    one = np.ones_like(flat[:1])
    before = np.cumprod(np.concatenate([one, flat[:-1]]), axis=0)
    after = np.cumprod(np.concatenate([one, flat[:0:-1]]), axis=0)[::-1]
    return np.moveaxis((before * after).reshape(front.shape), range(len(axes)), axes)


defvjp(anp.sum, _of_sum)
defvjp(primitive_of[np.mean], _of_mean)
defvjp(primitive_of[np.var], _of_var)
defvjp(primitive_of[np.std], _of_std)
defvjp(anp.max, _of_extreme)
defvjp(anp.min, _of_extreme)
defvjp(anp.amax, _of_extreme)
defvjp(anp.amin, _of_extreme)
defvjp(anp.prod, _of_prod)


@primitive
def typed(x: Any) -> Any:
    """Return x, whose gradient gets x's type: behind functions whose derivative loses it."""
    return x


defvjp(typed, lambda y, x: lambda g: g.astype(x.dtype))


# -- products ----------------------------------------------------------------------------------


@primitive
def matmul(a: Array, b: Array) -> Array:
    """Return the matrix product, by one product of all rows where b is one matrix."""
    if np.ndim(a) > 2 and np.ndim(b) == 2 and a.dtype == b.dtype:
        rows = numpy_blas.matmul(np.reshape(a, (-1, a.shape[-1])), b)
        return rows.reshape(*a.shape[:-1], b.shape[1])
    return numpy_blas.matmul(a, b)


def _of_left(y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) > 1 and np.ndim(b) == 2:
        return lambda g: summed_to(matmul(g, anp.transpose(b)), a)
    general = matmul_vjp_0(y, a, b)
    return lambda g: summed_to(general(g), a)


def _of_right(y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) > 1 and np.ndim(b) == 2:  # one product, not a sum of one for each sample

        def vjp(g: Any) -> Any:
            rows, slopes = (anp.reshape(x, (-1, np.shape(x)[-1])) for x in (a, g))
            return summed_to(matmul(anp.transpose(rows), slopes), b)

        return vjp
    general = matmul_vjp_1(y, a, b)
    return lambda g: summed_to(general(g), b)


defvjp(anp.matmul, _of_left, _of_right)
defvjp(matmul, _of_left, _of_right)


# -- places ------------------------------------------------------------------------------------


@primitive
def moved(x: Any, move: Callable[[Array], Array]) -> Array:
    """Return move(x) for a function that only moves, repeats or drops numbers, or fills in zeros.

    The gradient of every number goes back to the place it came from; the places are found by
    moving their numbers.
    """
    return np.asarray(move(x))


def _of_moved(y: Any, x: Any, move: Callable[[Array], Array]) -> Any:
    shape, size, dtype = np.shape(x), np.size(x), x.dtype

    def vjp(g: Any) -> Array:
        places = move(np.arange(1, size + 1).reshape(shape))
        sums = np.bincount(places.ravel(), np.ravel(g), size + 1)[1:]
        return sums.astype(dtype).reshape(shape)

    return vjp


defvjp(moved, _of_moved)


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(p, slice | int | np.integer | None | type(...)) for p in parts)


@primitive
def _placed(g: Any, index: Any, space: Any) -> SparseObject:
    def add_to(total: Array) -> Array:
        if _is_basic(index):
            total[index] += g
        else:
            np.add.at(total, index, g)
        return total

    return SparseObject(space, add_to)


defvjp(_placed, lambda y, g, index, space: lambda gg: gg[index])
defvjp(
    func(ArrayBox.__getitem__),
    lambda y, x, index: lambda g: _placed(g, index, vspace(x)),
)
