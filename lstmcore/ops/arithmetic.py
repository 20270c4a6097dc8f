"""Functions of two arrays that are broadcast to one shape."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy

from ..autodiff.derivatives import where
from .operation import op
from .types import floats, operands, plain


@op
def add(x1: Any, x2: Any) -> Any:
    """Return x1 + x2."""
    return np.add(*operands(x1, x2))


@op
def subtract(x1: Any, x2: Any) -> Any:
    """Return x1 - x2."""
    return np.subtract(*operands(x1, x2))


@op
def multiply(x1: Any, x2: Any) -> Any:
    """Return x1 * x2."""
    return np.multiply(*operands(x1, x2))


@op
def divide(x1: Any, x2: Any) -> Any:
    """Return x1 / x2, real numbers also for whole ones."""
    return np.divide(*floats(x1, x2))


@op
def true_divide(x1: Any, x2: Any) -> Any:
    """Return x1 / x2, real numbers also for whole ones."""
    return np.divide(*floats(x1, x2))


@op
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """Return x1 / x2, and 0 where x2 is 0; so is the derivative there."""
    x1, x2 = floats(x1, x2)
    zero = np.equal(x2, 0)
    return where(zero, 0, np.divide(x1, where(zero, 1, x2)))


@op
def floor_divide(x1: Any, x2: Any) -> Any:
    """Return the largest whole numbers <= x1 / x2; the derivative is 0."""
    return np.floor_divide(*operands(x1, x2))


@op
def mod(x1: Any, x2: Any) -> Any:
    """Return the remainder of x1 / x2, with the sign of x2."""
    return np.mod(*operands(x1, x2))


@op
def fmod(x1: Any, x2: Any) -> Any:
    """Return the remainder of x1 / x2, with the sign of x1."""
    x1, x2 = operands(x1, x2)
    return x1 - x2 * numpy.trunc(numpy.divide(plain(x1), plain(x2))).astype(
        numpy.result_type(plain(x1), plain(x2))
    )


@op
def power(x1: Any, x2: Any) -> Any:
    """Return x1 to the power of x2."""
    return np.power(*operands(x1, x2))


@op
def maximum(x1: Any, x2: Any) -> Any:
    """Return the larger of two numbers; equal ones share the derivative."""
    return np.maximum(*operands(x1, x2))


@op
def minimum(x1: Any, x2: Any) -> Any:
    """Return the smaller of two numbers; equal ones share the derivative."""
    return np.minimum(*operands(x1, x2))


@op
def fmax(x1: Any, x2: Any) -> Any:
    """Return the larger of two numbers, the other one if one is NaN."""
    x1, x2 = operands(x1, x2)
    return where(np.isnan(x1), x2, where(np.isnan(x2), x1, np.maximum(x1, x2)))


@op
def fmin(x1: Any, x2: Any) -> Any:
    """Return the smaller of two numbers, the other one if one is NaN."""
    x1, x2 = operands(x1, x2)
    return where(np.isnan(x1), x2, where(np.isnan(x2), x1, np.minimum(x1, x2)))


@op
def arctan2(x1: Any, x2: Any) -> Any:
    """Return the angle of the points (x2, x1), from -pi to pi."""
    return np.arctan2(*floats(x1, x2))


@op
def hypot(x1: Any, x2: Any) -> Any:
    """Return sqrt(x1**2 + x2**2); its derivative at 0 is 0."""
    return np.hypot(*floats(x1, x2))


@op
def logaddexp(x1: Any, x2: Any) -> Any:
    """Return log(exp(x1) + exp(x2)), without overflow."""
    return np.logaddexp(*floats(x1, x2))


@op
def logaddexp2(x1: Any, x2: Any) -> Any:
    """Return log2(2**x1 + 2**x2), without overflow."""
    x1, x2 = floats(x1, x2)
    return np.logaddexp(x1 * numpy.log(2).item(), x2 * numpy.log(2).item()) / numpy.log(2).item()


@op
def ldexp(x1: Any, x2: Any) -> Any:
    """Return x1 * 2**x2, for whole numbers x2."""
    x1, x2 = floats(x1, plain(x2))
    return x1 * numpy.exp2(x2)


@op
def heaviside(x1: Any, x2: Any) -> Any:
    """Return 0 for x1 < 0, 1 for x1 > 0, and x2 at 0; the derivative for x1 is 0."""
    x1, x2 = floats(x1, x2)
    return where(np.equal(x1, 0), x2, (plain(x1) > 0).astype(plain(x2).dtype))


@op
def gcd(x1: Any, x2: Any) -> Any:
    """Return the greatest common divisor of whole numbers."""
    return numpy.gcd(plain(x1), plain(x2))


@op
def lcm(x1: Any, x2: Any) -> Any:
    """Return the least common multiple of whole numbers."""
    return numpy.lcm(plain(x1), plain(x2))


@op
def nextafter(x1: Any, x2: Any) -> Any:
    """Return the next number of the type after x1 in the direction of x2."""
    x1, x2 = floats(plain(x1), plain(x2))
    return numpy.nextafter(x1, x2)


@op
def bitwise_and(x: Any, y: Any) -> Any:
    """Return the bits that are set in both of two whole numbers."""
    return numpy.bitwise_and(*operands(x, y))


@op
def bitwise_or(x: Any, y: Any) -> Any:
    """Return the bits that are set in one of two whole numbers."""
    return numpy.bitwise_or(*operands(x, y))


@op
def bitwise_xor(x: Any, y: Any) -> Any:
    """Return the bits that are set in exactly one of two whole numbers."""
    return numpy.bitwise_xor(*operands(x, y))


@op
def bitwise_invert(x: Any) -> Any:
    """Return whole numbers with all bits turned over."""
    return numpy.invert(plain(x))


bitwise_not = bitwise_invert


@op
def bitwise_left_shift(x: Any, y: Any) -> Any:
    """Return whole numbers with their bits moved up by y places."""
    return numpy.left_shift(*operands(x, y))


left_shift = bitwise_left_shift


@op
def bitwise_right_shift(x: Any, y: Any) -> Any:
    """Return whole numbers with their bits moved down by y places."""
    return numpy.right_shift(*operands(x, y))


right_shift = bitwise_right_shift
