"""Batches of a long text for truncated backpropagation through time, and the reset of states."""

from __future__ import annotations

from typing import Any

from ..callbacks import Callback, Logs
from ..inspection import inner_layers
from ..random.generator import generator
from ..utils import PyDataset
from ..validation import Array, as_array, number, whole


class Streams(PyDataset):
    """Batches of a text for stateful layers: each row continues where the batch before ended.

    The text is cut into as many rows of equal length as a batch has; a batch holds the next
    `steps` tokens of each row. Pass it to ``fit(x, shuffle=False)`` of a model with
    ``stateful=True`` layers, with `ResetStates` among the callbacks: truncated backpropagation
    through time.

    Parameters
    ----------
    numbers : array_like of int, (n,)
        The tokens of the text; up to ``batch_size - 1`` tokens at its end are left out.
    batch_size : int, default 32
        The number of rows; reduced if rows would be shorter than `steps`.
    steps : int, default 64
        Tokens of each row in a batch: the number of time steps that gradients flow back. The last
        batch of an epoch may have fewer.

    Examples
    --------
    >>> from lstmcore.text import Streams
    >>> x, y = Streams(range(9), batch_size=2, steps=3)[0]
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [4, 5, 6]], [[1, 2, 3], [5, 6, 7]])
    """

    def __init__(self, numbers: Any, batch_size: int = 32, steps: int = 64) -> None:
        super().__init__()
        array = as_array(numbers, "int64", "numbers")
        if array.ndim != 1 or len(array) < 2:
            raise ValueError(f"numbers: expected 2 or more in one row, got shape {array.shape}")
        self.steps = whole("steps", steps, 64)
        limit = (len(array) - 1) // self.steps
        self.batch_size = max(1, min(whole("batch_size", batch_size, 32), limit))
        self.length = (len(array) - 1) // self.batch_size  # of a row
        used = self.batch_size * self.length
        self._x = array[:used].reshape(self.batch_size, self.length)
        self._y = array[1 : used + 1].reshape(self.batch_size, self.length)

    def __len__(self) -> int:
        return -(-self.length // self.steps)

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        part = slice(index * self.steps, (index + 1) * self.steps)
        return self._x[:, part], self._y[:, part]


class ResetStates(Callback):
    """Callback that resets states before every epoch and evaluation, and of random rows.

    Parameters
    ----------
    rows : float, default 0.0
        The probability that a row's states are reset to 0 before a training batch. Without such
        resets a model may come to rely on states that only very long texts lead to, and fail on
        short ones. One row in 20 (0.05) is enough to prevent that.
    """

    def __init__(self, rows: float = 0.0) -> None:
        self.rows = number("rows", rows, 1.0)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.model.reset_states()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if not self.rows:
            return
        states = [
            state
            for _, layer in inner_layers(self.model)
            for state in getattr(layer, "states", None) or ()
        ]
        if states:
            reset = generator().random(len(states[0])) < self.rows
            for state in states:  # the layers' own arrays
                state[reset] = 0

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self.model.reset_states()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self.model.reset_states()
