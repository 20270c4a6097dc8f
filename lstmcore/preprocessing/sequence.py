"""Padding, and Keras 2's generator of windows of a series."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..random.generator import generator
from ..utils import PyDataset, pad_sequences, timeseries_dataset_from_array
from ..validation import plain_array

__all__ = ["TimeseriesGenerator", "pad_sequences", "timeseries_dataset_from_array"]

Array = NDArray[Any]


class TimeseriesGenerator(PyDataset):
    """A dataset of windows of a series, each with the target at the step after it.

    Parameters
    ----------
    data, targets : array
        Of equal length. ``targets[i]`` is the target of the window that ends before step i.
    length : int
        Number of steps that a window spans.
    sampling_rate : int, default 1
        Number of steps from one value of a window to the next.
    stride : int, default 1
        Number of steps between the ends of two windows.
    start_index, end_index : int, optional
        The first step of a window, and the last step of a target.
    shuffle : bool, default False
        Draw the windows of each batch at random.
    reverse : bool, default False
        Reverse each window in time.
    batch_size : int, default 128
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise ValueError(
                "TimeseriesGenerator: data and targets: expected one length, "
                f"got {len(data)} and {len(targets)}"
            )
        self.data = plain_array(data, "TimeseriesGenerator: data")
        self.targets = plain_array(targets, "TimeseriesGenerator: targets")
        self.length, self.sampling_rate, self.stride = length, sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: no window of {length} steps from step {start_index} has "
                f"a target up to step {self.end_index}"
            )

    def __len__(self) -> int:
        step = self.batch_size * self.stride
        return (self.end_index - self.start_index + step) // step

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        if self.shuffle:
            rows = generator().integers(self.start_index, self.end_index + 1, self.batch_size)
        else:
            step = self.batch_size * self.stride
            first = self.start_index + step * index
            rows = np.arange(first, min(first + step, self.end_index + 1), self.stride)
        offsets = np.arange(-self.length, 0, self.sampling_rate)
        x = self.data[rows[:, None] + (offsets[::-1] if self.reverse else offsets)]
        return x, self.targets[rows]
