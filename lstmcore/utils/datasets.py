"""PyDataset, the base class of datasets in batches, and `split_dataset`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..random.generator import generator


class PyDataset:
    """The base class of datasets in batches: subclass it, write ``__len__`` and ``__getitem__``.

    ``self[i]`` is batch i: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``. `fit` calls
    `on_epoch_begin` and `on_epoch_end`.

    Parameters
    ----------
    workers : int, default 1
    use_multiprocessing : bool, default False
    max_queue_size : int, default 10
        Accepted for compatibility with Keras; batches are made one at a time, in this process.
    """

    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Return one batch."""
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__")

    @property
    def num_batches(self) -> int | None:
        """The number of batches of an epoch; None if it has no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} has neither __len__ nor num_batches")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for i in itertools.count() if count is None else range(count):
            yield self[i]

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


Sequence = PyDataset


class _Batches(PyDataset):
    """A dataset of samples in memory."""

    def __init__(self, samples: Any, batch_size: int) -> None:
        super().__init__()
        self.samples, self.batch_size = samples, batch_size
        self.count = len(_leaves(samples)[0])

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return _map(lambda a: a[rows], self.samples)


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Split samples in two parts, such as training and test.

    Parameters
    ----------
    dataset : array, list, tuple or dict of arrays, or a dataset in batches
        Arrays of equal length, in any nesting; or a `PyDataset` or another iterable of batches,
        which is read once.
    left_size, right_size : float or int, optional
        The share or the number of samples; by default those that the other part leaves.
    shuffle : bool, default False
        Draw the samples at random.
    seed : int, optional
        Seed for `shuffle`; by default the library's random generator is used.
    preferred_backend
        Accepted for compatibility with Keras; no effect.

    Returns
    -------
    left, right
        Arrays for arrays, in the same nesting; datasets of the same batch size for datasets.

    Raises
    ------
    ValueError, TypeError
        If the sizes or the data are not valid.
    """
    batch_size, samples = None, dataset
    if not isinstance(dataset, np.ndarray | list | tuple | dict):
        batch_size, samples = _collect(dataset)
    leaves = _leaves(samples)
    if not leaves:
        raise ValueError("split_dataset: dataset: is empty")
    lengths = [len(leaf) for leaf in leaves]
    if len(set(lengths)) > 1:
        raise ValueError(f"split_dataset: dataset: arrays of different lengths: {lengths}")
    left, right = _sizes(left_size, right_size, lengths[0])
    if shuffle:
        order = generator(seed).permutation(lengths[0])
        parts: tuple[Any, Any] = (order[:left], order[lengths[0] - right :])
    else:
        parts = (slice(0, left), slice(lengths[0] - right, None))
    halves = [_map(lambda a, rows=rows: a[rows], samples) for rows in parts]
    if batch_size is not None:
        halves = [_Batches(half, batch_size) for half in halves]
    return halves[0], halves[1]


def _sizes(left: float | None, right: float | None, total: int) -> tuple[int, int]:
    """Return the numbers of samples of the two parts."""
    if left is None and right is None:
        raise ValueError("split_dataset: left_size or right_size must be given")
    counts: list[int | None] = []
    sizes: dict[str, Any] = {"left_size": left, "right_size": right}
    for name, size in sizes.items():
        if size is None:
            counts.append(None)
        elif isinstance(size, bool) or not isinstance(size, int | float | np.integer | np.floating):
            raise TypeError(f"split_dataset: {name}: expected a number, got {size!r}")
        elif isinstance(size, int | np.integer):
            if not 0 < size < total:
                raise ValueError(
                    f"split_dataset: {name}: expected 1 to {total - 1} of {total} samples, "
                    f"got {size}"
                )
            counts.append(int(size))
        elif not 0 < size < 1:
            raise ValueError(
                f"split_dataset: {name}: expected a share between 0 and 1, got {size!r}"
            )
        else:
            counts.append(round(float(size) * total))
    first, second = counts
    if first is None:
        first = total - (second or 0)
    second = total - first if second is None else second
    if first + second > total:
        raise ValueError(
            f"split_dataset: left_size and right_size: {first} + {second} samples are more than "
            f"the {total} there are"
        )
    if not first or not second:
        raise ValueError(f"split_dataset: one side of {total} samples would be empty")
    return first, second


def _collect(dataset: Any) -> tuple[int, Any]:
    """Return the batch size of a dataset, and all its samples."""
    if not hasattr(dataset, "__iter__") and not hasattr(dataset, "__getitem__"):
        raise TypeError(
            "split_dataset: dataset: expected arrays or an iterable of batches, "
            f"got {type(dataset).__name__}"
        )
    length = len(dataset) if hasattr(dataset, "__len__") else None
    batches = dataset if length is None else (dataset[i] for i in range(length))
    parts = list(batches)
    if not parts:
        raise ValueError("split_dataset: dataset: has no batch")
    size = len(_leaves(parts[0])[0])
    return size, _map(lambda *pieces: np.concatenate(pieces), *parts)


def _leaves(nest: Any) -> list[Any]:
    """Return the arrays of nested lists, tuples and dicts."""
    if isinstance(nest, dict):
        return [leaf for value in nest.values() for leaf in _leaves(value)]
    if isinstance(nest, list | tuple):
        return [leaf for value in nest for leaf in _leaves(value)]
    if not hasattr(nest, "shape") or not nest.shape:
        raise TypeError(f"split_dataset: dataset: expected arrays, got {nest!r:.80}")
    return [nest]


def _map(f: Callable[..., Any], nest: Any, *more: Any) -> Any:
    """Apply a function to every array of a nesting; return the results in the same nesting."""
    if isinstance(nest, dict):
        return {key: _map(f, value, *(m[key] for m in more)) for key, value in nest.items()}
    if isinstance(nest, list | tuple):
        return type(nest)([_map(f, *values) for values in zip(nest, *more, strict=True)])
    return f(nest, *more)


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Return a batch of inputs, targets and weights as `fit` takes it: x, (x,), (x, y) ...

    Without targets x alone, which stands in a tuple if it is a list or tuple itself.
    """
    if y is None:
        return (x,) if isinstance(x, list | tuple) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Return the inputs, the targets or None, and the weights or None, of a batch.

    Raises
    ------
    ValueError
        If a tuple or list has more than three entries, or none.
    """
    parts = tuple(data) if isinstance(data, list | tuple) else (data,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(
            "unpack_x_y_sample_weight: data: expected x, (x,), (x, y) or (x, y, sample_weight), "
            f"got {len(parts)} entries"
        )
    x, y, sample_weight = (*parts, None, None)[:3]
    return x, y, sample_weight
