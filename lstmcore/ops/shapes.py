"""Shapes: arrays reshaped, joined, split, repeated, padded, turned."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import autograd.numpy as np
import numpy

from ..autodiff.derivatives import moved, where
from .operation import op
from .types import axes_of, joined, plain, tensor


@op
def reshape(x: Any, newshape: Any) -> Any:
    """Return the same numbers in another shape; one size may be -1, for the rest.

    None, as in the shapes of symbolic tensors, stands for the size of the same axis of x.
    """
    x = tensor(x)
    sizes = newshape if isinstance(newshape, list | tuple) else numpy.atleast_1d(newshape)
    wanted = [x.shape[i] if n is None else int(n) for i, n in enumerate(sizes)]
    return np.reshape(x, tuple(wanted))


@op
def transpose(x: Any, axes: Any = None) -> Any:
    """Return x with its axes in another order, by default reversed."""
    return np.transpose(tensor(x), axes)


@op
def expand_dims(x: Any, axis: Any) -> Any:
    """Return x with new axes of size 1 at a place, or several."""
    return np.expand_dims(tensor(x), axes_of(axis))


@op
def squeeze(x: Any, axis: Any = None) -> Any:
    """Return x without an axis of size 1, or several; by default without all of them."""
    return np.squeeze(tensor(x), axes_of(axis))


@op
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Return x with two axes exchanged."""
    return np.swapaxes(tensor(x), axis1, axis2)


@op
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Return x with an axis, or several, moved to other places."""
    return np.moveaxis(tensor(x), source, destination)


@op
def ravel(x: Any) -> Any:
    """Return all numbers in a row."""
    return np.ravel(tensor(x))


@op
def broadcast_to(x: Any, shape: Any) -> Any:
    """Return x repeated to a larger shape, as arithmetic does."""
    x = tensor(x)
    wanted = tuple(int(n) for n in shape)
    numpy.broadcast_to(plain(x), wanted)  # refuses what does not fit
    return x & numpy.ones(wanted, bool) if x.dtype.kind == "b" else x * numpy.ones(wanted, x.dtype)


# -- joined and split --------------------------------------------------------------------------


@op
def concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    """Return arrays joined along an axis; real numbers if one of them has real ones."""
    return np.concatenate(joined(xs), axis=axis)


@op
def stack(x: Sequence[Any], axis: int = 0) -> Any:
    """Return arrays of one shape joined along a new axis."""
    parts = joined(x)
    shapes = {np.shape(part) for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"stack: x: expected arrays of one shape, got {sorted(shapes)}")
    return np.concatenate([np.expand_dims(part, axis) for part in parts], axis=axis)


@op
def append(x1: Any, x2: Any, axis: Any = None) -> Any:
    """Return x2 joined to x1 along an axis; of all numbers in a row for None."""
    parts = joined([x1, x2])
    if axis is None:
        parts, axis = [np.ravel(part) for part in parts], 0
    return np.concatenate(parts, axis=axis)


@op
def hstack(xs: Sequence[Any]) -> Any:
    """Return arrays joined along their second axis, vectors along their only one."""
    parts = [np.reshape(x, (1,)) if np.ndim(x) == 0 else x for x in joined(xs)]
    return np.concatenate(parts, axis=0 if np.ndim(parts[0]) == 1 else 1)


@op
def vstack(xs: Sequence[Any]) -> Any:
    """Return arrays joined along their first axis, vectors as rows."""
    return np.concatenate([_as_rows(x) for x in joined(xs)], axis=0)


@op
def dstack(xs: Sequence[Any]) -> Any:
    """Return arrays joined along their third axis."""
    parts = [_as_rows(x) for x in joined(xs)]
    parts = [np.expand_dims(x, 2) if np.ndim(x) == 2 else x for x in parts]
    return np.concatenate(parts, axis=2)


def _as_rows(x: Any) -> Any:
    return np.reshape(x, (1, -1)) if np.ndim(x) < 2 else x


@op
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return the list of so many equal parts along an axis, or of those between indices."""
    x = tensor(x)
    size, where = np.shape(x)[axis], indices_or_sections
    if isinstance(where, int | numpy.integer) and size % where:
        raise ValueError(
            f"split: expected a size that {where} divides, got {size} along axis {axis}"
        )
    return _parts(x, where, axis)


@op
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return the list of so many parts along an axis, the first ones longer by 1 if need be."""
    return _parts(tensor(x), indices_or_sections, axis)


def _parts(x: Any, where: Any, axis: int) -> list[Any]:
    size = np.shape(x)[axis]
    if isinstance(where, int | numpy.integer):
        ends = numpy.cumsum([size // where + (i < size % where) for i in range(where)])[:-1]
    else:
        ends = numpy.asarray(where)
    before = (slice(None),) * (axis % np.ndim(x))
    edges = [None, *ends.tolist(), None]
    pairs = itertools.pairwise(edges)
    return [x[(*before, slice(start, end))] for start, end in pairs]


@op
def hsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Return the parts along the second axis, of a vector along its only one."""
    return list(split(x, indices_or_sections, axis=0 if np.ndim(tensor(x)) == 1 else 1))


