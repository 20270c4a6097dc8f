"""Sums, means, extremes; along an axis; by rank."""

import numpy as np
from scipy import special

from .case import between, case, normal, whole

X, Y = normal(3, 4), normal(2, 3, 4)
POSITIVE = between(0.3, 3, 3, 4)
WHOLE = whole(-5, 9, 3, 4).astype("int32")

for name in ("sum", "mean", "var", "std", "prod", "max", "min", "amax", "amin", "median"):
    case(name, X)
    case(name, X, axis=1)
    case(name, X, axis=-2, keepdims=True)
    case(name, Y, axis=(0, 2))
case("sum", WHOLE, right=lambda x: np.sum(x, dtype="int32"))
case("sum", WHOLE > 0, axis=0, right=lambda x, axis: np.sum(x, axis, dtype="int32"))
case("mean", WHOLE, right=lambda x: np.mean(x).astype("float32"))
case("max", X, initial=0.3)
case("min", X, axis=0, initial=0.3)
case("prod", X, dtype="float64", right=lambda x, dtype: np.prod(x).astype(dtype))
case("prod", np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.0]]), axis=1)
case("ptp", X, axis=1)
case("ptp", X, axis=1, keepdims=True)
case("average", X)
case("average", X, axis=1, weights=np.array([1.0, 2.0, 3.0, 4.0]))
case("average", X, axis=0, weights=POSITIVE)
case("logsumexp", X, right=special.logsumexp)
case("logsumexp", Y, axis=(0, 2), keepdims=True, right=special.logsumexp)
case("logsumexp", Y, axis=1, right=special.logsumexp)
for axis in (None, 1):
    case("count_nonzero", WHOLE, axis, right=lambda x, a: np.sum(x != 0, a, dtype="int32"))
for name in ("cumsum", "cumprod"):
    case(name, X)
    case(name, X, axis=0)
    case(name, X, axis=-1)
    case(name, WHOLE, axis=1, right=lambda x, axis, name=name: getattr(np, name)(x, axis, "int32"))
case("cumsum", WHOLE, axis=1, dtype="float32")
case("cumprod", np.array([[2.0, 0.0, 3.0, 0.0, 4.0]]), axis=1)
case("diff", X)
case("diff", X, n=2, axis=0)
case("trapezoid", X)
case("trapezoid", X, dx=0.5, axis=0)
case("trapezoid", X, np.array([0.0, 1.0, 3.0, 4.0]))
case("median", Y, axis=1)
for method in ("linear", "lower", "higher", "midpoint", "nearest"):
    case("quantile", X, 0.3, method=method)
    case("quantile", Y, np.array([0.1, 0.5, 0.9]), axis=2, method=method, only=[0])
case("quantile", Y, 0.4, axis=(0, 1), keepdims=True)
case("quantile", np.array([1.0, np.nan, 2.0]), 0.5, derived=False)
case("percentile", X, 30, axis=0)

HOLES = np.where(normal(3, 4) > 0.6, np.nan, X)
HOLES[1] = np.nan  # all of a row
SOME = X.copy()
SOME[0, 1] = SOME[2, 0] = np.nan
for name in (
    *("nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd", "nanmedian"),
    *("nancumsum", "nancumprod"),
):
    case(name, SOME)
    case(name, HOLES, axis=1, derived=False)
    case(name, X, axis=0)
for name in ("nansum", "nanmax", "nanmedian", "nanstd"):
    case(name, SOME, axis=1, keepdims=True)
case("nanquantile", SOME, 0.3, axis=0, method="higher")
case("nanquantile", SOME, np.array([0.3, 0.8]), axis=1, only=[0])
case("nanpercentile", HOLES, 30, axis=0, derived=False)


def places(name):
    def right(x, axis=None, keepdims=False):
        found = getattr(np, name)(
            np.where(
                np.isnan(x), np.nan_to_num(x) * 0 + (-np.inf if name == "argmax" else np.inf), x
            ),
            axis,
            keepdims=keepdims,
        )
        return np.where(np.isnan(x).all(axis, keepdims=keepdims), -1, found).astype("int32")

    return right


for name in ("argmax", "argmin"):
    case(f"nan{name}", HOLES, axis=1, derived=False, right=places(name))
    case(f"nan{name}", SOME, derived=False, right=places(name))
