"""New arrays: constants, ranges, windows of signals."""

from __future__ import annotations

from typing import Any

import numpy

from ..autodiff.boxes import unboxed
from .operation import op
from .types import dtype_named, float_type, floating, plain, tensor


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in numpy.atleast_1d(plain(shape)))


@op
def zeros(shape: Any, dtype: Any = None) -> Any:
    """Return an array of zeros, of float32 by default."""
    return numpy.zeros(_shape(shape), dtype_named(dtype))


@op
def ones(shape: Any, dtype: Any = None) -> Any:
    """Return an array of ones, of float32 by default."""
    return numpy.ones(_shape(shape), dtype_named(dtype))


@op
def empty(shape: Any, dtype: Any = None) -> Any:
    """Return an array of zeros, of float32 by default."""
    return numpy.zeros(_shape(shape), dtype_named(dtype))


@op
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Return an array of this shape filled with a number, of float32 by default."""
    x = tensor(fill_value)
    return numpy.ones(_shape(shape), dtype_named(dtype)) * x.astype(dtype_named(dtype))


@op
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Return an array of zeros of the shape and type of x."""
    return numpy.zeros_like(plain(x), None if dtype is None else dtype_named(dtype))


@op
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Return an array of ones of the shape and type of x."""
    return numpy.ones_like(plain(x), None if dtype is None else dtype_named(dtype))


@op
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Return an array of zeros of the shape and type of x."""
    return numpy.zeros_like(plain(x), None if dtype is None else dtype_named(dtype))


@op
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Return an array of the shape and type of x, filled with a number."""
    ones = numpy.ones_like(plain(x), None if dtype is None else dtype_named(dtype))
    return ones * tensor(fill_value).astype(ones.dtype)


@op
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Return a matrix (N, M) with ones on its k-th diagonal."""
    return numpy.eye(N, M, k, dtype_named(dtype))


@op
def identity(n: int, dtype: Any = None) -> Any:
    """Return the unit matrix (n, n)."""
    return numpy.eye(n, dtype=dtype_named(dtype))


@op
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Return a matrix (N, M) with ones up to its k-th diagonal, else 0."""
    return numpy.tri(N, M, k, dtype_named(dtype))


@op
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Return numbers from `start`, or 0, to before `stop`; int32 if all given are whole."""
    limits = [plain(x) for x in (start, stop, step) if x is not None]
    real = any(x.dtype.kind == "f" for x in limits)
    values = (None if x is None else plain(x).item() for x in (start, stop, step))
    first, last, by = values
    if last is None:
        first, last = 0, first
    return numpy.arange(  # type: ignore[call-overload]
        first, last, by, dtype_named(dtype, "float" if real else "int")
    )


def _limits(start: Any, stop: Any, dtype: Any) -> tuple[Any, Any, Any]:
    """Return the limits of a range to compute with, and the dtype of its numbers."""
    kinds = [floating(plain(x)).dtype for x in (start, stop)]
    first, last = (numpy.asarray(unboxed(x), "float64") for x in (start, stop))
    return first, last, dtype_named(dtype, numpy.result_type(*kinds))


@op
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return `num` numbers at equal distances; with `retstep` also the distance."""
    first, last, kind = _limits(start, stop, dtype)
    found = numpy.linspace(  # type: ignore[call-overload]
        first, last, num, endpoint, True, kind, axis
    )
    return found if retstep else found[0]


@op
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return `num` numbers from base**start to base**stop at equal ratios."""
    first, last, kind = _limits(start, stop, dtype)
    return numpy.logspace(first, last, num, endpoint, base, kind, axis)


@op
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Return `num` numbers from `start` to `stop` at equal ratios."""
    first, last, kind = _limits(start, stop, dtype)
    return numpy.geomspace(first, last, num, endpoint, kind, axis)


@op
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Return the powers of a vector as the columns of a matrix (n, N)."""
    x = tensor(x)
    count = x.shape[0] if N is None else N
    powers = numpy.arange(count) if increasing else numpy.arange(count)[::-1]
    from .arithmetic import power

    return power(x[:, None], powers[None].astype(x.dtype))


# -- windows of signals ------------------------------------------------------------------------


@op
def bartlett(x: int) -> Any:
    """Return the Bartlett window of x points: a triangle."""
    return numpy.bartlett(int(x)).astype(float_type())


@op
def blackman(x: int) -> Any:
    """Return the Blackman window of x points."""
    return numpy.blackman(int(x)).astype(float_type())


@op
def hamming(x: int) -> Any:
    """Return the Hamming window of x points."""
    return numpy.hamming(int(x)).astype(float_type())


@op
def hanning(x: int) -> Any:
    """Return the Hann window of x points."""
    return numpy.hanning(int(x)).astype(float_type())


@op
def kaiser(x: int, beta: float) -> Any:
    """Return the Kaiser window of x points, narrower for larger beta."""
    return numpy.kaiser(int(x), float(beta)).astype(float_type())
