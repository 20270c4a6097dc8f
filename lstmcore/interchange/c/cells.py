"""LSTM, GRU and SimpleRNN as stages of formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...activations import linear
from . import sums
from .activations import Formula, formula
from .program import Program, Value
from .recurrent import Recurrent, Stage, Units
from .refusal import refused

ONE = np.float32(1)


def start(program: Program, layer: Any, x: Value, backwards: bool, sequences: bool) -> Recurrent:
    """Return the operation of a layer, without its weights."""
    if not layer.runs_in_core:
        raise refused(layer, layer.lacking)
    program.store(layer)
    op = Recurrent(program, program.name_for(layer), [x], Value(layer.state_sizes[0]))
    op.sequences, op.backwards = sequences, backwards
    op.states = dict(zip(("h", "c", "gates"), layer.state_sizes, strict=False))
    return op


# -- SimpleRNN -------------------------------------------------------------------------------------


def simple_rnn(program: Program, layer: Any, op: Recurrent) -> Value:
    """h' = a(x W + h R + b)"""
    n, a = layer.units, formula(layer, layer.activation)

    def cell(o: Any, u: Units) -> None:
        u["h"] = o.flush(a(o, u["z"]))

    operands = x_and_h(program, layer, op)
    op.rows["z"] = n
    _bias(program, layer, op)
    op.stages = [Stage(operands, "z", n, cell)]
    return op.finish()


def x_and_h(program: Program, layer: Any, op: Recurrent) -> list[sums.Operand]:
    """Return the products of x and h with all columns of the kernels."""
    kernel = program.matrix(op, "kernel", layer.kernel)
    recurrent = program.matrix(op, "recurrent_kernel", layer.recurrent_kernel, kernel)
    of_x = sums.Part("x", len(kernel.data), kernel, kernel.row)
    return [
        sums.operand([of_x]),
        sums.operand([sums.Part("h", len(recurrent.data), recurrent, recurrent.row)]),
    ]


def _bias(program: Program, layer: Any, op: Recurrent) -> None:
    """Let z begin with the bias."""
    bias = None if layer.bias is None else program.take(layer.bias)
    op.starts["z"] = "" if bias is None else op.array("bias", bias)


# -- GRU -------------------------------------------------------------------------------------------


def gru(program: Program, layer: Any, op: Recurrent) -> Value:
    """The gated recurrent unit, its reset gate before or behind the product."""
    return (_gru_after if layer.reset_after else _gru_before)(program, layer, op)


def _blend(o: Any, z: Any, h: Any, n: Any) -> Any:
    """z h + (1 - z) n"""
    return o.flush(o.madd(z, h, (ONE - z) * n))


def _gru_after(program: Program, layer: Any, op: Recurrent) -> Value:
    """z has the sums of z and r, then the candidate's: those of x, those of h."""
    n = layer.units
    a = formula(layer, layer.activation)
    s = formula(layer, layer.recurrent_activation, "recurrent_activation")
    kernel = program.matrix(op, "kernel", layer.kernel)
    recurrent = program.matrix(op, "recurrent_kernel", layer.recurrent_kernel, kernel)
    of_h = [
        sums.Part("h", n, recurrent, 2 * n),
        sums.Part("h", n, recurrent, n, column=2 * n, at=3 * n),
    ]
    regions = [sums.Region(2 * n), sums.Region(n, 3 * n, 2 * n)]

    def cell(o: Any, u: Units) -> None:
        z = o.let("z_", s(o, u["z", 0]))
        r = o.let("r", s(o, u["z", 1]))
        new = o.let("n", a(o, o.madd(r, u["z", 3], u["z", 2])))
        u["h"] = _blend(o, z, u["h"], new)

    op.rows["z"] = 4 * n
    op.starts["z"] = ""
    if layer.bias is not None:
        of_x, of_state = program.take(layer.bias)
        both = np.concatenate([of_x[: 2 * n] + of_state[: 2 * n], of_x[2 * n :], of_state[2 * n :]])
        op.starts["z"] = op.array("bias", both)
    operands = [
        sums.operand([sums.Part("x", len(kernel.data), kernel, 3 * n)]),
        sums.operand(of_h, regions),
    ]
    op.stages = [Stage(operands, "z", n, cell)]
    return op.finish()


