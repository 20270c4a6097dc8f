"""Ragged: sequences of different lengths in one array, and their conversion to padded arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .validation import STRING, WHOLE, Array, as_array, as_mask, as_numbers, check_whole


class Ragged:
    """Sequences of different lengths, concatenated in one array.

    Parameters
    ----------
    flat : ndarray, (all steps, ...)
    lengths : ndarray of int, (samples,)
    starts : ndarray of int, (samples,), optional
        The position of each sequence in `flat`; the default is one after another.
    """

    def __init__(self, flat: Array, lengths: Array, starts: Array | None = None) -> None:
        self.flat, self.lengths = flat, lengths
        self.starts = np.cumsum(lengths) - lengths if starts is None else starts

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: Any) -> Ragged:
        """Return some of the sequences, without a copy of the data."""
        return Ragged(self.flat, self.lengths[rows], self.starts[rows])

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape of an array of the sequences, with None for the time axis."""
        return (len(self), None, *self.flat.shape[1:])

    def padded(self) -> tuple[Array, Array | None]:
        """Return an array (samples, longest, ...), zeros at the end, and its mask or None.

        The mask is None if all sequences have the same length. There is at least one step, which
        is padding if all sequences are empty.
        """
        lengths = self.lengths
        longest = int(lengths.max(initial=0))
        out = np.zeros((len(self), max(longest, 1), *self.flat.shape[1:]), self.flat.dtype)
        for row, start, n in zip(out, self.starts.tolist(), lengths.tolist(), strict=True):
            row[:n] = self.flat[start : start + n]
        if longest and (lengths == longest).all():
            return out, None
        return out, np.arange(out.shape[1]) < lengths[:, None]


def is_ragged(value: Any) -> bool:
    """Return True for a list or tuple of sequences that differ in length."""
    if not isinstance(value, list | tuple) or (value and isinstance(value[0], str | bytes)):
        return False
    try:
        return len({len(v) for v in value}) > 1
    except TypeError:
        return False  # numbers


def only_entry(value: Any) -> Any:
    """Return the array in a list of one, which Keras accepts for a single input or output."""
    alone_in_list = isinstance(value, list | tuple) and len(value) == 1
    return value[0] if alone_in_list and getattr(value[0], "ndim", 0) > 0 else value


def as_samples(x: Any, shape: Sequence[int | None] | None, dtype: Any, what: str) -> Any:
    """Convert a user's samples for one input of a model to an array or a `Ragged`.

    A list of one array may stand for the array. As in Keras a last axis of size 1 may be missing,
    or there may be one too many.

    Parameters
    ----------
    x : array_like, or list of sequences of different lengths
    shape : tuple of int or None, optional
        The shape the input was declared with, batch axis included; None if it was not.
    dtype : dtype or None
    what : str
        The name of x in error messages.

    Raises
    ------
    TypeError, ValueError
        As `as_array` and `as_ragged`. Shapes that do not fit are left to the input to refuse.
    """
    if x is None:
        raise ValueError(f"{what}: expected samples, got None")
    entry = only_entry(x)
    if entry is not x and shape is not None:
        one_sample = _axes_to_add((1, *entry.shape), shape)
        if entry.ndim == len(shape) or (
            one_sample is None and _axes_to_add(entry.shape, shape) is not None
        ):
            x = entry
    if isinstance(x, str | bytes) and dtype == STRING:
        raise ValueError(f"{what}: expected a list or an array of texts, got {x!r:.80}")
    samples = _converted(x, dtype, what)
    return samples if shape is None else match_rank(samples, shape)


def match_rank(x: Any, shape: Sequence[int | None]) -> Any:
    """Return samples with a last axis of size 1 added or removed if they fit a shape only so.

    x is an array, a `Ragged` or a symbolic tensor.
    """
    if len(x.shape) == len(shape):
        return x
    axes = _axes_to_add(x.shape, shape)
    if not axes:
        return x
    if isinstance(x, Ragged):
        flat = x.flat[..., None] if axes > 0 else np.ascontiguousarray(x.flat[..., 0])
        return Ragged(flat, x.lengths, x.starts)
    if axes > 0:
        return x[..., None]
    return np.ascontiguousarray(x[..., 0]) if isinstance(x, np.ndarray) else x[..., 0]


