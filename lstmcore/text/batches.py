"""Long texts in batches that go on from one another, and how well a model foretells them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..activations import softmax
from ..callbacks import Callback, Logs
from ..inspection import inner_layers
from ..random.generator import generator
from ..utils import PyDataset
from ..validation import Array, as_array, number, whole

CONTEXT = 256  # tokens that a row reads before those that count
_AT_ONCE = 1 << 21  # numbers of outputs of one chunk


class Streams(PyDataset):
    """A text as batches for stateful layers: each row goes on where it ended in the batch before.

    The text is cut into as many rows as a batch has, all alike long; a batch is the next few
    tokens of each. For ``fit(x, shuffle=False)`` of a model with ``stateful=True`` layers, with
    `ResetStates` among the callbacks: truncated backpropagation through time.

    Parameters
    ----------
    numbers : array_like of int, (n,)
        The tokens of the text; less than a row at its end may be left out.
    batch_size : int, default 32
        How many rows; fewer if they would be shorter than `steps`.
    steps : int, default 64
        How many tokens of a row a batch has: as far as gradients go back. The last batch of an
        epoch may have fewer.

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
        wanted = whole("batch_size", batch_size, 32)
        self.batch_size = max(1, min(wanted, (len(array) - 1) // self.steps))
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
    """Begin every epoch and every evaluation with states of 0, and now and then a row anew.

    Parameters
    ----------
    rows : float, default 0.0
        How likely a row begins with states of 0 at a batch. A model that has read on and on since
        its first steps relies on states that no short text leads to: on one it may do no better
        than if it had learned nothing. A row in 20 (0.05) is enough against that.
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
            anew = generator().random(len(states[0])) < self.rows
            for state in states:  # the layers' own arrays
                state[anew] = 0

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self.model.reset_states()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self.model.reset_states()


def nats(model: Any, numbers: Any, context: int = 0, *, rows: int = 32) -> float:
    """Return the sum of -log p of all tokens but the first, and but those of the context.

    The text is read in parts side by side, which is many times as fast as in one go; each part
    begins with the last tokens of the one before it, which do not count there.

    Parameters
    ----------
    model : Sequential
        Numbers of tokens in, probabilities of the next one out, or logits. It is run as a
        stream: the states of its stateful layers stay as they are.
    numbers : array_like of int, (n,)
    context : int, default 0
        How many tokens at the beginning are only to be read.
    rows : int, default 32
        How many parts at most; 1 reads the text in one go.
    """
    array = as_array(numbers, "int64", "numbers")
    first = max(1, context)  # that counts
    if len(array) <= first:
        raise ValueError(f"numbers: expected more than {first}, got {len(array)}")
    begin = max(1, first - CONTEXT)
    span, warm = len(array) - begin, CONTEXT
    rows = max(1, min(rows, span // (2 * CONTEXT)))
    if rows == 1:
        warm = 0
    length = -(-(span - warm) // rows)
    row, column = np.arange(rows)[:, None], np.arange(length + warm)
    at = begin + length * row + column
    counts = (at >= first) & (at < len(array)) & ((column >= warm) | (row == 0))
    np.minimum(at, len(array) - 1, out=at)
    stream, logits = model.stream(rows), not gives_probabilities(model)
    step = max(1, min(256, _AT_ONCE // (rows * model.output_shape[-1])))
    total = 0.0
    for start in range(0, length + warm, step):
        part = at[:, start : start + step]
        losses = _losses(stream.feed(array[part - 1]), array[part], logits)
        total += float(losses[counts[:, start : start + step]].sum())
    return total


def _losses(outputs: Array, targets: Array, logits: bool) -> Array:
    """-log p of the targets, by float64."""
    values = np.take_along_axis(outputs, targets[..., None], -1)[..., 0].astype(np.float64)
    if not logits:
        return -np.log(np.maximum(values, math.ulp(0.0)))
    largest = outputs.max(-1)
    sums = np.exp(outputs - largest[..., None]).sum(-1, dtype=np.float64)
    losses: Array = np.log(sums) + largest - values
    return losses


def gives_probabilities(model: Any) -> bool:
    """Whether the last layer of a model ends with a softmax."""
    layer = model.layers[-1]
    layer = getattr(layer, "layer", layer)  # of TimeDistributed
    return getattr(layer, "activation", None) is softmax
