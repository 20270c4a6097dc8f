"""Samples in memory, cut into batches; sequences of different lengths, padded as they go out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..random.generator import generator
from ..validation import WHOLE, Array, as_array, as_mask, as_numbers, check_whole, whole


class Ragged:
    """Sequences of different lengths, end to end in one array.

    Parameters
    ----------
    flat : ndarray, (all steps, ...)
    lengths : ndarray of int, (samples,)
    starts : ndarray of int, (samples,), optional
        Where each sequence begins in `flat`; the default is one after another.
    """

    def __init__(self, flat: Array, lengths: Array, starts: Array | None = None) -> None:
        self.flat, self.lengths = flat, lengths
        self.starts = np.cumsum(lengths) - lengths if starts is None else starts

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: Any) -> Ragged:
        """Some of the sequences; their numbers are not copied."""
        return Ragged(self.flat, self.lengths[rows], self.starts[rows])

    @property
    def shape(self) -> tuple[Any, ...]:
        """As of an array, with None for the time axis."""
        return (len(self), None, *self.flat.shape[1:])

    def padded(self) -> tuple[Array, Array | None]:
        """Return (samples, longest, ...) with zeros at the end, and which steps are real.

        The second is None if all are. There is at least one step, be it padding.
        """
        lengths = self.lengths
        longest = int(lengths.max())
        out = np.zeros((len(self), max(longest, 1), *self.flat.shape[1:]), self.flat.dtype)
        for row, start, n in zip(out, self.starts.tolist(), lengths.tolist(), strict=True):
            row[:n] = self.flat[start : start + n]
        if longest and (lengths == longest).all():
            return out, None
        return out, np.arange(out.shape[1]) < lengths[:, None]

    def trim(self, padded: Array) -> list[Array]:
        """Cut an output for these sequences, (samples, longest, ...), to their lengths."""
        return [row[:n].copy() for row, n in zip(padded, self.lengths.tolist(), strict=True)]


def is_ragged(value: Any) -> bool:
    """Whether this is a plain list or tuple of sequences that differ in length."""
    if not isinstance(value, list | tuple):
        return False
    try:
        return len({len(v) for v in value}) > 1
    except TypeError:
        return False  # numbers


def only_entry(value: Any) -> Any:
    """The array in a list of one, as Keras takes it for a model of one input or output."""
    alone_in_list = isinstance(value, list | tuple) and len(value) == 1
    return value[0] if alone_in_list and getattr(value[0], "ndim", 0) > 0 else value


def as_ragged(value: Sequence[Any], dtype: Any, what: str) -> Ragged:
    """Convert a list of sequences (steps, ...) once, and check that they are alike.

    Raises
    ------
    TypeError, ValueError
        As `as_array` does, with the number of the sample.
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
        What to call x in error messages.
    mask : array_like of bool, (batch, time), optional
        Which steps of x are real.
    """
    return pad((as_ragged if is_ragged(x) else as_array)(x, dtype, what), what, mask)


def pad(x: Array | Ragged, what: str, mask: Any = None) -> tuple[Array, Array | None]:
    """Do the same with samples that are converted already."""
    if isinstance(x, Ragged):
        if mask is not None:
            raise ValueError(f"{what}: expected no mask beside sequences of different lengths")
        return x.padded()
    return x, None if mask is None else as_mask(mask, x.shape, f"{what}: mask")


def same_lengths(value: Any, x: Any, dtype: Any, what: str) -> Ragged:
    """Return a list of sequences if they are as long as those of x, sample by sample."""
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


class Batch(NamedTuple):
    """Samples that go through a model together: lists, an entry for each input or output."""

    x: list[Array]
    y: list[Array | None]
    weight: list[Array | None]
    mask: list[Array | None]  # of the inputs


def alone(values: Sequence[Any]) -> Any:
    """What a model's `run` takes: the one value, or the list of them."""
    return values[0] if len(values) == 1 else values


def alone_mask(masks: Sequence[Any]) -> Any:
    """The same for masks; None if there are none."""
    return masks[0] if len(masks) == 1 else None if all(m is None for m in masks) else masks


