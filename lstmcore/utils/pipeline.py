"""Dataset: data in steps of an iteration, with the methods that scripts call on them.

``dataset.map(f).shuffle(1000).batch(32).take(2)``: each method returns a new dataset over the old
one, which is read when an entry is asked for. `fit`, `evaluate` and `predict` take them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff.tensors import Tensor, tensor
from ..random.generator import generator
from ..structure import flatten, map_structure
from ..validation import whole
from .datasets import PyDataset

Array = NDArray[Any]


def shown(entry: Any) -> Any:
    """Return an entry with its arrays, in whatever structure, as tensors."""
    return map_structure(tensor, entry)


class Dataset(PyDataset):
    """A base of datasets of any entries, batches or samples, by their number.

    A subclass has ``__getitem__``, and ``__len__`` if it ends. An iteration yields arrays that
    have a method ``numpy``.
    """

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """Make a dataset of samples of arrays.

        Parameters
        ----------
        tensors : array_like, or tuple or dict of them
            Of one length. A list is an array.
        """
        return Samples(_arrays(tensors))

    @property
    def num_batches(self) -> int | None:
        """The number of entries; None if there is no end."""
        return len(self) if hasattr(self, "__len__") else None

    def __iter__(self) -> Iterator[Any]:
        yield from map(shown, super().__iter__())
        self.on_epoch_end()

    def rows(self, numbers: Array) -> Any:
        """Return the entries of these numbers as a batch."""
        entries = [self[int(i)] for i in numbers]
        return map_structure(lambda *leaves: np.stack(leaves), *entries)

    def _count(self, method: str) -> int:
        """Return the number of entries; raise ValueError if there is no end."""
        count = self.num_batches
        if count is None:
            raise ValueError(f"{type(self).__name__}.{method}: expected a dataset that ends")
        return count

    def cardinality(self) -> int:
        """Return the number of entries; -1 if there is no end."""
        count = self.num_batches
        return -1 if count is None else count

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over the entries as plain arrays."""
        return (map_structure(_plain, entry) for entry in self)

    def take(self, count: int) -> Dataset:
        """Return the first entries; all for -1."""
        most = self.num_batches
        count = whole("take: count", count, 0, least=-1)
        if count == -1:
            return self
        return _Part(self, 0, count if most is None else min(count, most))

    def skip(self, count: int) -> Dataset:
        """Return what follows the first entries."""
        most, count = self._count("skip"), whole("skip: count", count, 0, least=0)
        return _Part(self, min(count, most), max(most - count, 0))

    def shuffle(
        self,
        buffer_size: int | None = None,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
    ) -> Dataset:
        """Return the entries in random order.

        Parameters
        ----------
        buffer_size : int, optional
            Accepted for compatibility with TensorFlow: the order is that of all entries.
        seed : int, optional
            By default the library's random generator is used.
        reshuffle_each_iteration : bool, default True
            Draw a new order after each iteration.
        """
        return _Shuffled(self, seed, reshuffle_each_iteration is not False)

    def batch(
        self, batch_size: int, drop_remainder: bool = False, num_parallel_calls: Any = None
    ) -> Dataset:
        """Return batches of so many entries; the last may be smaller, or is left out."""
        return _Batched(self, whole("batch: batch_size", batch_size, 1), drop_remainder)

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """Return ``map_func(entry)``, or ``map_func(*entry)`` of a tuple, for each entry."""
        return _Mapped(self, map_func)

    def cache(self) -> Dataset:
        """Return the entries as they are when first read, kept in memory."""
        return _Cached(self)

    def prefetch(self, buffer_size: Any = None) -> Dataset:
        """Return the dataset itself: entries are made when they are asked for."""
        return self

    def repeat(self, count: int | None = None) -> Dataset:
        """Return the entries again and again: so many times, or without end."""
        most = self._count("repeat")
        times = None if count in (None, -1) else whole("repeat: count", count, 1)
        return _Endless(self, most) if times is None else _Repeated(self, most, times)


def _plain(leaf: Any) -> Any:
    return leaf.numpy() if isinstance(leaf, Tensor) else leaf


