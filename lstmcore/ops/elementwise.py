"""Functions of one array, number by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp

from ..autodiff.derivatives import primitive
from .operation import op
from .types import cast_to, floating, plain, tensor

Function = Callable[[Any], Any]


def _real(function: Function, name: str, doc: str) -> Function:
    """Make the op of a function whose results are real numbers."""

    def named(x: Any) -> Any:
        return function(floating(x))

    named.__name__, named.__qualname__, named.__doc__ = name, name, doc
    return op(named)


def _special(name: str, derivative: Callable[..., Any]) -> Function:
    """Make a derivable function of one of `scipy.special`, imported when it is called."""

    def compute(x: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(x)

    compute.__name__ = name
    function: Function = primitive(compute)
    defvjp(function, lambda y, x: lambda g: derivative(g, y, x))
    return function


_ROOT_PI = numpy.pi**0.5


def _scaled_bessel(g: Any, y: Any, x: Any) -> Any:
    import scipy.special

    return g * scipy.special.i1(x)


exp = _real(np.exp, "exp", "Return e to the power of x.")
exp2 = _real(np.exp2, "exp2", "Return 2 to the power of x.")
expm1 = _real(np.expm1, "expm1", "Return exp(x) - 1, exact for small x.")
log = _real(np.log, "log", "Return the natural logarithm.")
log2 = _real(np.log2, "log2", "Return the logarithm to base 2.")
log10 = _real(np.log10, "log10", "Return the logarithm to base 10.")
log1p = _real(np.log1p, "log1p", "Return log(1 + x), exact for small x.")
sqrt = _real(np.sqrt, "sqrt", "Return the square root.")
cbrt = _real(np.cbrt, "cbrt", "Return the cube root.")
rsqrt = _real(lambda x: 1 / np.sqrt(x), "rsqrt", "Return 1 / sqrt(x).")
reciprocal = _real(lambda x: 1 / x, "reciprocal", "Return 1 / x.")
sin = _real(np.sin, "sin", "Return the sine of an angle in radians.")
cos = _real(np.cos, "cos", "Return the cosine of an angle in radians.")
tan = _real(np.tan, "tan", "Return the tangent of an angle in radians.")
arcsin = _real(np.arcsin, "arcsin", "Return the angle whose sine is x.")
arccos = _real(np.arccos, "arccos", "Return the angle whose cosine is x.")
arctan = _real(np.arctan, "arctan", "Return the angle whose tangent is x.")
sinh = _real(np.sinh, "sinh", "Return the hyperbolic sine.")
cosh = _real(np.cosh, "cosh", "Return the hyperbolic cosine.")
arcsinh = _real(np.arcsinh, "arcsinh", "Return the inverse of the hyperbolic sine.")
arccosh = _real(np.arccosh, "arccosh", "Return the inverse of the hyperbolic cosine.")
arctanh = _real(np.arctanh, "arctanh", "Return the inverse of the hyperbolic tangent.")
sinc = _real(np.sinc, "sinc", "Return sin(pi x) / (pi x), 1 at 0.")
deg2rad = _real(lambda x: x * (numpy.pi / 180), "deg2rad", "Convert degrees to radians.")
rad2deg = _real(lambda x: x * (180 / numpy.pi), "rad2deg", "Convert radians to degrees.")
floor = _real(np.floor, "floor", "Return the largest whole numbers <= x; the derivative is 0.")
ceil = _real(np.ceil, "ceil", "Return the smallest whole numbers >= x; the derivative is 0.")
fabs = _real(np.fabs, "fabs", "Return the absolute value as a real number.")
erf = _real(
    _special("erf", lambda g, y, x: g * (2 / _ROOT_PI) * np.exp(-x * x)),
    "erf",
    "Return the error function.",
)
erfc = _real(
    _special("erfc", lambda g, y, x: g * (-2 / _ROOT_PI) * np.exp(-x * x)),
    "erfc",
    "Return 1 - erf(x), exact where that is small.",
)
erfinv = _real(
    _special("erfinv", lambda g, y, x: g * (_ROOT_PI / 2) * np.exp(y * y)),
    "erfinv",
    "Return the inverse of the error function.",
)
i0 = _real(_special("i0", _scaled_bessel), "i0", "Return the modified Bessel function of order 0.")


@op
def abs(x: Any) -> Any:
    """Return the absolute value; its derivative at 0 is 0."""
    return np.abs(tensor(x))


absolute = abs


@op
def negative(x: Any) -> Any:
    """Return -x."""
    return np.negative(tensor(x))


@op
def sign(x: Any) -> Any:
    """Return -1, 0 or 1; the derivative is 0."""
    return np.sign(tensor(x))


@op
def square(x: Any) -> Any:
    """Return x * x."""
    x = tensor(x)
    return np.square(x if x.dtype.kind != "b" else x.astype("int32"))


@op
def trunc(x: Any) -> Any:
    """Return x without its fraction; the derivative is 0."""
    x = tensor(x)
    return x if x.dtype.kind in "biu" else np.trunc(x)


@op
def round(x: Any, decimals: int = 0) -> Any:
    """Return x rounded to a number of decimals, halves to even; the derivative is 0."""
    return np.round(tensor(x), decimals)


@op
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """Return x cut at a minimum and a maximum; the derivative at them is 1/2."""
    from .arithmetic import maximum, minimum

    if all(type(limit) in (int, float) for limit in (x_min, x_max)):
        x = tensor(x)
        if x.dtype.kind == "f":
            return np.clip(x, x_min, x_max)
    return minimum(maximum(x, x_min), x_max)


@op
def nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Return x with numbers in place of NaN and infinities, where the derivative is 0.

    `posinf` and `neginf` are by default the largest numbers of the type.
    """
    return np.nan_to_num(tensor(x), nan=nan, posinf=posinf, neginf=neginf)


@op
def isnan(x: Any) -> Any:
    """Return True where a number is NaN."""
    return np.isnan(tensor(x))


@op
def isinf(x: Any) -> Any:
    """Return True where a number is infinite."""
    return np.isinf(tensor(x))


@op
def isfinite(x: Any) -> Any:
    """Return True where a number is neither infinite nor NaN."""
    return np.isfinite(tensor(x))


@op
def isposinf(x: Any) -> Any:
    """Return True where a number is infinite and positive."""
    return np.isposinf(tensor(x))


@op
def isneginf(x: Any) -> Any:
    """Return True where a number is infinite and negative."""
    return np.isneginf(tensor(x))


@op
def isreal(x: Any) -> Any:
    """Return True where a number has no imaginary part."""
    return np.isreal(tensor(x))


@op
def signbit(x: Any) -> Any:
    """Return True where a number is negative, -0.0 included."""
    return numpy.signbit(plain(x))


@op
def real(x: Any) -> Any:
    """Return the real part."""
    return np.real(tensor(x))


@op
def imag(x: Any) -> Any:
    """Return the imaginary part."""
    return np.imag(tensor(x))


@op
def conj(x: Any) -> Any:
    """Return the complex conjugate."""
    return np.conj(tensor(x))


conjugate = conj


@op
def angle(x: Any) -> Any:
    """Return the angle of complex numbers, in radians."""
    x = floating(x)
    return np.angle(x) if x.dtype.kind == "c" else cast_to(numpy.angle(plain(x)), x.dtype)
