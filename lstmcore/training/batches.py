"""Batches: samples in memory, cut into batches; and the outputs of all batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..ragged import Ragged
from ..random.generator import generator
from ..validation import Array, whole


class Batch(NamedTuple):
    """Samples that go through a model together: lists, an entry for each input or output."""

    x: list[Array]
    y: list[Array | None]
    weight: list[Array | None]
    mask: list[Array | None]  # of the inputs


def one_or_list(values: Sequence[Any]) -> Any:
    """Return the value itself if there is one, else the list of them: the form `run` takes."""
    return values[0] if len(values) == 1 else values


def mask_or_list(masks: Sequence[Any]) -> Any:
    """Return the masks in the form `run` takes: one, a list, or None if no input has a mask."""
    return masks[0] if len(masks) == 1 else None if all(m is None for m in masks) else masks


class Batches:
    """Samples in memory, cut into batches: targets and weights go with their inputs.

    Parameters
    ----------
    x, y, weight : list of ndarray, (samples, ...), or Ragged
        One for each input, or output; targets and weights may be None.
    batch_size : int, default 32
    shuffle : bool, default False
        Draw a new order for each iteration. A batch is then valid until the next one is made,
        because all are gathered into the same buffer.
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
        self.part = (0, 1)  # which of how many parts of each batch is given out

    def split(self, share: float) -> tuple[Batches, Batches]:
        """Split off the last `share` of the samples, as Keras does; return both parts."""
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise ValueError(f"validation_split: expected a number from 0 to 1, got {share!r}")
        at = math.floor(self.samples * (1.0 - share))
        if at == 0:
            raise ValueError(
                f"validation_split: {share:g} of {self.samples} samples leaves none to train on"
            )
        first, rest = self._part(slice(at)), self._part(slice(at, None))
        first.shuffle = self.shuffle
        return first, rest

    def _part(self, rows: slice) -> Batches:
        x, y, weight = ([None if c is None else c[rows] for c in part] for part in self.columns)
        return Batches(x, y, weight, self.batch_size)

    def all(self) -> Batch:
        """Return all samples as one batch."""
        x, y, weight = ([_padded(c) for c in part] for part in self.columns)
        return Batch(_arrays(x), _arrays(y), _arrays(weight), [c[1] for c in x])

    def _own_rows(self, start: int, stop: int) -> slice:
        """Return the part of a batch that is given out; the first parts have a row more."""
        which, parts = self.part
        least, more = divmod(stop - start, parts)
        first = start + which * least + min(which, more)
        return slice(first, first + least + (which < more))

    def __iter__(self) -> Iterator[Batch]:
        size = self.batch_size
        order = generator().permutation(self.samples) if self.shuffle else None
        x, y, weight = (
            [(c, None if order is None else _buffer(c, size)) for c in part]
            for part in self.columns
        )
        for start in range(0, self.samples, size):
            here = self._own_rows(start, min(start + size, self.samples))
            rows = here if order is None else order[here]
            inputs = [_gather(c, rows, buffer) for c, buffer in x]
            yield Batch(
                [array for array, _ in inputs],
                [_gather(c, rows, buffer)[0] for c, buffer in y],
                [_gather(c, rows, buffer)[0] for c, buffer in weight],
                [mask for _, mask in inputs],
            )


def _arrays(pairs: list[Any]) -> list[Any]:
    """Return the arrays of (array, mask) pairs."""
    return [array for array, _ in pairs]


def _buffer(samples: Any, size: int) -> Array | None:
    whole_array = isinstance(samples, np.ndarray)
    return np.empty_like(samples[:size]) if whole_array else None


def _padded(samples: Any) -> Any:
    return samples.padded() if isinstance(samples, Ragged) else (samples, None)


def _gather(samples: Any, rows: Any, buffer: Array | None) -> Any:
    """Return some rows and their mask; rows of an array are gathered into `buffer` if given."""
    if buffer is None:
        return (None, None) if samples is None else _padded(samples[rows])
    # mode="clip": with "raise" NumPy gathers into a buffer of its own first
    return samples.take(rows, 0, buffer[: len(rows)], "clip"), None


