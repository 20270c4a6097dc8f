"""`split_dataset`: samples in two parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..random.generator import generator
from ..structure import flatten, map_structure
from .pipeline import Samples


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
    halves = [map_structure(lambda a, rows=rows: a[rows], samples) for rows in parts]
    if batch_size is not None:
        halves = [Samples(half).batch(batch_size) for half in halves]
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
    return size, map_structure(lambda *pieces: np.concatenate(pieces), *parts)


def _leaves(nest: Any) -> list[Any]:
    """Return the arrays of nested lists, tuples and dicts."""
    leaves = flatten(nest)
    for leaf in leaves:
        if not hasattr(leaf, "shape") or not leaf.shape:
            raise TypeError(f"split_dataset: dataset: expected arrays, got {leaf!r:.80}")
    return leaves