def _axes_to_add(given: Sequence[Any], shape: Sequence[int | None]) -> int | None:
    """Return how many axes of size 1 make the given shape fit: 0, 1 or -1; None if none does."""
    more = len(shape) - len(given)
    if more == 1 and shape[-1] == 1:
        given = (*given, 1)
    elif more == -1 and given[-1] == 1:
        given = given[:-1]
    elif more:
        return None
    pairs = zip(given[1:], shape[1:], strict=True)
    return more if all(None in pair or pair[0] == pair[1] for pair in pairs) else None


def as_ragged(value: Sequence[Any], dtype: Any, what: str) -> Ragged:
    """Convert a list of sequences (steps, ...) to a `Ragged`; check that their shapes agree.

    Raises
    ------
    TypeError, ValueError
        As `as_array`, with the index of the sample.
    """
    parts = [_sequence(v, dtype, f"{what}: sample {i}") for i, v in enumerate(value)]
    lengths = np.array([len(part) for part in parts])
    first = int(lengths.argmax())
    shape = parts[first].shape[1:]
    for i, part in enumerate(parts):
        if len(part) and part.shape[1:] != shape:
            wanted = ", ".join(["steps", *map(str, shape)])
            raise ValueError(
                f"{what}: sample {i}: expected shape ({wanted}), as sample {first} has, "
                f"got {part.shape}"
            )
    flat = np.concatenate([part for part in parts if len(part)])
    if flat.size == 0:
        raise ValueError(f"{what}: expected at least one number, got sequences of shape (0,)")
    return Ragged(np.ascontiguousarray(flat, dtype), lengths)


def _sequence(value: Any, dtype: Any, what: str) -> Array:
    array = as_numbers(value, what)
    if dtype in WHOLE:
        check_whole(array, what)
    return array


def as_batch(x: Any, dtype: Any, what: str, mask: Any = None) -> tuple[Array, Array | None]:
    """Return all samples as one array, padded if their lengths differ, and its mask.

    Parameters
    ----------
    x : array_like, or list of sequences of different lengths
    dtype : dtype or None
    what : str
        The name of x in error messages.
    mask : array_like of bool, (batch, time), optional
        True for unmasked steps.
    """
    return pad(_converted(x, dtype, what), what, mask)


def _converted(x: Any, dtype: Any, what: str) -> Array | Ragged:
    """Convert samples to an array, or to a `Ragged` if they are sequences of unlike lengths."""
    ragged = dtype != STRING and is_ragged(x)  # texts are of unlike lengths, and one array
    return (as_ragged if ragged else as_array)(x, dtype, what)


def pad(x: Array | Ragged, what: str, mask: Any = None) -> tuple[Array, Array | None]:
    """Return converted samples as one array, padded if they are ragged, and their mask."""
    if isinstance(x, Ragged):
        if mask is not None:
            raise ValueError(f"{what}: expected no mask beside sequences of different lengths")
        return x.padded()
    ids = x.dtype.kind in "iu"
    return x, None if mask is None else as_mask(mask, x.shape, f"{what}: mask", ids)


def as_ragged_like(value: Any, x: Any, dtype: Any, what: str) -> Ragged:
    """Convert a list of sequences; raise ValueError unless their lengths are those of x."""
    if not isinstance(x, Ragged):
        raise ValueError(f"{what}: expected an array, got sequences of different lengths")
    if not isinstance(value, list | tuple) or not all(hasattr(v, "__len__") for v in value):
        got = f"shape {value.shape}" if hasattr(value, "shape") else f"a {type(value).__name__}"
        got = "numbers" if isinstance(value, list | tuple) else got
        raise ValueError(f"{what}: expected a list of {len(x)} sequences, as x is, got {got}")
    if len(value) != len(x):
        raise ValueError(f"{what}: expected {len(x)} samples, as many as x has, got {len(value)}")
    ragged = as_ragged(value, dtype, what)
    differ = np.flatnonzero(ragged.lengths != x.lengths)
    if len(differ):
        i = differ[0]
        raise ValueError(
            f"{what}: sample {i}: expected {x.lengths[i]} steps, as many as x has, "
            f"got {ragged.lengths[i]}"
        )
    return ragged


def has_ragged_steps(x: Any, shape: tuple[int | None, ...]) -> bool:
    """Return True if an output of this shape has a time axis that follows ragged inputs."""
    return isinstance(x, Ragged) and len(shape) > 1 and shape[1] is None
