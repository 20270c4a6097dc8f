"""RNN: the time loop over any cell, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ...context import in_training
from ...validation import Array, as_array
from ..base import Back, Layer, Shape, registry
from ..calls import gradients_of_outputs
from .cell import StackedRNNCells, StepBack, check_cell, flatten_states

# For each step its backward function, None if every row is masked; and the unmasked rows, None
# if all are.
Tape = list[tuple[StepBack | None, Array | None]]


@registry.add()
class RNN(Layer):
    """Run a cell over all time steps.

    Input ``(batch, time, features)``; output ``(batch, output_size)``, that of the last step, or
    ``(batch, time, output_size)`` with `return_sequences`. A masked step leaves the states
    unchanged and repeats the output of the previous step.

    Parameters
    ----------
    cell : Cell or list of Cell
        The computation of one step; see `Cell` for writing one. A list becomes `StackedRNNCells`.
    return_sequences : bool, default False
        Return the output of every step.
    return_state : bool, default False
        Return ``(output, *states)``, with the last states; for a stack one list for each cell.
    go_backwards : bool, default False
        Process the steps from last to first; outputs come in that order.
    stateful : bool, default False
        Begin each call with the states in which the last one ended, until `reset_states`.
    unroll : bool, default False
        Accepted for compatibility with Keras, without effect.
    zero_output_for_mask : bool, default False
        With `return_sequences`, return 0 at masked steps.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import RNN, GRUCell
    >>> RNN(GRUCell(8), return_sequences=True)(np.zeros((2, 5, 3))).shape
    (2, 5, 8)
    """

    uses_mask: ClassVar[bool] = True
    call_order: ClassVar[tuple[str, ...]] = ("initial_state", "mask", "training")

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        several = isinstance(cell, list | tuple)
        self.cell = check_cell(self, "cell", StackedRNNCells(cell) if several else cell)
        self.dtype = self.dtype or self.cell.dtype
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards, self.stateful = bool(go_backwards), bool(stateful)
        self.unroll, self.zero_output_for_mask = bool(unroll), bool(zero_output_for_mask)
        self._sizes = [int(n) for n in flatten_states(self.cell.state_size)]
        self.states: list[Array] | None = None

    def sublayers(self) -> Sequence[Layer]:
        """Return the cell."""
        return (self.cell,)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 3 or None in input_shape[2:]:
            raise self.sequence_error("features", input_shape)
        self._features = input_shape[2:]
        built_for = self.cell._built_for
        if built_for is not None and built_for[1:] != self._features:
            raise self.sequence_error(", ".join(map(str, built_for[1:])), input_shape)
        self.cell.build_for((input_shape[0], *self._features), str(self.dtype))

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, output_size), or (batch, time, output_size) with `return_sequences`.

        With `return_state` a tuple: the shape of the output, then those of the states, for a
        stack one list for each cell.
        """
        steps = (input_shape[1],) if self.return_sequences else ()
        shape = (input_shape[0], *steps, self.cell.output_size)
        if not self.return_state:
            return shape
        states: Any = [(input_shape[0], n) for n in self._sizes]
        return (shape, *self.cell.grouped(states))

    def compute_mask(self, x: Any, mask: Array | None = None) -> Array | None:
        """Return the mask in the order of the outputs; None without `return_sequences`."""
        if mask is None or not self.return_sequences:
            return None
        return mask[:, ::-1] if self.go_backwards else mask

    @property
    def single_output(self) -> bool:  # type: ignore[override]
        """False if the layer returns its states beside its output."""
        return not self.return_state

    # -- states --------------------------------------------------------------------------------

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the cell's states before the first step."""
        return self.cell.get_initial_state(batch_size)

    def reset_states(self) -> None:
        """Forget the states of a stateful layer, so that the next call begins anew."""
        self.states = None

    reset_state = reset_states  # Keras has both names

    def _initial_states(self, given: Any, rows: int) -> list[Array]:
        """Return the states before the first step, as copies because they may be returned."""
        if given is None and self.stateful and self.states is not None:
            if len(self.states[0]) != rows:
                before = (
                    f"a batch of {len(self.states[0])}, as in the calls before (reset_states())"
                )
                raise self.error("x", before, rows)
            return self.states
        arrays = flatten_states(self.get_initial_state(rows) if given is None else given)
        what = f"layer {self.name!r}: initial_state"
        states = [np.array(as_array(a, self.dtype, what)) for a in arrays]
        wanted, shapes = [(rows, n) for n in self._sizes], [s.shape for s in states]
        if shapes != wanted:
            raise self.error("initial_state", f"arrays of shapes {wanted}", shapes)
        return states

    # -- the time loop -------------------------------------------------------------------------

    def forward(
        self, x: Array, grad: bool = False, mask: Any = None, initial_state: Any = None
    ) -> tuple[Any, Back | None]:
        """Run over all steps.

        Parameters
        ----------
        x : ndarray, (batch, time, features)
        training : bool, default False
        mask : array_like of bool, (batch, time), optional
            False at the steps that a row skips.
        initial_state : array_like or list of array_like, optional
            The states before the first step, in the form of `get_initial_state`.

        Returns
        -------
        y : ndarray, or (y, *states) with `return_state`
        back : callable or None
            ``back(dy)`` returns dx, or ``(dx, dstates)`` if there was an initial state. With
            `return_state`, dy is ``(dy, *dstates)``, any of them None for no gradient.
        """
        if x.ndim < 3 or x.shape[2:] != self._features:
            raise self.sequence_error(", ".join(map(str, self._features)), x.shape)
        mask = self._check_mask(mask, x.shape[:2])
        before = self._initial_states(initial_state, len(x))
        if self.go_backwards:
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        y, states, tape = self._time_loop(x, mask, before, grad)
        if self.stateful:
            self.states = [s.copy() for s in states]
        output = (y, *self.cell.grouped(states)) if self.return_state else y
        if not grad:
            return output, None

        def back(dy: Any, need_dx: bool = True) -> Any:
            dy, *dlast = gradients_of_outputs(dy, output) if self.return_state else (dy,)
            dlast = dlast or [None] * len(states)
            pairs = zip(dlast, states, strict=True)
            dstates = [np.zeros_like(s) if d is None else d for d, s in pairs]
            dy = np.zeros_like(y) if dy is None else dy
            dsteps: Array = np.empty(x.shape, x.dtype)
            dstates = self._time_loop_back(dsteps, tape, dy, dstates)
            dsteps = dsteps[:, ::-1] if self.go_backwards else dsteps
            dx = np.ascontiguousarray(dsteps) if need_dx else None
            return dx if initial_state is None else (dx, tuple(self.cell.grouped(dstates)))

        return output, back

    def _check_mask(self, mask: Any, shape: tuple[int, ...]) -> Array | None:
        if mask is None:
            return None
        given: Array = np.asarray(mask)
        if given.shape != shape or given.dtype.kind not in "biuf":
            raise self.error("mask", f"bools of shape {shape}", f"{given.dtype} {given.shape}")
        return given.astype(bool)

    def _initial_output(self, states: list[Array]) -> Array:
        at = self.cell.output_state
        if at is None:
            return np.zeros((len(states[0]), self.cell.output_size), self.dtype)
        return states[at]

    def _time_loop(
        self, x: Array, mask: Array | None, states: list[Array], grad: bool
    ) -> tuple[Array, list[Array], Tape]:
        """Compute all steps; return the output, the last states, and the tape if `grad`."""
        y, tape = self._initial_output(states), []
        step = self.cell.start(len(x), in_training(grad))
        ys = np.empty((*x.shape[:2], self.cell.output_size), x.dtype)
        ys = ys if self.return_sequences else ys[:0]
        for t in range(x.shape[1]):
            unmasked: Array | None = None if mask is None else mask[:, t, None]
            unmasked = None if unmasked is None or unmasked.all() else unmasked
            step_back = None
            if unmasked is None or unmasked.any():
                # masked rows are computed from 0, so that no NaN in the padding gets further
                now = np.ascontiguousarray(_zero_masked(unmasked, x[:, t]))
                output, after, step_back = step(now, states)
                self._check_step(output, after, len(x))
                y = _select_unmasked(unmasked, output, y)
                states = [
                    _select_unmasked(unmasked, *pair) for pair in zip(after, states, strict=True)
                ]
            if self.return_sequences:
                ys[:, t] = _zero_masked(unmasked, y) if self.zero_output_for_mask else y
            if grad:
                tape.append((step_back, unmasked))
        return ys if self.return_sequences else y, states, tape

    def _check_step(self, y: Any, states: Any, rows: int) -> None:
        wanted = [(rows, n) for n in (self.cell.output_size, *self._sizes)]
        shapes = [np.shape(a) for a in (y, *states)]
        if shapes != wanted:
            expected = f"step to return an output and states of shapes {wanted}"
            raise self.error(f"cell {self.cell.name!r}", expected, shapes)

    def _time_loop_back(
        self, dx: Array, tape: Tape, dy: Array, dstates: list[Array]
    ) -> list[Array]:
        """Write the gradient of x to dx; return those of the states before the first step."""
        # gradients of outputs that masked steps repeat, until the step that computed them
        pending = np.zeros_like(dy[:, 0]) if self.return_sequences else dy
        for t in range(len(tape) - 1, -1, -1):
            step_back, unmasked = tape[t]
            if self.return_sequences:
                zero = self.zero_output_for_mask
                pending = pending + (_zero_masked(unmasked, dy[:, t]) if zero else dy[:, t])
            if step_back is None:
                dx[:, t] = 0
            else:
                now = [_zero_masked(unmasked, d) for d in dstates]
                dx[:, t], after = step_back(_zero_masked(unmasked, pending), now)
                dstates = [
                    _select_unmasked(unmasked, *pair) for pair in zip(after, dstates, strict=True)
                ]
                pending = (
                    np.zeros_like(pending) if unmasked is None else _zero_masked(~unmasked, pending)
                )
        at = self.cell.output_state
        if at is not None:
            dstates[at] = dstates[at] + pending
        return dstates


def _zero_masked(unmasked: Array | None, a: Array) -> Array:
    """Return the array with masked rows set to 0; `unmasked` is None if there are none."""
    if unmasked is None:
        return a
    return np.where(unmasked.reshape(-1, *[1] * (a.ndim - 1)), a, a.dtype.type(0))


def _select_unmasked(unmasked: Array | None, new: Array, old: Array) -> Array:
    """Return `new` in the unmasked rows, in the dtype of `old`, and `old` in the others."""
    new = np.asarray(new, old.dtype)
    return new if unmasked is None else np.where(unmasked, new, old)
