"""Connectionist temporal classification (CTC): label sequences without alignment.

A path through a label sequence l1 l2 ... visits the states blank l1 blank l2 ... blank. At a time
step it stays in its state, moves to the next, or skips the blank between two different labels. The
loss is minus the logarithm of the sum of the probabilities of all paths (Graves et al., 2006), by
the forward algorithm over the states, and its gradient by the backward algorithm. All sequences of
a batch are computed together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..validation import plain_array
from .base import Array, Values, broadcast_mask, broadcast_weight, registry, total
from .crossentropy import exponentials
from .regression import Plain

NEVER = -1e30  # stands for log(0); finite, so that differences are not NaN
UNLIKELY = -1e5  # log probability of labels that no path reaches, as in Keras: finite


class OfSequences(Plain):
    """A loss with one value for each sequence: subclass it and write `of_sequences`."""

    def of_sequences(self, y_true: Array, y_pred: Array, mask: Array | None, grad: bool) -> Values:
        """Return the value of each sequence, and its gradient for `y_pred`.

        Masked steps are skipped; the numbers of `y_pred` there are 0.
        """
        raise NotImplementedError

    def count_values(
        self, y_pred: Array, mask: Array | None = None, y_true: Array | None = None
    ) -> float:
        """Return the number of sequences with an unmasked step."""
        return len(y_pred) if mask is None else int(np.count_nonzero(mask.any(axis=1)))

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        return self.of_sequences(y_true, y_pred, None, grad)

    def _masked(
        self, y_true: Array, y_pred: Array, weight: Array | None, grad: bool, mask: Array
    ) -> tuple[Array, Array | None, Array]:
        unmasked = broadcast_mask(mask, y_pred[..., 0], f"{self.what}")
        values, gradient = self.of_sequences(
            y_true, np.where(unmasked[..., None], y_pred, 0), unmasked, grad
        )
        has_steps = unmasked.any(axis=1)
        weight = (
            has_steps.astype(values.dtype)
            if weight is None
            else has_steps * broadcast_weight(weight, values)
        )
        return np.where(has_steps, values, 0) * weight, gradient, weight


@registry.add()
class CTC(OfSequences):
    """The CTC loss: the negative log-likelihood of label sequences, given logits for each step.

    The targets are (batch, labels), whole numbers; 0 is the blank, and pads shorter sequences. The
    output is (batch, time, classes), logits. Masked steps are skipped; the mask gives the lengths
    of the sequences. Labels that do not fit into the steps (each needs one, and equal neighbours
    one more between them) have a loss of about 1e5, as in Keras.
    """

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Check the labels, and move those that are not 0 to the front of their rows."""
        given = plain_array(y_true, f"{self.what}: y_true")
        if len(shape) != 3 or given.ndim != 2 or given.shape[0] != shape[0]:
            raise ValueError(
                f"{self.what}: expected labels (batch, labels) for an output (batch, time, "
                f"classes), got {given.shape} for {shape}"
            )
        y = given.astype(np.int64)
        if not (y == given).all() or y.min(initial=0) < 0 or y.max(initial=0) >= shape[-1]:
            raise ValueError(
                f"{self.what}: expected whole labels from 1 to {shape[-1] - 1}, and 0 as "
                f"padding, got values from {given.min()} to {given.max()}"
            )
        return np.take_along_axis(y, np.argsort(y == 0, axis=1, kind="stable"), axis=1)

    def of_sequences(self, y_true: Array, y_pred: Array, mask: Array | None, grad: bool) -> Values:
        """Return minus log P of the labels, and its gradient."""
        return negative_log_likelihood(y_true, y_pred, mask, grad)


