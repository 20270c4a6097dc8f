"""Cross-entropy of a language model on a text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..activations import softmax
from ..validation import Array, as_array

_WARM_UP = 256  # tokens that a chunk reads before those that count
_CHUNK_OUTPUTS = 1 << 21  # numbers that the model may return from one call


def nats(model: Any, numbers: Any, context: int = 0, *, rows: int = 32) -> float:
    """Return the cross-entropy of a text in nats: the sum of -log p over its tokens.

    The first token and the tokens of the context do not count. The text is cut into chunks that
    are read side by side, which is many times as fast as reading it as one sequence. Each chunk
    first reads the last 256 tokens of the one before it, which do not count there.

    Parameters
    ----------
    model : Sequential
        Takes numbers of tokens and returns probabilities of the next one, or logits. It is called
        as a stream, so the states of its stateful layers stay as they are.
    numbers : array_like of int, (n,)
    context : int, default 0
        The number of tokens at the beginning that are read but do not count.
    rows : int, default 32
        The largest number of chunks; 1 reads the text as one sequence.
    """
    check_sequences(model)
    array = as_array(numbers, "int64", "numbers")
    first = max(1, context)  # that counts
    if len(array) <= first:
        raise ValueError(f"numbers: expected more than {first}, got {len(array)}")
    begin = max(1, first - _WARM_UP)
    span, warm_up = len(array) - begin, _WARM_UP
    rows = max(1, min(rows, span // (2 * _WARM_UP)))
    if rows == 1:
        warm_up = 0
    length = -(-(span - warm_up) // rows)
    row, column = np.arange(rows)[:, None], np.arange(length + warm_up)
    at = begin + length * row + column
    counts = (at >= first) & (at < len(array)) & ((column >= warm_up) | (row == 0))
    np.minimum(at, len(array) - 1, out=at)
    stream, logits = model.stream(rows), not gives_probabilities(model)
    step = max(1, min(256, _CHUNK_OUTPUTS // (rows * model.output_shape[-1])))
    total = 0.0
    for start in range(0, length + warm_up, step):
        part = at[:, start : start + step]
        losses = _losses(stream.feed(array[part - 1]), array[part], logits)
        total += float(losses[counts[:, start : start + step]].sum())
    return total


def _losses(outputs: Array, targets: Array, logits: bool) -> Array:
    """Return -log p of the targets, computed in float64."""
    values = np.take_along_axis(outputs, targets[..., None], -1)[..., 0].astype(np.float64)
    if not logits:
        return -np.log(np.maximum(values, math.ulp(0.0)))
    largest = outputs.max(-1)
    sums = np.exp(outputs - largest[..., None]).sum(-1, dtype=np.float64)
    losses: Array = np.log(sums) + largest - values
    return losses


def check_sequences(model: Any) -> None:
    """Raise ValueError unless a model has outputs after each token."""
    if len(model.output_shape) != 3:
        raise ValueError(
            f"model {model.name!r}: expected outputs after each token, from layers with "
            f"return_sequences=True, got shape {model.output_shape}"
        )


def gives_probabilities(model: Any) -> bool:
    """Return True if the last layer of a model ends with a softmax."""
    layer = model.layers[-1]
    layer = getattr(layer, "layer", layer)  # of TimeDistributed
    return getattr(layer, "activation", None) is softmax
