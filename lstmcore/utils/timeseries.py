"""`timeseries_dataset_from_array`: windows of a series in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..random.generator import generator
from ..refused.arguments import checked
from ..validation import plain_array
from .pipeline import Dataset

Array = NDArray[Any]


class _Windows(Dataset):
    """A dataset of the windows of a series that begin at given steps.

    With a random generator every epoch has a new order.
    """

    def __init__(
        self,
        data: Array,
        targets: Array | None,
        starts: Array,
        offsets: Array,
        batch_size: int | None,
        random: np.random.Generator | None,
        future: Array | None = None,
    ) -> None:
        super().__init__()
        self.future = future
        self.data, self.targets = data, targets
        self.starts, self.offsets = starts, offsets
        self.batch_size, self._random = batch_size, random
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self.starts) // (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        if self.batch_size is None:
            starts = self.starts[index]
        else:
            starts = self.starts[index * self.batch_size : (index + 1) * self.batch_size]
        x = self.data[starts[..., None] + self.offsets]
        if self.future is not None:
            x = (x, self.future[starts])
        return x if self.targets is None else (x, self.targets[starts])

    def on_epoch_end(self) -> None:
        if self._random is not None:
            self.starts = self._random.permutation(self.starts)


@checked
def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
    *,
    horizon: int | None = None,
    target: int | Sequence[int] | None = None,
    known_future: int | Sequence[int] | None = None,
) -> Dataset:
    """Make a dataset of windows of a series and their targets, in batches.

    Parameters
    ----------
    data : array, shape (steps, ...)
    targets : array, shape (steps, ...), or None
        ``targets[i]`` is the target of the window that begins at step i. A forecast of the next
        value needs ``data[:-n]`` and ``data[n:]`` with n the `sequence_length`. With None there
        are no targets.
    sequence_length : int
        Number of values of a window.
    sequence_stride : int, default 1
        Number of steps between the beginnings of two windows.
    sampling_rate : int, default 1
        Number of steps from one value of a window to the next.
    batch_size : int or None, default 128
        With None, single windows without a batch axis.
    shuffle : bool, default False
        Draw a new order of the windows for each epoch.
    seed : int, optional
        Seed for `shuffle`; by default the library's random generator is used.
    start_index, end_index : int, optional
        The part of `data` that is used; `end_index` itself is not.
    format : {"tf", "grain"}
        Accepted for compatibility with Keras; batches are NumPy arrays either way.
    horizon : int, optional
        Beyond Keras: use this number of steps of `data` after each window as its targets;
        `targets` must be None.
    target : int or sequence of int, optional
        With `horizon`: the features that are targets, by default all.
    known_future : int or sequence of int, optional
        With `horizon`: the features that are known in advance, such as holidays; x is then a
        pair of the window and of these at the target steps, for a model of two inputs.

    Returns
    -------
    Dataset
        Batches ``(x, y)``, or ``x`` without targets; of (batch, sequence_length, ...), targets
        of (batch, horizon, ...). Its length is the number of batches; it can be iterated any
        number of times.

    Raises
    ------
    ValueError
        If an argument is not valid or the data is shorter than a window and its target.
    """
    where = "timeseries_dataset_from_array"
    data = plain_array(data, f"{where}: data")
    counts = {
        "sequence_length": sequence_length,
        "sequence_stride": sequence_stride,
        "sampling_rate": sampling_rate,
        "batch_size": 1 if batch_size is None else batch_size,
    }
    for name, number in counts.items():
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not whole or number < 1:
            raise ValueError(f"{where}: {name}: expected a whole number >= 1, got {number!r}")
    for name in ("sequence_stride", "sampling_rate"):
        if counts[name] >= len(data):
            raise ValueError(
                f"{where}: {name}: expected less than the {len(data)} steps of the data, "
                f"got {counts[name]}"
            )
    if format not in ("tf", "grain"):
        raise ValueError(f"{where}: format: expected 'tf' or 'grain', got {format!r}")
    start = start_index or 0
    end = len(data) if end_index is None else end_index
    if not 0 <= start < end <= len(data):
        raise ValueError(
            f"{where}: start_index:end_index {start}:{end} is no part of {len(data)} steps"
        )
    future = None
    if horizon is not None:
        if targets is not None:
            raise ValueError(f"{where}: targets: expected None: horizon takes them from data")
        first = (sequence_length - 1) * sampling_rate + 1
        targets, future = _targets(where, data[:end], first, horizon, target, known_future)
    elif target is not None or known_future is not None:
        raise ValueError(f"{where}: target and known_future go with horizon")
    windows = end - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = plain_array(targets, f"{where}: targets")[start:]
        windows = min(windows, len(targets))
    if windows < 1:
        raise ValueError(
            f"{where}: no window of {sequence_length} values, {sampling_rate} steps apart, "
            f"in the steps {start}:{end}, or no target for one"
        )
    starts = np.arange(0, windows, sequence_stride)
    offsets = np.arange(0, sequence_length * sampling_rate, sampling_rate)
    random = generator(seed) if shuffle else None
    future = None if future is None else future[start:]
    return _Windows(data[start:end], targets, starts, offsets, batch_size, random, future)


def _targets(
    where: str,
    data: Array,
    first: int,
    horizon: int,
    target: int | Sequence[int] | None,
    known_future: int | Sequence[int] | None,
) -> tuple[Array, Array | None]:
    """Return the targets, `first` steps after the beginning of each window, and known features."""
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or horizon < 1:
        raise ValueError(f"{where}: horizon: expected a whole number >= 1, got {horizon!r}")
    if len(data) < first + horizon:
        raise ValueError(
            f"{where}: {len(data)} steps are fewer than the {first} + {horizon} of one window and "
            "its targets"
        )

    def targets_after(features: Any) -> Array:
        columns = data if features is None else (data if data.ndim > 1 else data[:, None])
        selected = columns if features is None else columns[:, features]
        view = np.lib.stride_tricks.sliding_window_view(selected[first:], horizon, axis=0)
        return np.moveaxis(view, -1, 1)

    known = None if known_future is None else targets_after(np.atleast_1d(known_future))
    return targets_after(target), known
