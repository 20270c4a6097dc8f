"""RNN: any cell over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ...context import in_training
from ...validation import Array, as_array
from ..base import Back, Layer, Shape, registry
from ..calls import gradients_of_outputs, mask_of_steps
from .call_cell import initial_states, steps_of
from .cell import (
    StackedRNNCells,
    Step,
    StepResult,
    begin,
    check_cell,
    flatten_states,
    initial,
    takes_constants,
)
from .over_time import OverTime
from .time_loop import TimeLoop


@registry.add()
class RNN(OverTime):
    """Run a cell over all time steps.

    Input ``(batch, time, features)``; output ``(batch, output_size)``, that of the last step, or
    ``(batch, time, output_size)`` with `return_sequences`. A masked step leaves the states
    unchanged and repeats the output of the previous step.

    Parameters
    ----------
    cell : Cell, layer, or list of them
        The computation of one step: a `Cell`; or, as in Keras, a layer with ``call(inputs,
        states) -> (output, new_states)`` and ``state_size``, whose steps are derived (slower). A
        list becomes `StackedRNNCells`.
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
    differentiable_options: ClassVar[tuple[str, ...]] = ("initial_state", "constants")
    never_called: ClassVar[Mapping[str, str]] = {
        "inner_loop": "write a cell with call(inputs, states) for RNN(cell)"
    }

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
        self._steps = steps_of(self.cell)
        self._sizes = [int(n) for n in flatten_states(self.cell.state_size)]
        self.states: list[Array] | None = None

    def sublayers(self) -> Sequence[Layer]:
        """Return the cell."""
        return (self.cell,)

    @property
    def keeps_floats(self) -> str:
        """Why the cell is never quantized."""
        return "its cell runs in NumPy, step by step"

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 3 or None in input_shape[2:]:
            raise self.sequence_error("features", input_shape)
        self._features = input_shape[2:]
        built_for = self.cell._built_for
        if built_for is not None and built_for[1:] != self._features:
            raise self.sequence_error(", ".join(map(str, built_for[1:])), input_shape)
        self._steps.build_for((input_shape[0], *self._features), str(self.dtype))

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, output_size), or (batch, time, output_size) with `return_sequences`.

        With `return_state` a tuple: the shape of the output, then those of the states, for a
        stack one list for each cell.
        """
        steps = (input_shape[1],) if self.return_sequences else ()
        shape = (input_shape[0], *steps, self._steps.output_size)
        if not self.return_state:
            return shape
        states: Any = [(input_shape[0], n) for n in self._sizes]
        return (shape, *self._steps.grouped(states))

    def call_output_shape(self, input_shape: Any, constants: Any = None, **options: Any) -> Any:
        """Return the shape of the output; constants build the layers in a cell that takes them."""
        if constants is not None and takes_constants(self._steps):
            shapes = [tuple(getattr(c, "shape", np.shape(c))) for c in flatten_states(constants)]
            self._steps.try_out((input_shape[0], *input_shape[2:]), shapes)
            self.materialize()
        return self.compute_output_shape(input_shape)

    # -- states --------------------------------------------------------------------------------

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the cell's states before the first step."""
        return list(self._steps.get_initial_state(batch_size))

    def _initial_states(self, given: Any, rows: int, grad: bool) -> tuple[list[Array], Any]:
        """Return the states before the first step, as copies because they may be returned.

        And, if a cell computes them of weights, what takes their gradients there.
        """
        if given is None and self.stateful and self.states is not None:
            if len(self.states[0]) != rows:
                before = (
                    f"a batch of {len(self.states[0])}, as in the calls before (reset_states())"
                )
                raise self.error("x", before, rows)
            return self.states, None
        initial_back = None
        if given is not None:
            arrays = flatten_states(given)
        elif type(self).get_initial_state is RNN.get_initial_state:
            arrays, initial_back = initial(self._steps, rows, grad)
        else:  # of a subclass
            dtype = str(self.dtype)
            arrays, initial_back = initial_states(self.get_initial_state, rows, dtype, grad)
        what = f"layer {self.name!r}: initial_state"
        states = [np.array(as_array(a, self.dtype, what)) for a in arrays]
        wanted, shapes = [(rows, n) for n in self._sizes], [s.shape for s in states]
        if shapes != wanted:
            raise self.error("initial_state", f"arrays of shapes {wanted}", shapes)
        return states, initial_back

    def _check_constants(self, given: Any) -> list[tuple[Array, Array]]:
        """Return pairs of a constant and its gradient, which begins with 0."""
        if given is None:
            return []
        if not takes_constants(self._steps):
            wanted = f"None, for no `call` of cell {self.cell.name!r} has the argument constants"
            raise self.error("constants", wanted, f"a {type(given).__name__}")
        what = f"layer {self.name!r}: constants"
        arrays = [as_array(a, self.dtype, what) for a in flatten_states(given)]
        return [(a, np.zeros_like(a)) for a in arrays]

    # -- the time loop -------------------------------------------------------------------------

    def forward(
        self,
        x: Array,
        grad: bool = False,
        mask: Any = None,
        initial_state: Any = None,
        constants: Any = None,
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
        constants : array_like or list of array_like, optional
            What a cell whose `call` takes `constants` is given at every step.

        Returns
        -------
        y : ndarray, or (y, *states) with `return_state`
        back : callable or None
            ``back(dy)`` returns dx, or ``(dx, (*dstates, *dconstants))`` if there were an initial
            state or constants. With `return_state`, dy is ``(dy, *dstates)``, any of them None for
            no gradient.
        """
        if x.ndim < 3 or x.shape[2:] != self._features:
            raise self.sequence_error(", ".join(map(str, self._features)), x.shape)
        mask = self._check_mask(mask_of_steps(mask), x.shape[:2])
        before, initial_back = self._initial_states(initial_state, len(x), grad)
        held = self._check_constants(constants)
        if self.go_backwards:
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        start = partial(begin, self._steps, len(x), in_training(grad), grad, held)
        step = self._checked(start(), len(x))
        loop = TimeLoop(
            self._steps.output_size,
            self._steps.output_state,
            self.return_sequences,
            self.zero_output_for_mask,
        )
        y, states, tape = loop.forward(step, x, mask, before, grad)
        if self.stateful:
            self.states = [s.copy() for s in states]
        output = (y, *self._steps.grouped(states)) if self.return_state else y
        if not grad:
            return output, None

        def back(dy: Any, need_dx: bool = True) -> Any:
            dy, *dlast = gradients_of_outputs(dy, output) if self.return_state else (dy,)
            dlast = dlast or [None] * len(states)
            pairs = zip(dlast, states, strict=True)
            dstates = [np.zeros_like(s) if d is None else d for d, s in pairs]
            dy = np.zeros_like(y) if dy is None else dy
            dsteps: Array = np.empty(x.shape, x.dtype)
            dstates = loop.backward(dsteps, tape, dy, dstates)
            dsteps = dsteps[:, ::-1] if self.go_backwards else dsteps
            dx = np.ascontiguousarray(dsteps) if need_dx else None
            if initial_back is not None:
                initial_back(dstates)
            more = [] if initial_state is None else self._steps.grouped(dstates)
            if initial_state is None and constants is None:
                return dx
            return dx, (*more, *(total for _, total in held))

        return output, back

    def _check_mask(self, mask: Any, shape: tuple[int, ...]) -> Array | None:
        if mask is None:
            return None
        given: Array = np.asarray(mask)
        if given.shape != shape or given.dtype.kind not in "biuf":
            raise self.error("mask", f"bools of shape {shape}", f"{given.dtype} {given.shape}")
        return given.astype(bool)

    def _checked(self, step: Step, rows: int) -> Step:
        """Return the step with a check of the shapes that it returns."""
        wanted = [(rows, n) for n in (self._steps.output_size, *self._sizes)]

        def checked(x: Array, states: list[Array]) -> StepResult:
            y, after, back = step(x, states)
            shapes = [np.shape(a) for a in (y, *after)]
            if shapes != wanted:
                expected = f"step to return an output and states of shapes {wanted}"
                raise self.error(f"cell {self.cell.name!r}", expected, shapes)
            return y, after, back

        return checked
