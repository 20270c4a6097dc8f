"""Shapes, new arrays, parts."""

import numpy as np

from .case import case, normal, whole

V, X, Y = normal(5), normal(3, 4), normal(2, 3, 4)
WHOLE = whole(0, 9, 3, 4).astype("int32")


def as_float32(function):
    return lambda *args, **kwargs: np.asarray(function(*args, **kwargs), "float32")


case("reshape", X, (2, -1))
case("reshape", Y, (None, 12), right=lambda x, shape: x.reshape(2, 12))
case("reshape", X, [4, 3])
case("transpose", Y)
case("transpose", Y, (0, 2, 1))
case("expand_dims", X, 1)
case("expand_dims", X, (0, -1))
case("squeeze", X[None, :, None])
case("squeeze", X[None, :, None], 0)
case("swapaxes", Y, 0, 2)
case("moveaxis", Y, 0, -1)
case("moveaxis", Y, (0, 1), (2, 0))
case("ravel", X)
case("broadcast_to", X, (2, 3, 4))
case("broadcast_to", X[:, :1], (3, 4))
case("broadcast_to", WHOLE > 3, (2, 3, 4))

case("concatenate", [X, X + 1])
case("concatenate", [X, X[:, :2], X], axis=-1)
case("concatenate", [X, WHOLE], right=lambda xs: np.concatenate([xs[0], xs[1].astype(xs[0].dtype)]))
case("stack", [X, X + 1])
case("stack", [X, X + 1], axis=-1)
case("append", X, Y)
case("append", X, X, axis=1)
for name in ("hstack", "vstack", "dstack"):
    case(name, [X, X + 1])
    case(name, [V, V + 1])
case("split", X, 2, axis=1)
case("split", X, [1, 2])
case("array_split", V, 3)
case("array_split", X, [1], axis=1)
case("hsplit", X, 2)
case("hsplit", V, [2])
case("vsplit", X, 3)
case("dsplit", Y, 2)
case("unstack", X, right=list)
case("unstack", Y, num=3, axis=1, right=lambda x, num, axis: [x[:, i] for i in range(3)])
case("meshgrid", V, V[:3])
case("meshgrid", V, V[:3], V[:2], indexing="ij")

case("repeat", X, 2)
case("repeat", X, 2, axis=1)
case("repeat", X, np.array([1, 0, 2]), axis=0)
case("tile", X, 2)
case("tile", X, (2, 1, 3))
case("roll", X, 2)
case("roll", X, (1, -1), axis=(0, 1))
case("flip", X)
case("flip", Y, axis=(0, 2))
case("fliplr", X)
case("flipud", X)
case("rot90", X)
case("rot90", Y, k=3, axes=(1, 2))
case("pad", X, 1)
case("pad", X, ((1, 0), (2, 3)))
case("pad", X, ((1, 0), (2, 3)), constant_values=1.5)
for mode in ("edge", "reflect", "symmetric", "wrap"):
    case("pad", X, ((1, 2), (2, 3)), mode=mode)
case("diag", V)
case("diag", X, k=1)
case("diagflat", X, k=-1)
case("diagonal", Y, offset=1, axis1=1, axis2=2)
case("trace", X)
case("trace", Y, offset=-1, axis1=2, axis2=0)
case("tril", Y)
case("triu", X, k=1)
case(
    "extract_sequences",
    X,
    2,
    1,
    right=lambda x, n, s: np.stack([x[:, i : i + n] for i in range(0, 3, s)], 1),
)
case("view_as_complex", normal(3, 2), right=lambda x: x[:, 0] + 1j * x[:, 1], derived=False)
case("view_as_real", X + 1j, right=lambda x: np.stack([x.real, x.imag], -1), derived=False)

case("zeros", (2, 3), right=as_float32(np.zeros))
case("zeros", 2, dtype="int32")
case("ones", (2, 3), right=as_float32(np.ones))
case("empty", (2, 3), right=as_float32(np.zeros))
case("full", (2, 3), 7, right=as_float32(np.full))
case("full", (2,), 7, dtype="int32")
case("zeros_like", X)
case("ones_like", WHOLE)
case("ones_like", WHOLE, dtype="float64")
case("empty_like", X, right=np.zeros_like)
case("full_like", X, 2.5)
case("eye", 3, right=as_float32(np.eye))
case("eye", 3, 4, k=1, dtype="int32")
case("identity", 3, right=as_float32(np.identity))
case("tri", 3, 4, k=1, right=as_float32(np.tri))
case("arange", 5, right=lambda n: np.arange(5, dtype="int32"))
case("arange", 1, 4, 0.5, right=as_float32(np.arange))
case("arange", 3, dtype="float64")
case("linspace", 0, 1, 5, right=as_float32(np.linspace))
case("linspace", np.zeros(2), np.ones(2), num=3, endpoint=False, axis=1, derived=False)
case("logspace", 0, 1, 5, right=as_float32(np.logspace))
case("geomspace", 1, 8, 4, right=as_float32(np.geomspace))
case("vander", V, right=lambda x: np.vander(x).astype(x.dtype))
case(
    "vander",
    V,
    3,
    increasing=True,
    right=lambda x, n, increasing: np.vander(x, n, increasing).astype(x.dtype),
)
for name in ("bartlett", "blackman", "hamming", "hanning"):
    case(name, 7, right=as_float32(getattr(np, name)))
case("kaiser", 7, 3.0, right=as_float32(np.kaiser))

case("shape", X)
case("ndim", X)
case("size", X)
case("dtype", WHOLE, right="int32")
case("is_tensor", X, right=True)
case("is_tensor", [1.0], right=False)
case("cast", X, "float64", right=lambda x, t: x.astype(t))
case("cast", X, "int32", right=lambda x, t: x.astype(t))
case("cast", WHOLE, bool, right=lambda x, t: x.astype(t))
case("cast", WHOLE, "float", right=lambda x, t: x.astype("float32"))
case("saturate_cast", X * 200, "int8", right=lambda x, t: np.clip(x, -128, 127).astype(t))
case("saturate_cast", WHOLE, "float64", right=lambda x, t: x.astype(t))
case("saturate_cast", X, "bool", right=lambda x, t: x > 0)
case("convert_to_tensor", [[1.0, 2.0]], right=np.array([[1.0, 2.0]], "float32"))
case("convert_to_tensor", [1, 2], right=np.array([1, 2], "int32"))
case("convert_to_tensor", X, dtype="float64", right=lambda x, dtype: x.astype(dtype))
case("convert_to_numpy", X, right=np.asarray, derived=False)
case("array", X)
case("copy", X)
case("view", WHOLE, "uint8", right=lambda x, t: x.view(t))
case("stop_gradient", X, right=lambda x: x, derived=False)
