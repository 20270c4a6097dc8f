"""Indexing: parts of arrays taken, replaced, sorted, added up by number."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp

from ..autodiff import derivatives
from ..autodiff.derivatives import moved, primitive, summed_to
from ..validation import Array, check_whole
from .operation import op
from .types import dtype_named, float_type, operands, plain, tensor


@op
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """Return x1 where the condition is true, else x2; without them the places, as `nonzero`."""
    if x1 is None and x2 is None:
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError("where: expected both x1 and x2, or neither of them")
    first, second = operands(x1, x2)
    return derivatives.where(plain(condition), first, second)


@op
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Return from a list of arrays, at each place, the one of the first true condition."""
    y = default
    for condition, choice in list(zip(condlist, choicelist, strict=True))[::-1]:
        y = where(condition, choice, y)
    return y


@op
def get_item(x: Any, key: Any) -> Any:
    """Return x[key]."""
    return tensor(x)[key]


@op
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return the entries along an axis at these places; of all numbers in a row for None.

    Negative places count from the end.

    Raises
    ------
    IndexError
        If there is no such place.
    """
    x, indices = tensor(x), plain(indices)
    if axis is None:
        x, axis = np.ravel(x), 0
    return x[(*(_between(None),) * (axis % x.ndim), whole_places("take", indices))]


def whole_places(what: str, indices: Any) -> Array:
    """Return places as whole numbers; raise ValueError if there are fractions."""
    places = numpy.asarray(indices)
    check_whole(places, f"{what}: indices")
    return places if places.dtype.kind in "iu" else places.astype(numpy.int64)


@op
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return from every line along an axis the numbers at its own places."""
    x, indices = tensor(x), whole_places("take_along_axis", plain(indices))
    if axis is None:
        x, indices, axis = np.ravel(x), numpy.ravel(indices), 0
    ways = list(zip(np.shape(x), indices.shape, strict=True))
    wide = [max(a, b) if i != axis % x.ndim else a for i, (a, b) in enumerate(ways)]
    places = [b if i == axis % x.ndim else max(a, b) for i, (a, b) in enumerate(ways)]
    return moved(
        x,
        lambda a: numpy.take_along_axis(
            numpy.broadcast_to(a, wide), numpy.broadcast_to(indices, places), axis
        ),
    )


@op
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """Return the part of this shape that begins at these places; a size of -1 is the rest."""
    x = tensor(inputs)
    starts = _starts(start_indices)
    sizes = [n - s if m == -1 else m for n, s, m in zip(x.shape, starts, shape, strict=True)]
    return x[tuple(_between(s, s + n) for s, n in zip(starts, sizes, strict=True))]


_between = type(numpy.s_[0:1])


def _starts(places: Any) -> list[int]:
    if isinstance(places, list | tuple):
        return [int(plain(p)) for p in places]
    return [int(p) for p in numpy.ravel(plain(places))]


@op
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """Return the inputs with a part, which begins at these places, replaced by `updates`."""
    x, new = operands(inputs, updates)
    starts = _starts(start_indices)
    part = tuple(_between(s, s + n) for s, n in zip(starts, np.shape(new), strict=True))
    return _replaced(x, new, part)


@op
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """Return the inputs with the numbers at some places replaced, or changed, by `updates`.

    Parameters
    ----------
    inputs : array_like
    indices : array_like of int, (n, k)
        In each row the places along the first k axes.
    updates : array_like, (n, ...)
        For equal places the last one counts.
    reduction : {None, "add", "max", "min", "mul"}, optional
        The change in place of a replacement; only None and "add" are derived.
    """
    x, new = operands(inputs, updates)
    at = _places(indices)
    if reduction is None:
        return _replaced(x, *_last_of_equal(np.shape(x), new, at))
    if reduction == "add":
        return x + added(new, at, np.shape(x))
    changes = {"max": numpy.maximum, "min": numpy.minimum, "mul": numpy.multiply}
    if reduction not in changes:
        raise ValueError(
            f"scatter_update: reduction: expected None, 'add', 'max', 'min' or 'mul', "
            f"got {reduction!r}"
        )
    y = numpy.array(x)
    changes[reduction].at(y, at, numpy.asarray(new))
    return y


def _places(indices: Any) -> tuple[Array, ...]:
    found = numpy.asarray(plain(indices))
    return tuple(numpy.moveaxis(whole_places("indices", found), -1, 0))


def _last_of_equal(shape: tuple[int, ...], new: Any, at: tuple[Array, ...]) -> Any:
    """Return updates and places without those that a later one replaces again."""
    sizes = shape[: len(at)]
    flat = numpy.ravel_multi_index([a.ravel() for a in at], sizes, mode="wrap")
    _, back = numpy.unique(flat[::-1], return_index=True)
    if len(back) == flat.size:
        return new, at
    kept = numpy.sort(flat.size - 1 - back)
    wide = np.reshape(
        new * numpy.ones((*at[0].shape, *shape[len(at) :]), new.dtype), (flat.size, -1)
    )
    return np.reshape(wide[kept], (len(kept), *shape[len(at) :])), tuple(
        a.ravel()[kept] for a in at
    )


@primitive
def _replaced(x: Array, new: Any, at: Any) -> Array:
    y: Array = numpy.array(x)
    y[at] = new
    return y


def _rest(g: Array, at: Any) -> Array:
    g = numpy.array(g)
    g[at] = 0
    return g