def _gru_before(program: Program, layer: Any, op: Recurrent) -> Value:
    n = layer.units
    a = formula(layer, layer.activation)
    s = formula(layer, layer.recurrent_activation, "recurrent_activation")
    kernel = program.matrix(op, "kernel", layer.kernel)
    recurrent = program.matrix(op, "recurrent_kernel", layer.recurrent_kernel, kernel)
    of_x = sums.operand([sums.Part("x", len(kernel.data), kernel, 3 * n)])
    of_h = sums.operand([sums.Part("h", n, recurrent, 2 * n)])
    of_q = sums.operand(
        [sums.Part("q", n, recurrent, n, column=2 * n, at=2 * n)], [sums.Region(n, 2 * n, 2 * n)]
    )

    def gates(o: Any, u: Units) -> None:
        u["z", 0] = s(o, u["z", 0])
        u["q"] = o.flush(s(o, u["z", 1]) * u["h"])

    def candidate(o: Any, u: Units) -> None:
        new = o.let("n", a(o, u["z", 2]))
        u["h"] = _blend(o, u["z", 0], u["h"], new)

    op.rows |= {"z": 3 * n, "q": n}
    _bias(program, layer, op)
    op.stages = [Stage([of_x, of_h], "z", n, gates), Stage([of_q], "z", n, candidate)]
    return op.finish()


# -- LSTM ------------------------------------------------------------------------------------------


def lstm(program: Program, layer: Any, op: Recurrent) -> Value:
    """The LSTM with all its variants; layer normalization is in `normalized_lstm.py`.

    i = s(zi + pi c), f = s(zf + pf c) or 1 - i, n = clip(f c + i g), o = s(zo + po n), h' = o b(n)
    """
    n, letters = layer.units, layer.core_cell.gates
    block = {letter: k for k, letter in enumerate(letters)}
    s = formula(layer, layer.recurrent_activation, "recurrent_activation")
    a, b = activations_of(layer)
    coupled = "f" not in block and layer.variant == "CIFG"
    clip, peeps = layer.cell_clip, {}
    if layer.has_peepholes:
        op.array("peepholes", program.take(layer.peephole_kernel).reshape(-1))
        peeps = {gate: k for k, gate in enumerate(g for g in "ifo" if g in block)}
    narrow = "m" if layer.projection else "h"

    def sum_of(o: Any, u: Units, gate: str, c: Any) -> Any:
        z = u["z", block[gate]]
        return o.madd(u["peepholes", peeps[gate]], c, z) if gate in peeps else z

    def cell(o: Any, u: Units) -> None:
        c = o.let("c_", u["c"])
        i = o.let("i", s(o, sum_of(o, u, "i", c))) if "i" in block else ONE
        f = o.let("f", s(o, sum_of(o, u, "f", c))) if "f" in block else ONE - i if coupled else ONE
        g = o.let("g", a(o, u["z", block["c"]]))
        new = o.madd(f, c, i * g)
        new = o.let("n", o.flush(o.clamp(new, clip) if clip else new))
        u["c"] = new
        y = b(o, new)
        gate = o.let("o", s(o, sum_of(o, u, "o", new))) if "o" in block else ONE
        u[narrow] = o.flush(gate * y)
        if layer.variant == "FGR":
            for k, value in enumerate((i, f, gate)):
                u["gates", k] = o.flush(value)

    operands = x_and_h(program, layer, op)
    if layer.gate_kernel is not None:
        operands[1] = _with_gates(program, layer, op, operands[1])
    op.rows["z"] = len(letters) * n
    _bias(program, layer, op)
    op.stages = [Stage(operands, "z", n, cell)]
    if layer.projection:
        project(program, layer, op)
    return op.finish()


def activations_of(layer: Any) -> tuple[Formula, Formula]:
    """Return the activation of the candidate and that of the cell on its way out."""
    a = formula(layer, layer.activation)
    out = layer.output_activation
    b = a if out is None else formula(layer, out, "output_activation")
    plain = formula(layer, linear)
    return plain if layer.variant == "NIAF" else a, plain if layer.variant == "NOAF" else b


def _with_gates(program: Program, layer: Any, op: Recurrent, of_h: sums.Operand) -> sums.Operand:
    """Return the operand of h and of the gates before the step, which i, f and o see."""
    n, own = layer.units, of_h.parts[0]
    gates = program.matrix(op, "gate_kernel", layer.gate_kernel, own.matrix)
    i_and_f = sums.Part("gates", 3 * n, gates, 2 * n)
    of_o = sums.Part("gates", 3 * n, gates, n, column=2 * n, at=3 * n)
    return sums.operand([own, i_and_f, of_o])


def project(program: Program, layer: Any, op: Recurrent) -> None:
    """h' = m P"""
    matrix = program.matrix(op, "projection_kernel", layer.projection_kernel)

    def narrowed(o: Any, u: Units) -> None:
        u["h"] = o.flush(u["p"])

    op.rows |= {"m": layer.units, "p": layer.projection}
    op.starts["p"] = ""
    what = sums.operand([sums.Part("m", layer.units, matrix, layer.projection)])
    op.stages.append(Stage([what], "p", layer.projection, narrowed))