def negative_log_likelihood(labels: Array, logits: Array, mask: Array | None, grad: bool) -> Values:
    """Return minus log P of every label sequence, and its gradient for the logits."""
    z, e, s = exponentials(logits)
    z -= np.log(s)
    states = np.zeros((len(labels), 2 * labels.shape[1] + 1), np.int64)
    states[:, 1::2] = labels
    emit = np.take_along_axis(z, states[:, None, :], axis=2).swapaxes(0, 1)  # (time, batch, states)
    jump = np.full(states.shape, NEVER, logits.dtype)  # from two states before
    jump[:, 3::2] = np.where(labels[:, 1:] == labels[:, :-1], UNLIKELY, 0)
    unmasked = None if mask is None else mask.T[..., None]
    alpha, log_p = _forward(emit, jump, unmasked)
    end = _end(labels, states.shape, logits.dtype)
    log_p += _log_sum(alpha[-1, :, 2:] + end, axis=1)
    values = -log_p.astype(logits.dtype)
    if not grad:
        return values, None
    gradient = e
    gradient /= s
    _, visits, sums = exponentials(_visits(emit, jump, unmasked, alpha, end))
    visits /= sums  # every path is in exactly one state at a step
    visits = visits.swapaxes(0, 1)
    if mask is not None:
        gradient *= mask[..., None]
        visits = visits * mask[..., None]
    batch, time, classes = logits.shape
    at = np.arange(batch * time).reshape(batch, time, 1) * classes + states[:, None, :]
    gradient -= np.bincount(at.ravel(), visits.ravel(), gradient.size).reshape(gradient.shape)
    return values, gradient


def _log_sum(x: Array, axis: int) -> Array:
    """Return log(sum(exp(x))) over an axis."""
    most = np.maximum.reduce(x, axis=axis, keepdims=True)
    sums: Array = np.log(total(np.exp(x - most), axis=axis))
    sums += np.squeeze(most, axis)
    return sums


def _end(labels: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return 0 for the states where a path may end, the last label and blank, else NEVER."""
    end, row = np.full(shape, NEVER, dtype), np.arange(len(labels))
    last = 2 * np.count_nonzero(labels, axis=1)
    end[row, last] = 0
    end[row, np.maximum(last - 1, 0)] = 0
    return end


def _forward(emit: Array, jump: Array, unmasked: Array | None) -> tuple[Array, Array]:
    """Return the log of the sum over all paths to each state, (time + 1, batch, 2 + states).

    The first entry is the start. Each row is normalized by its largest entry, so that long
    sequences lose no digits; the second result is the total of these normalizers, in float64. Two
    states that are never reached precede the first, so that shifts are views.
    """
    steps, batch, states = emit.shape
    alpha = np.full((steps + 1, batch, states + 2), NEVER, emit.dtype)
    alpha[0, :, 2:] = UNLIKELY
    alpha[0, :, 2] = 0
    ways, off = np.empty((3, batch, states), emit.dtype), np.zeros((batch, 1))
    for t in range(steps):
        a = alpha[t]
        ways[0], ways[1] = a[:, 2:], a[:, 1:-1]
        np.add(a[:, :-2], jump, out=ways[2])
        new = _log_sum(ways, axis=0)
        new += emit[t]
        most = np.maximum.reduce(new, axis=1, keepdims=True)
        new -= most
        alpha[t + 1, :, 2:] = new if unmasked is None else np.where(unmasked[t], new, a[:, 2:])
        off += most if unmasked is None else most * unmasked[t]
    return alpha, off[:, 0]


def _visits(emit: Array, jump: Array, unmasked: Array | None, alpha: Array, end: Array) -> Array:
    """Return the log of the sum over all complete paths through each state, (time, batch, states).

    It is up to a constant that is the same for all states of a step.
    """
    steps, batch, states = emit.shape
    visits = np.empty_like(emit, order="C")
    # the rest of a path, from this step on
    onward = np.full((batch, states + 2), NEVER, emit.dtype)
    jump = np.concatenate([jump[:, 2:], np.full((batch, 2), NEVER, emit.dtype)], axis=1)[:, :states]
    ways = np.empty((3, batch, states), emit.dtype)
    beta = end
    for t in range(steps - 1, -1, -1):
        np.add(alpha[t + 1, :, 2:], beta, out=visits[t])
        np.add(emit[t], beta, out=onward[:, :-2])
        ways[0], ways[1] = onward[:, :-2], onward[:, 1:-1]
        np.add(onward[:, 2:], jump, out=ways[2])
        before = _log_sum(ways, axis=0)
        before -= np.maximum.reduce(before, axis=1, keepdims=True)
        beta = before if unmasked is None else np.where(unmasked[t], before, beta)
    return visits
