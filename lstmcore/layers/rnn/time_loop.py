"""TimeLoop: the steps of a cell over time in NumPy, with masks, and their backward functions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...validation import Array
from .cell import Step, StepBack

# For each step its backward function, None if every row is masked; and the unmasked rows, None
# if all are.
Tape = list[tuple[StepBack | None, Array | None]]


class TimeLoop(NamedTuple):
    """The loop over all steps of sequences, for `RNN` and for what the kernels lack.

    Parameters
    ----------
    output_size : int
    output_state : int or None
        The index of the state that is the output before the first step; None if that is 0.
    sequences : bool
        Return the output of every step.
    zero_masked : bool
        With `sequences`, return 0 at masked steps.
    """

    output_size: int
    output_state: int | None
    sequences: bool
    zero_masked: bool

    def forward(
        self, step: Step, x: Array, mask: Array | None, states: list[Array], grad: bool
    ) -> tuple[Array, list[Array], Tape]:
        """Compute all steps; return the output, the last states, and the tape if `grad`."""
        tape: Tape = []
        y = np.zeros((len(x), self.output_size), x.dtype)
        if self.output_state is not None:
            y = states[self.output_state]
        ys = np.empty((*x.shape[:2], self.output_size), x.dtype)
        ys = ys if self.sequences else ys[:0]
        for t in range(x.shape[1]):
            unmasked: Array | None = None if mask is None else mask[:, t, None]
            unmasked = None if unmasked is None or unmasked.all() else unmasked
            step_back = None
            if unmasked is None or unmasked.any():
                # masked rows are computed from 0, so that no NaN in the padding gets further
                now = np.ascontiguousarray(zero_masked(unmasked, x[:, t]))
                output, after, step_back = step(now, states)
                y = _select_unmasked(unmasked, output, y)
                states = [
                    _select_unmasked(unmasked, *pair) for pair in zip(after, states, strict=True)
                ]
            if self.sequences:
                ys[:, t] = zero_masked(unmasked, y) if self.zero_masked else y
            if grad:
                tape.append((step_back, unmasked))
        return ys if self.sequences else y, states, tape

    def backward(self, dx: Array, tape: Tape, dy: Array, dstates: list[Array]) -> list[Array]:
        """Write the gradient of x to dx; return those of the states before the first step."""
        # gradients of outputs that masked steps repeat, until the step that computed them
        pending = np.zeros_like(dy[:, 0]) if self.sequences else dy
        for t in range(len(tape) - 1, -1, -1):
            step_back, unmasked = tape[t]
            if self.sequences:
                pending = pending + (
                    zero_masked(unmasked, dy[:, t]) if self.zero_masked else dy[:, t]
                )
            if step_back is None:
                dx[:, t] = 0
            else:
                now = [zero_masked(unmasked, d) for d in dstates]
                dx[:, t], after = step_back(zero_masked(unmasked, pending), now)
                dstates = [
                    _select_unmasked(unmasked, *pair) for pair in zip(after, dstates, strict=True)
                ]
                pending = (
                    np.zeros_like(pending) if unmasked is None else zero_masked(~unmasked, pending)
                )
        at = self.output_state
        if at is not None:
            dstates[at] = dstates[at] + pending
        return dstates


def zero_masked(unmasked: Array | None, a: Array) -> Array:
    """Return the array with masked rows set to 0; `unmasked` is None if there are none."""
    if unmasked is None:
        return a
    return np.where(unmasked.reshape(-1, *[1] * (a.ndim - 1)), a, a.dtype.type(0))


def _select_unmasked(unmasked: Array | None, new: Array, old: Array) -> Array:
    """Return `new` in the unmasked rows, in the dtype of `old`, and `old` in the others."""
    new = np.asarray(new, old.dtype)
    return new if unmasked is None else np.where(unmasked, new, old)
