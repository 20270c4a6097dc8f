"""The layer-normalized LSTM in both its forms, as src_c/kernels/cells/lstm_norm.h has them.

    True    z = gain n(x W) + gain' n(h R) + b    h' = o b(gain n(c') + offset)
    "sum"   z = gain n(x W + h R + p c) + b       h' = o b(c')

n is over all gates at once, or with "sum" over one gate at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array
from .activations import formula
from .cells import ONE, activations_of, project, x_and_h
from .moments import Moments
from .program import Program, Value
from .recurrent import Recurrent, Stage, Units


def normalized_lstm(program: Program, layer: Any, op: Recurrent) -> Value:
    """Add the layer's operation."""
    cell = _Cell(program, layer, op)
    of_x, of_h = x_and_h(program, layer, op)
    n, blocks = layer.units, range(len(cell.block))
    op.rows["z"] = len(blocks) * n
    op.starts["z"] = ""
    if layer.layer_norm == "sum":
        first = [block for gate, block in cell.block.items() if gate != "o"]
        last = [cell.block["o"]] if "o" in cell.block else []
        seen = cell.see_old if cell.peeps.keys() & {"i", "f"} else None
        op.stages = [
            Stage([of_x, of_h], "z", n, seen),
            Stage([], "z", n, cell.new_cell, [Moments("z", first, False, cell.epsilon)]),
            Stage([], "z", n, cell.output, [Moments("z", last, False, cell.epsilon)] * len(last)),
        ]
    else:
        op.rows["u"], op.starts["u"] = len(blocks) * n, ""
        moments = [Moments(row, blocks, True, cell.epsilon) for row in ("z", "u")]
        op.stages = [
            Stage([of_x], "z", n, None),
            Stage([of_h], "u", n, cell.new_cell, moments),
            Stage([], "z", n, cell.output, [Moments("c", [0], True, cell.epsilon)]),
        ]
    if layer.projection:
        project(program, layer, op)
    return op.finish()


class _Cell:
    """The formulas of a layer's cell."""

    def __init__(self, program: Program, layer: Any, op: Recurrent) -> None:
        self.block = {letter: k for k, letter in enumerate(layer.core_cell.gates)}
        self.both = layer.layer_norm != "sum"
        self.s = formula(layer, layer.recurrent_activation, "recurrent_activation")
        self.a, self.b = activations_of(layer)
        self.clip, self.epsilon = layer.cell_clip, layer.layer_norm_epsilon
        self.coupled = layer.variant == "CIFG"
        self.to = "m" if layer.projection else "h"
        self.peeps: dict[str, int] = {}
        self.biased = layer.bias is not None
        _add(op, "gain", program.take(layer.norm_gain))
        if self.biased:
            _add(op, "bias", program.take(layer.bias))
        if layer.has_peepholes:
            _add(op, "peepholes", program.take(layer.peephole_kernel))
            self.peeps = {g: k for k, g in enumerate(g for g in "ifo" if g in self.block)}
        if self.both:
            _add(op, "state_norm", program.take(layer.state_norm))

    def see_old(self, o: Any, u: Units) -> None:
        """Add what the gates see of the cell before the step."""
        for gate in "if":
            if gate in self.peeps:
                z = u["z", self.block[gate]]
                u["z", self.block[gate]] = o.madd(u["peepholes", self.peeps[gate]], u["c"], z)

    def pre_activation(self, o: Any, u: Units, gate: str) -> Any:
        """Return a gate's normalized sum."""
        k = self.block[gate]
        bias = u["bias", k] if self.biased else np.float32(0)
        if not self.both:
            return o.madd(u["gain", k], _normalized(u, "z", k, f"z{k}"), bias)
        of_h = u["gain", len(self.block) + k] * _normalized(u, "u", k, "u")
        return o.madd(u["gain", k], _normalized(u, "z", k, "z"), of_h) + bias

    def new_cell(self, o: Any, u: Units) -> None:
        """Make gates and the cell; what the gate o needs, or the gate itself, stays in z."""
        c, s = o.let("c_", u["c"]), self.s
        i = o.let("i", s(o, self.pre_activation(o, u, "i"))) if "i" in self.block else ONE
        f = ONE - i if self.coupled else ONE
        if "f" in self.block:
            f = o.let("f", s(o, self.pre_activation(o, u, "f")))
        g = o.let("g", self.a(o, self.pre_activation(o, u, "c")))
        new = o.madd(f, c, i * g)
        new = o.let("n", o.flush(o.clamp(new, self.clip) if self.clip else new))
        if "o" in self.block:
            k = self.block["o"]
            if self.both:
                u["z", k] = s(o, self.pre_activation(o, u, "o"))
            elif "o" in self.peeps:
                u["z", k] = o.madd(u["peepholes", self.peeps["o"]], new, u["z", k])
        u["c"] = new

    def output(self, o: Any, u: Units) -> None:
        """Make the output of the cell."""
        c = u["c"]
        if self.both:
            c = o.madd(u["state_norm", 0], _normalized(u, "c", 0, "c"), u["state_norm", 1])
        y, gate = o.let("y_", self.b(o, c)), ONE
        if "o" in self.block:
            gate = u["z", self.block["o"]]
            if not self.both:
                gate = o.let("o", self.s(o, self.pre_activation(o, u, "o")))
        u[self.to] = o.flush(gate * y)


def _add(op: Recurrent, name: str, numbers: Array) -> None:
    op.array(name, numbers.reshape(-1))


def _normalized(u: Units, row: str, block: int, moments: str) -> Any:
    return (u[row, block] - u.number(f"mean_{moments}")) * u.number(f"by_{moments}")