def _arrays(tensors: Any) -> Any:
    if isinstance(tensors, tuple):
        return tuple(_arrays(part) for part in tensors)
    if isinstance(tensors, dict):
        return {key: _arrays(part) for key, part in tensors.items()}
    array = np.asarray(tensors)
    if array.ndim == 0:
        raise ValueError(f"from_tensor_slices: tensors: expected arrays, got {tensors!r:.80}")
    return array.astype(object) if array.dtype.kind == "U" else array


class Ending(Dataset):
    """Base of datasets that have an end."""

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__")

    def inside(self, index: int) -> int:
        """Return the number of an entry; raise IndexError if there is none."""
        if not 0 <= index < len(self):
            raise IndexError(f"entry {index} of {len(self)}")
        return index


class Samples(Ending):
    """A dataset of the samples of arrays in memory, in any structure."""

    def __init__(self, arrays: Any) -> None:
        super().__init__()
        self.arrays = arrays
        lengths = {len(leaf) for leaf in flatten(arrays)}
        if len(lengths) != 1:
            raise ValueError(f"Dataset: expected arrays of one length, got {sorted(lengths)}")
        (self._length,) = lengths

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        i = self.inside(index)
        return map_structure(lambda array: array[i], self.arrays)

    def rows(self, numbers: Array) -> Any:
        """Return the samples of these numbers as a batch."""
        return map_structure(lambda array: array[numbers], self.arrays)


class _Derived(Ending):
    """Base of datasets over another one, which hears of the ends of epochs."""

    def __init__(self, base: Dataset) -> None:
        super().__init__()
        self.base = base

    def __len__(self) -> int:
        return self.base._count("__len__")

    def on_epoch_begin(self) -> None:
        self.base.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.base.on_epoch_end()


class _Part(_Derived):
    def __init__(self, base: Dataset, first: int, count: int) -> None:
        super().__init__(base)
        self.first, self.count = first, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.base[self.first + self.inside(index)]

    def rows(self, numbers: Array) -> Any:
        return self.base.rows(self.first + numbers)


class _Shuffled(_Derived):
    def __init__(self, base: Dataset, seed: int | None, again: bool) -> None:
        super().__init__(base)
        base._count("shuffle")
        self.again = again
        self._own = None if seed is None else generator(seed)
        self._draw()

    def _draw(self) -> None:
        self.order = (self._own or generator()).permutation(len(self))

    def __getitem__(self, index: int) -> Any:
        return self.base[int(self.order[self.inside(index)])]

    def rows(self, numbers: Array) -> Any:
        return self.base.rows(self.order[numbers])

    def on_epoch_end(self) -> None:
        super().on_epoch_end()
        if self.again:
            self._draw()


class _Batched(_Derived):
    def __init__(self, base: Dataset, size: int, drop: bool) -> None:
        super().__init__(base)
        self.entries, self.size, self.drop = base._count("batch"), size, drop

    def __len__(self) -> int:
        return self.entries // self.size if self.drop else -(-self.entries // self.size)

    def __getitem__(self, index: int) -> Any:
        first = self.inside(index) * self.size
        return self.base.rows(np.arange(first, min(first + self.size, self.entries)))


class _Mapped(_Derived):
    def __init__(self, base: Dataset, function: Callable[..., Any]) -> None:
        super().__init__(base)
        self.function = function

    def __getitem__(self, index: int) -> Any:
        entry = shown(self.base[self.inside(index)])
        return self.function(*entry) if isinstance(entry, tuple) else self.function(entry)


class _Cached(_Derived):
    def __init__(self, base: Dataset) -> None:
        super().__init__(base)
        self._kept: dict[int, Any] = {}

    def __getitem__(self, index: int) -> Any:
        i = self.inside(index)
        if i not in self._kept:
            self._kept[i] = self.base[i]
        return self._kept[i]

    def on_epoch_end(self) -> None:
        """Do nothing: what is kept has the order in which it was read."""


class _Repeated(_Derived):
    def __init__(self, base: Dataset, count: int, times: int) -> None:
        super().__init__(base)
        self.count, self.times = count, times

    def __len__(self) -> int:
        return self.count * self.times

    def __getitem__(self, index: int) -> Any:
        return self.base[self.inside(index) % self.count]


class _Endless(Dataset):
    def __init__(self, base: Dataset, count: int) -> None:
        super().__init__()
        self.base, self.count = base, count

    def __getitem__(self, index: int) -> Any:
        return self.base[index % self.count]
