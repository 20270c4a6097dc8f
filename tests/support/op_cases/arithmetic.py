"""Element-wise functions, arithmetic and comparison."""

import numpy as np
from scipy import special

from .case import between, case, normal, whole

X, Y = normal(3, 4), normal(4)
POSITIVE, UNIT = between(0.3, 3, 3, 4), between(-0.9, 0.9, 3, 4)
SPECIAL = np.array([1.0, np.nan, np.inf, -np.inf, 0.0])
WHOLE = whole(1, 9, 3, 4)
TRUE = np.array([True, False, True, False])

for name in (
    *("exp", "exp2", "expm1", "sin", "cos", "tan", "arctan", "sinh", "cosh", "arcsinh", "sinc"),
    *("deg2rad", "rad2deg", "cbrt", "floor", "ceil", "fabs", "trunc", "abs", "absolute"),
    *("negative", "sign", "square", "reciprocal", "i0", "tanh"),
):
    case(name, X)
for name in ("log", "log2", "log10", "log1p", "sqrt"):
    case(name, POSITIVE)
for name in ("arcsin", "arccos", "arctanh"):
    case(name, UNIT)
case("arccosh", POSITIVE + 1)
case("rsqrt", POSITIVE, right=lambda x: 1 / np.sqrt(x))
case("erf", X, right=special.erf)
case("erfc", X, right=special.erfc)
case("erfinv", UNIT, right=special.erfinv)
case("round", X)
case("round", X, decimals=1)
case("clip", X, -0.5, 0.7)
case("clip", X, Y - 0.5, Y + 0.5)
case("nan_to_num", SPECIAL, derived=False)
case("nan_to_num", SPECIAL, nan=1.0, posinf=2.0, neginf=3.0, derived=False)
for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal", "signbit"):
    case(name, SPECIAL, derived=False)
for name in ("real", "imag", "conj", "conjugate"):
    case(name, X + 1j * Y, derived=False)
case("real", X)
case("conj", X)
case("angle", X + 1j * Y, derived=False)
case("angle", X)

for name in ("add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum"):
    case(name, X, Y)
    case(name, X, 2.5)
    case(name, 2.5, Y)
case("add", X[:, :1], Y)
case("divide", WHOLE, 2, right=lambda a, b: (a / b).astype("float32"))
case("divide_no_nan", X, Y, right=np.divide)
case(
    "divide_no_nan",
    np.array([1.0, 2.0]),
    np.array([0.0, 4.0]),
    right=lambda a, b: np.array([0.0, 0.5], a.dtype),
    derived=False,
)
case("floor_divide", X, Y)
case("mod", X, Y)
case("fmod", X, Y)
case("power", POSITIVE, Y)
case("power", X, 2)
case("power", X, 3)
case("power", 2.0, Y)
case("power", X, np.array([0, 1, 2, 3]), right=lambda x, n: x ** n.astype(x.dtype))
case("fmax", X, Y)
case("fmin", X, Y)
case("fmax", SPECIAL, SPECIAL[::-1].copy(), derived=False)
case("fmin", SPECIAL, SPECIAL[::-1].copy(), derived=False)
case("arctan2", X, Y)
case("hypot", X, Y)
case("logaddexp", X, Y)
case("logaddexp2", X, Y)
case("ldexp", X, np.array([1, 2, 3, -1]))
case("heaviside", X, Y)
case("heaviside", np.zeros(4), Y, only=[1])
case("gcd", WHOLE, 6)
case("lcm", WHOLE, 6)
case("nextafter", X, Y, derived=False, right=lambda x, y: np.nextafter(x, y.astype(x.dtype)))
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    case(name, WHOLE, 6)
case("bitwise_invert", WHOLE, right=np.invert)
case("bitwise_not", WHOLE, right=np.invert)
case("bitwise_left_shift", WHOLE, 2, right=np.left_shift)
case("bitwise_right_shift", WHOLE, 2, right=np.right_shift)
case("left_shift", WHOLE, 2)
case("right_shift", WHOLE, 2)

for name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"):
    case(name, WHOLE, np.array([3, 4, 5, 6]))
    case(name, X, Y)
for name in ("logical_and", "logical_or", "logical_xor"):
    case(name, TRUE, TRUE[::-1].copy())
case("logical_not", TRUE)
case("isclose", X, X + 1e-7)
case("isclose", SPECIAL, SPECIAL, equal_nan=True, derived=False)
case("allclose", X, X + 1e-7)
case("isin", WHOLE, np.array([2, 3]))
case("isin", WHOLE, np.array([2, 3]), invert=True)
for name in ("all", "any"):
    case(name, WHOLE > 4)
    case(name, WHOLE > 4, axis=1, keepdims=True)