defvjp(
    _replaced,
    lambda y, x, new, at: lambda g: _rest(g, at),
    lambda y, x, new, at: lambda g: summed_to(g[at], new),
)


@primitive
def added(values: Array, at: Any, shape: tuple[int, ...]) -> Array:
    """Return zeros of this shape with values added at places, one array of them for each axis."""
    y = numpy.zeros(shape, values.dtype)
    numpy.add.at(y, at, values)
    return y


defvjp(added, lambda y, values, at, shape: lambda g: summed_to(g[at], values))


@op
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Return zeros of this shape, with values added at places, a row of `indices` for each."""
    return added(tensor(values), _places(indices), tuple(int(n) for n in shape))


# -- classes -----------------------------------------------------------------------------------


@op
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """Return 1 at the place of each class and 0 elsewhere, along a new axis.

    Numbers that are no class give zeros.
    """
    not_sparse("one_hot", sparse)
    x = numpy.asarray(plain(x))
    y = (x[..., None] == numpy.arange(num_classes)).astype(dtype_named(dtype))
    return numpy.moveaxis(y, -1, axis)


@op
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
) -> Any:
    """Return for each row of classes 1 at the place of all of them and 0 elsewhere."""
    not_sparse("multi_hot", sparse)
    if num_classes is None:
        raise ValueError("multi_hot: num_classes: expected the number of classes, got None")
    x = numpy.asarray(plain(inputs))
    hot = (x[..., None] == numpy.arange(num_classes)).any(axis=-2 if x.ndim > 1 else 0)
    return numpy.moveaxis(hot.astype(dtype_named(dtype)), -1, axis)


def not_sparse(what: str, sparse: bool) -> None:
    """Raise ValueError for ``sparse=True``."""
    if sparse:
        raise ValueError(f"{what}: sparse: expected False: there are no sparse arrays here")


# -- by size -----------------------------------------------------------------------------------


@op
def sort(x: Any, axis: int = -1) -> Any:
    """Return the numbers along an axis in rising order."""
    x = tensor(x)
    order = numpy.argsort(plain(x), axis=axis, kind="stable")
    return moved(x, lambda a: numpy.take_along_axis(a, order, axis))


@op
def argsort(x: Any, axis: int = -1) -> Any:
    """Return the places that sort the numbers along an axis, as int32."""
    return numpy.argsort(plain(x), axis=axis, kind="stable").astype("int32")


@op
def argpartition(x: Any, kth: int, axis: int = -1) -> Any:
    """Return places by which the kth number stands where it would if all were sorted."""
    return numpy.argpartition(plain(x), kth, axis=axis).astype("int32")


@op
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the place of the largest number along an axis, or in the row of all; int32."""
    return numpy.asarray(numpy.argmax(plain(x), axis=axis, keepdims=keepdims), "int32")


@op
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the place of the smallest number along an axis, or in the row of all; int32."""
    return numpy.asarray(numpy.argmin(plain(x), axis=axis, keepdims=keepdims), "int32")


@op
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Any]:
    """Return the k largest numbers of the last axis, largest first, and their places, int32."""
    x = tensor(x)
    places = numpy.argsort(-plain(x), axis=-1, kind="stable")[..., :k]
    y = moved(x, lambda a: numpy.take_along_axis(a, places, -1))
    return y, places.astype("int32")


@op
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Return True where the target's prediction is among the k largest of its row."""
    classes, scores = plain(targets), plain(predictions)
    own = numpy.take_along_axis(scores, whole_places("in_top_k", classes)[..., None], axis=-1)
    return numpy.isfinite(own[..., 0]) & ((scores > own).sum(axis=-1) < k)


@op
def nonzero(x: Any) -> tuple[Any, ...]:
    """Return the places of the numbers that are not 0, for each axis an array of int32."""
    return tuple(places.astype("int32") for places in numpy.nonzero(plain(x)))


@op
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Return where values would be inserted into a sorted vector, as int32."""
    found = numpy.searchsorted(plain(sorted_sequence), plain(values), side=side)  # type: ignore[call-overload]
    return numpy.asarray(found, "int32")


@op
def digitize(x: Any, bins: Any) -> Any:
    """Return the number of the bin of each number, between rising limits; int32."""
    return numpy.asarray(numpy.digitize(plain(x), plain(bins)), "int32")


@op
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """Return the different numbers in rising order, and on request places and counts.

    `size` cuts the result, or fills it with `fill_value`, by default the smallest number.
    """
    x = plain(x)
    found = numpy.unique(  # type: ignore[call-overload]
        x, return_index, return_inverse, return_counts, axis
    )
    if size is not None:
        raise ValueError("unique: size: expected None: the result has the size it has")
    if not isinstance(found, tuple):
        return found
    return (found[0], *(part.astype("int32") for part in found[1:]))


@op
def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Return the places along each axis of places in the row of all numbers."""
    places = numpy.unravel_index(plain(indices), tuple(int(n) for n in shape))
    return tuple(numpy.asarray(part, "int32") for part in places)


@op
def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Any, Any]:
    """Return how many numbers fall into each of equal bins, and the limits of the bins."""
    x = plain(x)
    counts, edges = numpy.histogram(x, bins, range)
    kind = x.dtype if x.dtype.kind == "f" else float_type()
    return counts.astype(kind), edges.astype(kind)
