"""LSTMs that ONNX's operator cannot say, as a Scan over the steps.

Those are LSTMs with a projection, layer normalization, a bound of the cell state, full gate
recurrence, or without one of the gates. What does not depend on the states is computed for all
steps before the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....validation import Array
from .activations import activate
from .builder import Builder, Call, onnx_type
from .masks import Rows


def needs_loop(layer: Any) -> bool:
    """Return True for an LSTM, or its cell, that ONNX's operator cannot say."""
    other = layer.variant in ("NIG", "NFG", "NOG", "FGR")
    more = layer.projection is not None or layer.layer_norm is not False
    return other or more or layer.cell_clip is not None


@dataclass(frozen=True)
class Loop:
    """An LSTM, or its cell, whose steps are the body of a Scan; beside `recurrent_nodes.Node`.

    Attributes
    ----------
    call : Call
        Of the layer that is exported, for errors.
    layer : LSTM or LSTMCell
    name : str
        Of the layer or cell, for the names of states.
    """

    call: Call
    layer: Any
    name: str

    @property
    def widths(self) -> tuple[int, ...]:
        """The sizes of the states: h, c, and with full gate recurrence the gates."""
        units = self.layer.units
        every = (self.layer.projection or units, units, 3 * units)
        return every[: self.layer.described.states]

    def add(
        self, b: Builder, backwards: bool, x: str, rows: Rows | None, states: Sequence[str]
    ) -> tuple[str, list[str]]:
        """Add the Scan; arguments and results are those of `recurrent_nodes.add_node`.

        ONNX's reference evaluator runs Scan forwards alone, so what comes in and goes out is
        turned.
        """
        begin = [b("Squeeze", s, [0]) for s in states]
        if not begin:
            batch = b.sizes(x, 1, 2)
            begin = [b("Expand", 0.0, b.joined(batch, [width])) for width in self.widths]
        turned = b.reversed(x, 0) if backwards else x
        over_time = [self._of_inputs(b, turned)]
        if rows is not None:
            over_time.append(_unmasked(b, x, rows, backwards))
        body = self._body(b, rows is not None)
        count, given = 1 + len(begin), (*begin, *over_time)
        *ends, y = b.several("Scan", count, *given, body=body, num_scan_inputs=len(over_time))
        y = b.reversed(y, 0) if backwards else y
        return b("Unsqueeze", y, [1]), [b("Unsqueeze", s, [0]) for s in ends]

    def _body(self, b: Builder, masked: bool) -> Any:
        """Return the graph of one step: (*states, of x[, unmasked]) to (*states, output)."""
        from onnx import helper

        names = [f"{letter}_in" for letter in "hcg"[: len(self.widths)]]
        *states, of_x, unmasked = (b.fresh(name) for name in (*names, "of_x", "unmasked"))
        with b.body() as nodes:
            new = self._step(b, of_x, *states)
            output = new[0]
            if masked:
                output = b("Where", unmasked, output, 0.0)
                pairs = zip(new, states, strict=True)
                new = [b("Where", unmasked, after, before) for after, before in pairs]
            ends = [b("Identity", name) for name in (*new, output)]
        wide = len(self.layer.described.gates) * self.layer.units

        def infos(tensors: Sequence[str], *sizes: int, kind: str = b.dtype) -> list[Any]:
            pairs = zip(tensors, sizes, strict=True)
            return [
                helper.make_tensor_value_info(name, onnx_type(kind), [None, size])
                for name, size in pairs
            ]

        given = infos([*states, of_x], *self.widths, wide)
        given += infos([unmasked], 1, kind="bool") if masked else []
        made = infos(ends, *self.widths, self.widths[0])
        return helper.make_graph(nodes, b.fresh("step"), given, made)

    # -- the formulas --------------------------------------------------------------------------

    def _of_inputs(self, b: Builder, x: str) -> str:
        """Return what all steps have of their inputs: product, its norm, and bias."""
        layer = self.layer
        product = b("MatMul", x, b.constant(layer.kernel.value, "W"))
        bias = None if layer.bias is None else layer.bias.value
        if layer.norm_form == "both":
            return self._normalized(b, product, "x", layer.norm_gain.value[0], bias)
        if bias is None or layer.norm_form == "sum":
            return product
        return b("Add", product, b.constant(bias, "B"))

    def _step(self, b: Builder, of_x: str, h: str, c: str, before: str | None = None) -> list[str]:
        """Return the new states; the formulas are those of `lstmcore.reference`."""
        layer, of_h = self.layer, b("MatMul", h, b.constant(self.layer.recurrent_kernel.value, "R"))
        if layer.norm_form == "both":
            of_h = self._normalized(b, of_h, "h", layer.norm_gain.value[1], None)
        letters = layer.described.gates
        sums = _split(b, len(letters), b("Add", of_x, of_h))
        z = dict(zip(letters, sums, strict=True))
        if before is not None:
            full = b("MatMul", before, b.constant(layer.gate_kernel.value, "F"))
            for letter, part in zip("ifo", _split(b, 3, full), strict=True):
                z[letter] = b("Add", z[letter], part)
        gates = {
            letter: self._gate(b, letter, z[letter], c) for letter in letters if letter in "if"
        }
        if layer.variant == "CIFG":
            gates["f"] = b("Sub", 1.0, gates["i"])
        g = self._sum(b, "c", z["c"], None)
        g = g if layer.variant == "NIAF" else self._activated(b, "activation", g)
        kept = b("Mul", gates["f"], c) if "f" in gates else c
        new_c = b("Add", kept, b("Mul", gates["i"], g) if "i" in gates else g)
        if layer.cell_clip is not None:
            new_c = b("Clip", new_c, -layer.cell_clip, layer.cell_clip)
        out = new_c
        if layer.norm_form == "both":
            out = self._normalized(b, out, "c", *layer.state_norm.value)
        if layer.variant != "NOAF":
            given = "activation" if layer.output_activation is None else "output_activation"
            out = self._activated(b, given, out)
        if "o" in z:
            gates["o"] = self._gate(b, "o", z["o"], new_c)
            out = b("Mul", gates["o"], out)
        if layer.projection is not None:
            out = b("MatMul", out, b.constant(layer.projection_kernel.value, "projection"))
        if before is None:
            return [out, new_c]
        return [out, new_c, b("Concat", *(gates[letter] for letter in "ifo"), axis=-1)]

    def _gate(self, b: Builder, letter: str, z: str, c: str) -> str:
        return self._activated(b, "recurrent_activation", self._sum(b, letter, z, c))

    def _sum(self, b: Builder, letter: str, z: str, c: str | None) -> str:
        """Return the pre-activation of a gate: with its peephole, normalized by itself."""
        layer, letters = self.layer, list(self.layer.described.gates)
        if layer.has_peepholes and c is not None:
            row = [g for g in letters if g != "c"].index(letter)
            peephole = b.constant(layer.peephole_kernel.value[row], f"P_{letter}")
            z = b("Add", z, b("Mul", c, peephole))
        if layer.norm_form != "sum":
            return z

        def part(array: Array) -> Array:
            return np.split(array, len(letters))[letters.index(letter)]

        bias = None if layer.bias is None else part(layer.bias.value)
        return self._normalized(b, z, letter, part(layer.norm_gain.value), bias)

    def _normalized(self, b: Builder, a: str, of: str, gain: Array, offset: Array | None) -> str:
        scale, epsilon = b.constant(gain, f"gain_{of}"), self.layer.layer_norm_epsilon
        shift = None if offset is None else b.constant(offset, f"offset_{of}")
        return b("LayerNormalization", a, scale, shift, axis=-1, epsilon=epsilon)

    def _activated(self, b: Builder, option: str, x: str) -> str:
        return activate(b, self.call, getattr(self.layer, option), x, 2)


def _split(b: Builder, count: int, a: str) -> list[str]:
    """Return equal parts of a along its last axis."""
    said = {"num_outputs": count} if b.opset >= 18 else {}
    return b.several("Split", count, a, axis=-1, **said)


def _unmasked(b: Builder, x: str, rows: Rows, backwards: bool) -> str:
    """Return (time, batch, 1), True at the steps of a row, in the order of the loop."""
    count = b("Squeeze", b.sizes(x, 0, 1), [0])
    steps = b.cast(b("Range", np.int64(0), count, np.int64(1)), "int32")
    steps = b.reversed(steps, 0) if backwards else steps
    return b("Less", b("Unsqueeze", steps, [1, 2]), b("Unsqueeze", rows.lengths, [0, 2]))
