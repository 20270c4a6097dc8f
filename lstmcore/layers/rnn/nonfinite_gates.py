"""Search for the gate and the step at which a recurrent layer's values become NaN or Inf."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array

GATES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "z": "update gate z",
    "r": "reset gate r",
}


def first_nonfinite_gate(layer: Any, x: Array, mask: Any) -> str:
    """Return the gate or state that is non-finite first, in the layer's order of time."""
    trace = layer.trace(x, mask)
    last = x.shape[1] - 1
    values = {GATES.get(g, f"candidate {g}"): a for g, a in trace.gates.items()}
    if trace.cell is not None:
        values["cell state c"] = trace.cell
    values["output h"] = trace.output
    first: tuple[int, str] | None = None
    for name, a in values.items():
        bad = ~np.isfinite(a)
        if trace.mask is not None:
            bad &= trace.mask[..., None]  # gates of masked steps are NaN in a trace
        if bad.any():
            sample, step, unit = np.argwhere(bad)[_earliest(bad, layer.go_backwards)]
            when = last - step if layer.go_backwards else step
            if first is None or when < first[0]:
                place = f"{name}, step {step} of {x.shape[1]} (sample {sample}, unit {unit})"
                first = (when, place)
    return "" if first is None else first[1]


def _earliest(bad: Array, backwards: bool) -> int:
    steps = np.argwhere(bad)[:, 1]
    return int(steps.argmax() if backwards else steps.argmin())


def nonfinite_gradient_gates(layer: Any, bad: list[Any]) -> str:
    """Return the gates whose columns of a weight's gradient are not finite."""
    gates = layer.core_cell.gates
    by_gate = (p for p in bad if p.name != "projection_kernel")
    param = next((p for p in by_gate if p.shape[-1] == len(gates) * layer.units), None)
    if param is None:
        return ""
    columns = ~np.isfinite(param.grad.reshape(-1, len(gates), layer.units))
    hit = [g for g, is_bad in zip(gates, columns.any(axis=(0, 2)), strict=True) if is_bad]
    return " and ".join(GATES.get(g, f"candidate {g}") for g in hit)