class BatchOutputs:
    """One output of all samples, filled in batch by batch.

    Parameters
    ----------
    columns : list of ndarray or Ragged
        All samples, an entry for each input.
    shape : tuple of int or None
        Shape of the output for all samples.
    alone : callable
        Returns the shape of the output for one sample alone, given the shapes of its inputs; batch
        axes included.
    out : ndarray, optional
        The array to write to; the default is a new one.

    Attributes
    ----------
    out : ndarray, or list of ndarray
        A list of arrays if the output has a time axis and the sequences differ in length.
    """

    def __init__(
        self, columns: Sequence[Any], shape: Any, alone: Callable[[list[Any]], Any], out: Any = None
    ) -> None:
        ragged = [c for c in columns if isinstance(c, Ragged)]
        follows = [axis for axis, n in enumerate(shape) if axis and n is None] if ragged else []
        self.out: Any = [] if follows else out
        self._columns, self._ragged, self._alone = columns, ragged, alone
        self._only_steps = follows == [1]
        self._shapes: dict[tuple[int, ...], tuple[int, ...]] = {}

    def write(self, part: slice, y: Array, mask: Any = None) -> Any:
        """Write the output of the next samples, the rows `part`; return it without padding.

        Parameters
        ----------
        part : slice
        y : ndarray
        mask : ndarray of bool, (batch, time), optional
            That of the output, which tells where padding is between steps.
        """
        if isinstance(self.out, list):
            rows = self._without_padding(part, y, mask)
            self.out += rows
            return rows
        if self.out is None:
            self.out = np.empty((len(self._columns[0]), *y.shape[1:]), y.dtype)
        if y.shape[1:] != self.out.shape[1:]:
            first, now = (f"(batch, {', '.join(map(str, a.shape[1:]))})" for a in (self.out, y))
            raise ValueError(
                f"predict: x: expected batches whose outputs are {first}, as the first one's are, "
                f"got {now}: give all texts one number of words (output_sequence_length=), or "
                "predict batch by batch (predict_iter)"
            )
        self.out[part] = y
        return y

    def _without_padding(self, part: slice, y: Array, mask: Any) -> list[Array]:
        """Return each row of an output with the shape that it has alone."""
        lengths = [c.lengths[part] for c in self._ragged]
        alike = all((other == lengths[0]).all() for other in lengths[1:])
        steps = mask if self._only_steps and mask is not None and mask.ndim > 1 else None
        if self._only_steps and alike and y.shape[1] == max(int(lengths[0].max()), 1):
            shapes: list[Any] = [(n,) for n in lengths[0].tolist()]
        else:
            shapes = [
                self._shape_alone(key) for key in zip(*(n.tolist() for n in lengths), strict=True)
            ]
        rows = []
        for i, shape in enumerate(shapes):
            if steps is not None and steps[i, shape[0] :].any():  # padding is not at the end
                rows.append(self._unmasked(y[i], steps[i], shape[0]))
            else:
                rows.append(y[i][tuple(slice(n) for n in shape)].copy())
        return rows

    def _shape_alone(self, lengths: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the output, without batch axis, for a sample of these lengths."""
        if lengths not in self._shapes:
            own = iter(lengths)
            inputs = [
                (1, next(own), *c.shape[2:]) if isinstance(c, Ragged) else (1, *c.shape[1:])
                for c in self._columns
            ]
            self._shapes[lengths] = tuple(self._alone(inputs)[1:])
        return self._shapes[lengths]

    @staticmethod
    def _unmasked(row: Array, steps: Array, count: int) -> Array:
        """Return the unmasked steps of a row, which must be so many."""
        if steps.sum() != count:
            raise ValueError(
                "predict: x: expected an array, for some steps are masked and the padding of the "
                f"output is not at its end (go_backwards, say): {steps.sum()} of {count} steps "
                "can be told from it"
            )
        selected: Array = row[steps]
        return selected


def joined(parts: Sequence[Any]) -> Any:
    """Return the outputs of batches as one array, or as a list of rows if their shapes differ."""
    shapes = {part.shape[1:] for part in parts if isinstance(part, np.ndarray)}
    if len(shapes) == 1 and all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return [row for part in parts for row in part]
