"""PyDataset, the base class of datasets in batches, and what a batch consists of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


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