class Batches:
    """Samples in memory, cut into batches: targets and weights go with their inputs.

    Parameters
    ----------
    x, y, weight : list of ndarray, (samples, ...), or Ragged
        One for each input, or output; targets and weights may be None.
    batch_size : int, default 32
    shuffle : bool, default False
        Draw a new order each time through. Then a batch is valid until the next one is made:
        all are gathered into the same memory.
    """

    def __init__(
        self,
        x: Sequence[Any],
        y: Sequence[Any],
        weight: Sequence[Any],
        batch_size: int | None = None,
        shuffle: bool = False,
    ) -> None:
        self.columns = (list(x), list(y), list(weight))
        self.samples = len(x[0])
        self.batch_size = min(whole("batch_size", batch_size, 32), self.samples)
        self.steps: int | None = math.ceil(self.samples / self.batch_size)
        self.shuffle = bool(shuffle)

    def split(self, share: float) -> tuple[Batches, Batches]:
        """Return all but the last `share` of the samples, and these, divided as Keras does."""
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise ValueError(f"validation_split: expected a number from 0 to 1, got {share!r}")
        at = math.floor(self.samples * (1.0 - share))
        if at == 0:
            raise ValueError(
                f"validation_split: {share:g} of {self.samples} samples leaves none to train on"
            )
        head, tail = self._part(slice(at)), self._part(slice(at, None))
        head.shuffle = self.shuffle
        return head, tail

    def _part(self, rows: slice) -> Batches:
        x, y, weight = ([None if c is None else c[rows] for c in part] for part in self.columns)
        return Batches(x, y, weight, self.batch_size)

    def all(self) -> Batch:
        """Return all samples as one batch."""
        x, y, weight = ([_padded(c) for c in part] for part in self.columns)
        return Batch(_arrays(x), _arrays(y), _arrays(weight), [c[1] for c in x])

    def __iter__(self) -> Iterator[Batch]:
        size = self.batch_size
        order = generator().permutation(self.samples) if self.shuffle else None
        x, y, weight = (
            [(c, None if order is None else _room(c, size)) for c in part] for part in self.columns
        )
        for start in range(0, self.samples, size):
            rows = slice(start, start + size) if order is None else order[start : start + size]
            inputs = [_gather(c, rows, memory) for c, memory in x]
            yield Batch(
                [array for array, _ in inputs],
                [_gather(c, rows, memory)[0] for c, memory in y],
                [_gather(c, rows, memory)[0] for c, memory in weight],
                [mask for _, mask in inputs],
            )


def _arrays(pairs: list[Any]) -> list[Any]:
    """The arrays of pairs of an array and its mask."""
    return [array for array, _ in pairs]


def _room(samples: Any, size: int) -> Array | None:
    whole_array = isinstance(samples, np.ndarray)
    return np.empty_like(samples[:size]) if whole_array else None


def _padded(samples: Any) -> Any:
    return samples.padded() if isinstance(samples, Ragged) else (samples, None)


def _gather(samples: Any, rows: Any, memory: Array | None) -> Any:
    """Some samples and their mask; of an array, into `memory` if there is any."""
    if memory is None:
        return (None, None) if samples is None else _padded(samples[rows])
    # mode="clip": with "raise" NumPy gathers into a buffer of its own first
    return samples.take(rows, 0, memory[: len(rows)], "clip"), None


class Results:
    """The outputs of all batches, put together.

    Parameters
    ----------
    x : ndarray or Ragged
        All samples.
    shape : tuple of int or None
        Of the output for all samples.
    out : ndarray, optional
        Where they are to be put.

    Attributes
    ----------
    out : ndarray, or list of ndarray
        A list if there is an output for each step of sequences of different lengths.
    """

    def __init__(self, x: Array | Ragged | None, shape: Any, out: Any = None) -> None:
        self.out: Any = [] if has_steps(x, shape) else out
        self._x = x

    def put(self, part: slice, y: Array) -> None:
        """Add the output for some samples, those that follow."""
        if isinstance(self.out, list):
            self.out += self._x[part].trim(y)  # type: ignore[union-attr,index]
            return
        if self.out is None:
            self.out = np.empty((len(self._x), *y.shape[1:]), y.dtype)  # type: ignore[arg-type]
        self.out[part] = y


def has_steps(x: Any, shape: tuple[int | None, ...]) -> bool:
    """Whether an output of this shape has a step for each step of sequences of any length."""
    return isinstance(x, Ragged) and len(shape) > 1 and shape[1] is None
