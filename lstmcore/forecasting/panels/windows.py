"""Windows of a panel as batches for training, made on the fly in a random order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...random.generator import generator
from ...utils.datasets import PyDataset
from ..heads import Distribution
from .inputs import Inputs, Scale
from .panel import Panel

Array = np.ndarray
ROUNDS = 4  # of the shuffle: enough that neighbours are no longer together


class Windows(PyDataset):
    """All windows of a panel whose targets lie in a range of steps, in batches.

    Nothing is copied for all windows at once, nor is there a list of them: a window is a number,
    and the order of an epoch is a permutation that is computed number by number.

    Parameters
    ----------
    panel : Panel
    inputs : Inputs
    head : Distribution
    first, stop : ndarray of int, shape (series,)
        Origins of each series from the first one up to, not including, `stop`.
    batch_size : int
    shuffle : bool
    most : int, optional
        The number of windows in an epoch, drawn at random; by default all.
    """

    def __init__(
        self,
        panel: Panel,
        inputs: Inputs,
        head: Distribution,
        first: Array,
        stop: Array,
        batch_size: int,
        shuffle: bool,
        most: int | None = None,
    ) -> None:
        super().__init__()
        self.panel, self.inputs, self.head = panel, inputs, head
        self.first, self.stop = first, stop
        self.ends = np.cumsum(np.maximum(stop - first, 0))
        self.total = int(self.ends[-1]) if len(self.ends) else 0
        self.used = self.total if most is None else min(most, self.total)
        self.batch_size = max(min(batch_size, self.used), 1)
        self.shuffle = shuffle
        self.keys = generator().integers(1, 1 << 30, ROUNDS) if shuffle or most else None

    def __len__(self) -> int:
        return -(-self.used // self.batch_size)

    def on_epoch_end(self) -> None:
        """Draw another order."""
        if self.shuffle:
            self.keys = generator().integers(1, 1 << 30, ROUNDS)

    def __getitem__(self, index: int) -> Any:
        """Return inputs, targets and weights of a batch: 0 where a target is missing."""
        x, y, scale = self.rows(index)
        y = self.encode(y, scale)
        known = np.isfinite(y).all(1)
        return x, np.where(known[:, None], y, 0), known.astype(np.float32)

    def rows(self, index: int) -> tuple[list[Array], Array, Scale]:
        """Return the network's inputs, the values ahead, and the scale of a batch."""
        start = index * self.batch_size
        numbers = np.arange(start, min(start + self.batch_size, self.used))
        if self.keys is not None:
            numbers = permuted(numbers, self.total, self.keys)
        series = np.searchsorted(self.ends, numbers, side="right")
        before = np.where(series > 0, self.ends[series - 1], 0)
        origins = self.first[series] + numbers - before
        x, scale = self.inputs.batch(self.panel, series, origins)
        y = self.inputs.targets(self.panel, series, origins)
        return [*x, *offsets(self.head, scale, self.inputs.horizon)], y, scale

    def encode(self, y: Array, scale: Scale) -> Array:
        """Return targets as the loss takes them: scaled, or counts as they are."""
        return (y if self.head.counts else self.inputs.encode(y, scale)).astype(np.float32)


def offsets(head: Distribution, scale: Scale, horizon: int) -> list[Array]:
    """Return what is added to the network's outputs: the level's logarithm, to that of a mean."""
    if not head.counts:
        return []
    found = np.zeros((len(scale.level), head.parameters * horizon), np.float32)
    found[:, :horizon] = np.log(scale.level)
    return [found]


def permuted(numbers: Array, total: int, keys: Array) -> Array:
    """Return where a random permutation of ``range(total)`` takes these numbers.

    A Feistel network of a few rounds permutes the next power of four; numbers that leave the range
    are sent through it again until they are back (cycle walking: Black and Rogaway, 2002). So a
    permutation of any size takes no memory.
    """
    half = max((int(total - 1).bit_length() + 1) // 2, 1)
    mask = (1 << half) - 1
    numbers = numbers.astype(np.int64)
    out = np.arange(len(numbers))
    while len(out):
        left, right = numbers[out] >> half, numbers[out] & mask
        for key in keys.tolist():
            mixed = (right * 0x9E3779B1 + key) & 0xFFFFFFFF
            mixed = ((mixed ^ (mixed >> 15)) * 0x85EBCA6B) & 0xFFFFFFFF
            left, right = right, left ^ ((mixed ^ (mixed >> 13)) & mask)
        numbers[out] = (left << half) | right
        out = out[numbers[out] >= total]
    return numbers
