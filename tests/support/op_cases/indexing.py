"""Indexing, sorting, counting; loops of programs."""

import numpy as np

from .case import case, normal, whole

V, X, Y = normal(6), normal(3, 4), normal(2, 3, 4)
WHOLE = whole(0, 4, 3, 4).astype("int32")
TIED = np.array([[1.0, 3.0, 3.0], [2.0, 1.0, 0.0]])


def int32(function):
    """The function with whole results as int32."""

    def converted(*args, **kwargs):
        found = function(*args, **kwargs)
        if isinstance(found, tuple):
            return tuple(np.asarray(part, "int32") for part in found)
        return np.asarray(found, "int32")

    return converted


def changed(x, at, new, how=None):
    y = x.copy()
    at = tuple(np.moveaxis(np.asarray(at), -1, 0))
    if how is None:
        y[at] = new
    else:
        how.at(y, at, new)
    return y


case("where", X > 0, X, X * 2)
case("where", X > 0, X, 0.0)
case("where", X > 0, 1.5, Y)
case("where", X > 0, right=int32(np.where))
case("select", [X > 0.5, X > -0.5], [X, 2 * X], 7.0)
case("select", [X > 0.5, X > -0.5], [X, 2 * X])
case("get_item", X, (slice(1, None), 2), right=lambda x, key: x[key])
case("get_item", Y, (..., None, slice(None, None, -1)), right=lambda x, key: x[key])
case("get_item", X, np.array([1, 1, 0]), right=lambda x, key: x[key])
case("take", X, np.array([[0, -1], [3, 3]]), axis=1)
case("take", X, 2, axis=0)
case("take", X, [1, 7, 7])
case("take_along_axis", X, WHOLE[:, :2], axis=1)
case("take_along_axis", X, WHOLE, right=lambda x, i: x.ravel()[i.ravel()])
case("slice", Y, (0, 1, 1), (2, 2, -1), right=lambda x, a, n: x[0:2, 1:3, 1:])
case(
    "slice_update",
    X,
    (1, 1),
    X[:2, :2] * 9,
    right=lambda x, a, y: changed(x, [[[1, 1], [1, 2]], [[2, 1], [2, 2]]], y),
)
AT = np.array([[0, 1], [2, 3]])
case("scatter_update", X, AT, V[:2], right=changed)
case("scatter_update", X, np.array([[0, 1], [0, 1], [2, 2]]), V[:3], right=changed)
case("scatter_update", X, AT[:, 1:] - 1, Y[0, :2], right=changed)
case(
    "scatter_update",
    X,
    np.array([[0, 1], [0, 1]]),
    V[:2],
    reduction="add",
    right=lambda x, at, new, reduction: changed(x, at, new, np.add),
)
for name, how in (("max", np.maximum), ("min", np.minimum), ("mul", np.multiply)):
    case(
        "scatter_update",
        X,
        AT,
        V[:2],
        reduction=name,
        derived=False,
        right=lambda x, at, new, reduction, how=how: changed(x, at, new, how),
    )
case(
    "scatter",
    np.array([[0], [2], [2]]),
    X,
    (4, 4),
    right=lambda at, v, shape: changed(np.zeros(shape, v.dtype), at, v, np.add),
)

case("one_hot", WHOLE[0], 4, right=lambda x, n: np.eye(n, dtype="float32")[x])
case(
    "one_hot",
    np.array([1, -1]),
    3,
    axis=0,
    dtype="int32",
    right=np.array([[0, 0], [1, 0], [0, 0]], "int32"),
)
case("multi_hot", np.array([[0, 2], [1, 1]]), 3, right=np.array([[1, 0, 1], [0, 1, 0]], "float32"))
case("sort", X)
case("sort", Y, axis=1)
case("argsort", X, right=int32(np.argsort))
case("argsort", X, axis=0, right=int32(np.argsort))
case("argpartition", V, 2, right=int32(np.argpartition))
for name in ("argmax", "argmin"):
    case(name, X, right=int32(getattr(np, name)))
    case(name, X, axis=1, keepdims=True, right=int32(getattr(np, name)))