@op
def vsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Return the parts along the first axis."""
    return list(split(x, indices_or_sections, axis=0))


@op
def dsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Return the parts along the third axis."""
    return list(split(x, indices_or_sections, axis=2))


@op
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """Return the list of the parts along an axis, without that axis."""
    x = tensor(x)
    size = np.shape(x)[axis]
    if num is not None and num != size:
        raise ValueError(f"unstack: num: expected {size}, the size of axis {axis}, got {num}")
    before = (slice(None),) * (axis % np.ndim(x))
    return [x[(*before, i)] for i in range(size)]


@op
def meshgrid(*x: Any, indexing: str = "xy") -> list[Any]:
    """Return the coordinates of the grid that vectors span, an array for each of them."""
    parts = [np.ravel(tensor(part)) for part in x]
    places = list(range(len(parts)))
    if indexing == "xy" and len(parts) > 1:
        places[:2] = [1, 0]
    shape = [0] * len(parts)
    for part, place in zip(parts, places, strict=True):
        shape[place] = part.shape[0]
    found = []
    for part, place in zip(parts, places, strict=True):
        own = [1] * len(parts)
        own[place] = -1
        found.append(np.reshape(part, own) * numpy.ones(shape, part.dtype))
    return found


# -- moved and repeated ------------------------------------------------------------------------


@op
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Return x with every entry along an axis repeated; of all numbers in a row for None."""
    repeats = plain(repeats)
    return moved(tensor(x), lambda a: numpy.repeat(a, repeats, axis))


@op
def tile(x: Any, repeats: Any) -> Any:
    """Return x laid side by side, so many times along each axis."""
    return moved(tensor(x), lambda a: numpy.tile(a, repeats))


@op
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Return x moved along an axis; what leaves at its end comes in at its start."""
    return moved(tensor(x), lambda a: numpy.roll(a, shift, axes_of(axis)))


@op
def flip(x: Any, axis: Any = None) -> Any:
    """Return x reversed along an axis, or several; by default all."""
    return moved(tensor(x), lambda a: numpy.flip(a, axes_of(axis)))


@op
def fliplr(x: Any) -> Any:
    """Return x reversed along the second axis."""
    return moved(tensor(x), numpy.fliplr)


@op
def flipud(x: Any) -> Any:
    """Return x reversed along the first axis."""
    return moved(tensor(x), numpy.flipud)


@op
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Return an array turned by 90 degrees in the plane of two axes, `k` times."""
    return moved(tensor(array), lambda a: numpy.rot90(a, k, axes))


@op
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Return x with numbers added before and after each axis.

    Parameters
    ----------
    x : array_like
    pad_width : int, (before, after), or such a pair for each axis
    mode : str, default "constant"
        "constant", "edge", "reflect", "symmetric" or "wrap".
    constant_values : number, optional
        The number added by "constant"; default 0.
    """
    x = tensor(x)
    width = numpy.asarray(plain(pad_width)).tolist()
    if mode != "constant" and constant_values is not None:
        raise ValueError(f"pad: constant_values: expected none with mode {mode!r}")
    y = moved(x, lambda a: numpy.pad(a, width, mode))  # type: ignore[call-overload]
    if not constant_values:
        return y
    inside = numpy.pad(numpy.ones(np.shape(x), bool), width)
    return where(inside, y, plain(constant_values))


@op
def diag(x: Any, k: int = 0) -> Any:
    """Return a matrix with a vector on its k-th diagonal, or that diagonal of a matrix."""
    return moved(tensor(x), lambda a: numpy.diag(a, k))


@op
def diagflat(x: Any, k: int = 0) -> Any:
    """Return a matrix with all numbers of x on its k-th diagonal."""
    return moved(tensor(x), lambda a: numpy.diagflat(a, k))


@op
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the diagonals of the matrices along two axes."""
    return moved(tensor(x), lambda a: numpy.diagonal(a, offset, axis1, axis2))


@op
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the sums of the diagonals of the matrices along two axes."""
    return np.sum(diagonal(x, offset, axis1, axis2), axis=-1)


@op
def tril(x: Any, k: int = 0) -> Any:
    """Return matrices with 0 above their k-th diagonal."""
    return moved(tensor(x), lambda a: numpy.tril(a, k))


@op
def triu(x: Any, k: int = 0) -> Any:
    """Return matrices with 0 below their k-th diagonal."""
    return moved(tensor(x), lambda a: numpy.triu(a, k))


@op
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """Return the windows along the last axis, (..., windows, sequence_length)."""

    def windows(a: Any) -> Any:
        found = numpy.lib.stride_tricks.sliding_window_view(a, sequence_length, axis=-1)
        return found[..., ::sequence_stride, :]

    return moved(tensor(x), windows)


@op
def view_as_complex(x: Any) -> Any:
    """Return complex numbers from real and imaginary parts along the last axis."""
    x = tensor(x)
    return x[..., 0] + 1j * x[..., 1]


@op
def view_as_real(x: Any) -> Any:
    """Return real and imaginary parts along a new last axis."""
    x = tensor(x)
    return stack([np.real(x), np.imag(x)], axis=-1)
