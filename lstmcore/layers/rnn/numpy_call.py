"""Calls of LSTM, GRU and SimpleRNN in NumPy, for activations that the kernels do not have.

The layer's cell takes each step, with the layer's own weights; everything else, from masks to the
states that a stateful layer keeps, is as in a call of the kernels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import inspection
from ...context import in_training
from ...validation import Array
from ..base import Back
from .cell import Step, StepResult
from .time_loop import TimeLoop

if TYPE_CHECKING:
    from .recurrent import Recurrent


class NumPyReport(NamedTuple):
    """How a call ran, for `kernel_info`."""

    cell: str
    dtype: str
    lacking: str
    steps: int

    def report(self) -> dict[str, Any]:
        """Return the details, under the names that those of the kernels have."""
        return {
            "isa": "NumPy",
            "dtype": self.dtype,
            "cell": self.cell,
            "threads": 1,
            "path": f"time loop in Python, slower: the kernels do not have {self.lacking}",
            "input_projection": "step by step",
            "steps": self.steps,
        }


def forward(
    layer: Recurrent, x: Array, grad: bool, mask: Any, initial_state: Any
) -> tuple[Any, Back | None]:
    """Run a layer over all steps; see `Recurrent.forward`."""
    x, mask, states = _standardize(layer, x, mask, initial_state)
    noise = layer.draw_masks(x) if in_training(grad) else {}
    weight_mask, x = noise.pop("weights", None), noise.pop("x", x)
    cell = layer.cell if weight_mask is None else layer.make_cell(weight_mask)
    step = partial(cell.step_scaled, (noise.get("x_scale"), noise.get("h_scale")))
    keeps = [noise.get("keep_h"), noise.get("keep_c")][: len(states)]
    if any(keep is not None for keep in keeps):
        step = partial(_zoned, step, [None if keep is None else iter(keep) for keep in keeps])
    loop = TimeLoop(layer.state_sizes[0], 0, layer.return_sequences, layer.zero_output_for_mask)
    y, ends, tape = loop.forward(step, x, mask, states, grad)
    steps = x.shape[0] * x.shape[1] if mask is None else int(mask.sum())
    layer.last_run = NumPyReport(type(cell).__name__, x.dtype.name, layer.lacking, steps)
    if layer.stateful:
        layer.states = tuple(s.copy() for s in ends)
    output = (y.copy(), *ends) if layer.return_state else y
    if not grad:
        return output, None

    def back(dy: Any, need_dx: bool = True) -> Any:
        dy, *dlast = dy if layer.return_state else (dy,)
        given = zip(dlast or [None] * len(ends), ends, strict=True)
        dstates = [np.zeros_like(s) if d is None else np.asarray(d, s.dtype) for d, s in given]
        dx = np.empty(x.shape, x.dtype)
        dstates = loop.backward(dx, tape, np.zeros_like(y) if dy is None else dy, dstates)
        if weight_mask is not None:
            layer.recurrent_kernel.grad += weight_mask * cell.recurrent_kernel.grad
        dx = np.ascontiguousarray(dx[:, ::-1]) if layer.go_backwards else dx
        result = dx if need_dx else None
        return result if initial_state is None else (result, tuple(dstates))

    return output, back


def trace(layer: Recurrent, x: Array, mask: Any, initial_state: Any) -> inspection.Trace:
    """Return the gates, states and outputs of every step; see `Recurrent.trace`."""
    given_mask = mask
    x, mask, states = _standardize(layer, x, mask, initial_state)
    seen: list[tuple[dict[str, Array], list[Array]]] = []

    def step(x: Array, states: list[Array]) -> StepResult:
        gates, new, back = layer.cell.compute((None, None), x, states)
        seen.append((gates(), new))
        return new[0], new, back

    loop = TimeLoop(layer.state_sizes[0], 0, True, layer.zero_output_for_mask)
    y, _, _ = loop.forward(step, x, mask, states, False)
    shape = (*x.shape[:2], layer.units)
    gates: dict[str, Array] = {}
    cell = np.empty(shape, x.dtype) if len(states) > 1 else None
    c = states[-1] if cell is None else states[1]
    left = iter(seen)
    for t in range(x.shape[1]):
        unmasked = np.ones((len(x), 1), bool) if mask is None else mask[:, t, None]
        if unmasked.any():
            values, new = next(left)
            for name, value in values.items():
                gates.setdefault(name, np.full(shape, np.nan, x.dtype))
                gates[name][:, t] = np.where(unmasked, value, np.nan)
            c = np.where(unmasked, new[1], c) if cell is not None else c
        if cell is not None:
            cell[:, t] = c

    def ordered(a: Array) -> Array:
        return np.ascontiguousarray(a[:, ::-1] if layer.go_backwards else a)

    whole = given_mask is None or given_mask.all()
    return inspection.Trace(
        {name: ordered(a) for name, a in gates.items()},
        None if cell is None else ordered(cell),
        ordered(y),
        None if whole else given_mask,
    )


def _standardize(
    layer: Recurrent, x: Array, mask: Any, initial_state: Any
) -> tuple[Array, Array | None, list[Array]]:
    """Check a call's arguments; return x and mask in the order of computation, and the states."""
    x, mask, given = layer.standardize_call(x, mask, initial_state)
    if mask is not None and mask.shape != x.shape[:2]:
        raise layer.error("mask", f"shape {x.shape[:2]}", mask.shape)
    shapes = [(len(x), n) for n in layer.state_sizes]
    if given is None:
        return x, mask, [np.zeros(shape, x.dtype) for shape in shapes]
    got = [s.shape for s in given]
    if got != shapes:
        raise layer.error("initial_state", f"arrays of shapes {shapes}", got)
    return x, mask, [s.copy() for s in given]


def _zoned(
    step: Step, keeps: Sequence[Iterator[Array] | None], x: Array, states: list[Array]
) -> StepResult:
    """Compute a step with zoneout: states keep their old value where `keeps` have a 1."""
    _, new, step_back = step(x, states)
    now = [None if keep is None else next(keep) for keep in keeps]
    now += [None] * (len(states) - len(now))
    mixed = [
        n if keep is None else keep * old + (1 - keep) * n
        for keep, old, n in zip(now, states, new, strict=True)
    ]

    def back(dy: Array, dstates: list[Array]) -> tuple[Array, Sequence[Array]]:
        dstates = [dy + dstates[0], *dstates[1:]]
        pairs = list(zip(now, dstates, strict=True))
        dx, before = step_back(
            np.zeros_like(dy), [d if keep is None else (1 - keep) * d for keep, d in pairs]
        )
        kept = zip(before, pairs, strict=True)
        return dx, [b if keep is None else b + keep * d for b, (keep, d) in kept]

    return mixed[0], mixed, back
