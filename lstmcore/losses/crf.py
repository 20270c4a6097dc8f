"""Conditional random field: the probability of a whole sequence of tags.

A sequence of tags y_1 ... y_T has the score sum_t u_t[y_t] + A_t[y_(t-1), y_t], of potentials u of
the tags and A of their transitions; its probability is the exponential of that by the sum over all
sequences (Lafferty et al., 2001). The sum is computed by the forward algorithm, its gradient by
the backward algorithm, the best sequence by Viterbi's. Masked steps are skipped: the neighbours of
a gap are neighbours.

The potentials of a step are one vector, u of the `n` tags and then A row by row, so n + n * n
numbers: it is what `lstmcore.layers.CRF` gives to its loss.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..validation import plain_array
from .base import Array, Values, registry
from .ctc import OfSequences


@registry.add()
class CRF(OfSequences):
    """Minus the log probability of the tags of each sequence, given the potentials of a `CRF`.

    The targets are (batch, time), whole numbers from 0, or (batch, time, tags), one-hot. A masked
    step has no tag. The mean is over the sequences.
    """

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return the tags as whole numbers, without an axis behind that of time."""
        y = plain_array(y_true, f"{self.what}: y_true")
        if y.shape not in (shape[:-1], (*shape[:-1], 1), shape[:-1] + y.shape[-1:]):
            raise ValueError(
                f"{self.what}: expected tags {shape[:-1]} or one-hot {shape} for an output {shape},"
                f" got shape {y.shape}"
            )
        if y.ndim == len(shape):
            y = y[..., 0] if y.shape[-1] == 1 else y.argmax(axis=-1)
        tags = y.astype(np.int64)
        if not (tags == y).all() or tags.min(initial=0) < 0:
            raise ValueError(f"{self.what}: expected whole tags from 0, got {y.min()} to {y.max()}")
        return tags

    def of_sequences(self, y_true: Array, y_pred: Array, mask: Array | None, grad: bool) -> Values:
        """Return minus log P of the tags, and its gradient for the potentials."""
        n = tags_of(y_pred)
        unmasked = np.ones(y_pred.shape[:2], np.bool_) if mask is None else mask
        if (y_true[unmasked] >= n).any():
            raise ValueError(
                f"{self.what}: expected tags below {n}, got {y_true[unmasked].max()}: the layer "
                f"before it must be CRF({y_true[unmasked].max() + 1})"
            )
        return negative_log_likelihood(np.where(unmasked, y_true, 0), y_pred, unmasked, grad)


def tags_of(potentials: Array) -> int:
    """Return the number of tags n of potentials (..., n + n * n)."""
    size = potentials.shape[-1]
    n = (math.isqrt(1 + 4 * size) - 1) // 2
    if n + n * n != size:
        raise ValueError(
            f"CRF: expected the potentials of a CRF layer, n + n * n numbers a step, got {size}: "
            "call the model with training=True for them; without it gives the best tags"
        )
    return n


def _parts(potentials: Array) -> tuple[Array, Array]:
    """Return the potentials of tags (time, batch, n) and of transitions (time, batch, n, n)."""
    n, by_time = tags_of(potentials), potentials.swapaxes(0, 1)
    return by_time[..., :n], by_time[..., n:].reshape(*by_time.shape[:2], n, n)


def _log_sum(x: Array, axis: int) -> Array:
    most = x.max(axis=axis, keepdims=True)
    sums: Array = np.log(np.exp(x - most).sum(axis=axis)) + np.squeeze(most, axis)
    return sums


def negative_log_likelihood(tags: Array, potentials: Array, mask: Array, grad: bool) -> Values:
    """Return minus log P of the tags of each sequence, and its gradient for the potentials."""
    u, a = _parts(potentials)
    steps, batch, n = u.shape
    row, unmasked, y = np.arange(batch), mask.T, tags.T
    later = unmasked & (np.cumsum(unmasked, axis=0) > 1)  # steps with a transition
    alpha, state = np.zeros_like(u), np.zeros_like(u, shape=(batch, n))
    gold, before = np.zeros_like(u, shape=batch), np.zeros((steps, batch), np.int64)
    last = np.zeros(batch, np.int64)
    for t in range(steps):
        moved = _log_sum(state[:, :, None] + a[t], axis=1) + u[t]
        new = np.where(later[t, :, None], moved, u[t])
        state = alpha[t] = np.where(unmasked[t, :, None], new, state)
        before[t] = last
        gold += np.where(unmasked[t], u[t, row, y[t]], 0)
        gold += np.where(later[t], a[t, row, last, y[t]], 0)
        last = np.where(unmasked[t], y[t], last)
    log_z = _log_sum(state, axis=1)
    values = np.where(unmasked.any(axis=0), log_z - gold, 0).astype(potentials.dtype)
    if not grad:
        return values, None
    gradient = np.zeros_like(potentials.swapaxes(0, 1))
    beta = np.zeros_like(state)
    for t in reversed(range(steps)):
        du = np.exp(alpha[t] + beta - log_z[:, None])
        du[row, y[t]] -= 1
        gradient[t, :, :n] = np.where(unmasked[t, :, None], du, 0)
        onward = (u[t] + beta)[:, None, :] + a[t]
        pair = np.exp(alpha[t - 1][:, :, None] + onward - log_z[:, None, None]) if t else 0 * a[t]
        pair[row, before[t], y[t]] -= 1
        gradient[t, :, n:] = np.where(later[t, :, None], pair.reshape(batch, -1), 0)
        beta = np.where(later[t, :, None], _log_sum(onward, axis=2), beta)
    return values, gradient.swapaxes(0, 1)


def viterbi(potentials: Array, mask: Array | None = None) -> Array:
    """Return the best tags (batch, time) of potentials (batch, time, n + n * n); 0 where masked."""
    u, a = _parts(potentials)
    steps, batch, n = u.shape
    row = np.arange(batch)
    unmasked = np.ones((steps, batch), np.bool_) if mask is None else mask.T
    later = unmasked & (np.cumsum(unmasked, axis=0) > 1)
    score, best = np.zeros_like(u, shape=(batch, n)), np.zeros((steps, batch, n), np.int64)
    for t in range(steps):
        ways = score[:, :, None] + a[t]
        best[t] = ways.argmax(axis=1)
        new = np.where(later[t, :, None], ways.max(axis=1), 0) + u[t]
        score = np.where(unmasked[t, :, None], new, score)
    tags, tag = np.zeros((steps, batch), np.int64), score.argmax(axis=1)
    for t in reversed(range(steps)):
        tags[t] = np.where(unmasked[t], tag, 0)
        tag = np.where(later[t], best[t, row, tag], tag)
    return tags.T