case("top_k", X, 2, right=lambda x, k: (-np.sort(-x)[:, :k], np.argsort(-x)[:, :k].astype("int32")))
case("in_top_k", np.array([1, 0]), TIED, 1, right=np.array([True, True]))
case("in_top_k", np.array([0, 2]), TIED, 2, right=np.array([False, False]))
case("nonzero", WHOLE > 1, right=int32(np.nonzero))
case("searchsorted", np.array([1.0, 2.0, 3.0]), X, right=int32(np.searchsorted))
case("searchsorted", np.array([1.0, 2.0]), 2.0, side="right", right=int32(np.searchsorted))
case("digitize", X, np.array([-1.0, 0.0, 1.0]), right=int32(np.digitize))
case("unique", WHOLE)
case(
    "unique",
    WHOLE,
    return_index=True,
    return_inverse=True,
    return_counts=True,
    right=lambda x, **k: (
        np.unique(x),
        *(p.astype("int32") for p in np.unique(x, True, True, True)[1:]),
    ),
)
case("unravel_index", np.array([5, 7]), (3, 4), right=int32(np.unravel_index))
case("bincount", WHOLE[0], minlength=6, right=int32(np.bincount))
case("bincount", WHOLE[0], weights=X[0])
case(
    "bincount",
    WHOLE,
    right=lambda x: np.stack([np.bincount(row, minlength=WHOLE.max() + 1) for row in x]).astype(
        "int32"
    ),
)
case(
    "histogram",
    X,
    bins=4,
    derived=False,
    right=lambda x, bins: tuple(part.astype(x.dtype) for part in np.histogram(x, bins)),
)
case(
    "segment_sum",
    X,
    np.array([0, 2, 0]),
    right=lambda x, ids: np.stack([x[0] + x[2], 0 * x[0], x[1]]),
)
case(
    "segment_sum",
    V,
    np.array([0, 1, 1, 3, 3, 9]),
    num_segments=4,
    right=lambda x, ids, num_segments: np.array([x[0], x[1] + x[2], 0, x[3] + x[4]], x.dtype),
)

IDS = np.array([0, 1, 0])
for name, over, none in (
    *(("segment_max", np.max, -np.inf), ("segment_min", np.min, np.inf)),
    ("segment_prod", np.prod, 1),
):
    case(name, X, IDS, right=lambda x, ids, over=over: np.stack([over(x[[0, 2]], 0), x[1]]))
    case(
        name,
        X,
        2 * IDS,
        derived=False,
        right=lambda x, ids, over=over, none=none: np.stack(
            [over(x[[0, 2]], 0), np.full_like(x[0], none), x[1]]
        ),
    )
case(
    "segment_max",
    np.array([3, 1, 2], "int32"),
    2 * IDS,
    num_segments=2,
    right=lambda x, ids, num_segments: np.array([3, np.iinfo("int32").min], "int32"),
)
case("map", lambda x: x * x, X, right=lambda f, x: f(x))
case("vectorized_map", lambda x: x * x, X, right=lambda f, x: f(x))
case(
    "scan",
    lambda s, x: (s + x, s * x),
    X[0],
    X,
    right=lambda f, s, x: (
        s + x.sum(0),
        np.stack([s * x[0], (s + x[0]) * x[1], (s + x[0] + x[1]) * x[2]]),
    ),
)
case(
    "scan",
    lambda s, x: (s + x, s * x),
    X[0],
    X,
    reverse=True,
    right=lambda f, s, x, reverse: (
        s + x.sum(0),
        np.stack([(s + x[2] + x[1]) * x[0], (s + x[2]) * x[1], s * x[2]]),
    ),
)
case("scan", lambda s, _: (2 * s, None), X, length=3, right=lambda f, s, length: (8 * s, None))
case("associative_scan", lambda a, b: a * b, X, right=lambda f, x: np.cumprod(x, 0))
case(
    "associative_scan",
    lambda a, b: a * b,
    X,
    axis=1,
    reverse=True,
    right=lambda f, x, axis, reverse: np.cumprod(x[:, ::-1], 1)[:, ::-1],
)
case(
    "while_loop",
    lambda i, x: i < 3,
    lambda i, x: (i + 1, x * x),
    (0, X),
    right=lambda c, b, v: (3, v[1] ** 8),
)
case(
    "while_loop",
    lambda x: True,
    lambda x: 2 * x,
    X,
    maximum_iterations=3,
    right=lambda c, b, x, maximum_iterations: 8 * x,
)
case("fori_loop", 1, 4, lambda i, x: i * x, X, right=lambda a, b, f, x: 6 * x)
case("cond", True, lambda: 1.0, lambda: 2.0, right=1.0)
case("cond", np.array(False), lambda: 1.0, lambda: 2.0, right=2.0)
case("switch", 1, [lambda x: x, lambda x: 3 * x], X, right=lambda i, fs, x: 3 * x)
case("switch", 9, [lambda x: x, lambda x: 3 * x], X, right=lambda i, fs, x: 3 * x)
