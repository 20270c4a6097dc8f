"""LSTMStep, the element-wise part of a step of an LSTM in NumPy, and LayerNorm within it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ... import activations
from ...validation import Array
from ..parameters import Param

if TYPE_CHECKING:
    from .lstm_cell import LSTMCell

Part = tuple[Param, Any]  # a weight, and which part of it


class LayerNorm:
    """One use of layer normalization, ``gain (a - mean) / sqrt(variance + epsilon) + offset``.

    Parameters
    ----------
    epsilon : float
    gain, offset : (n,)
        Parts of weights; `back` adds to their gradients.
    """

    def __init__(self, epsilon: float, gain: Part, offset: Part | None = None) -> None:
        self.epsilon, self.gain, self.offset = epsilon, gain, offset

    def forward(self, a: Array) -> Array:
        """Return each row of a, (batch, n), normalized."""
        n = a.dtype.type(a.shape[1])
        centred = a - np.add.reduce(a, axis=1, keepdims=True) / n
        variance = np.add.reduce(centred * centred, axis=1, keepdims=True) / n
        self.inverse = 1 / np.sqrt(variance + a.dtype.type(self.epsilon))
        self.normal = centred * self.inverse
        gain, at = self.gain
        y: Array = gain.value[at] * self.normal
        if self.offset is not None:
            offset, at = self.offset
            y += offset.value[at]
        return y

    def back(self, dy: Array) -> Array:
        """Return da of the rows; add to the gradients of gain and offset."""
        gain, at = self.gain
        gain.grad[at] += (dy * self.normal).sum(axis=0)
        d = dy * gain.value[at]
        if self.offset is not None:
            offset, at = self.offset
            offset.grad[at] += dy.sum(axis=0)
        along = (d * self.normal).mean(axis=1, keepdims=True)
        da: Array = self.inverse * (d - d.mean(axis=1, keepdims=True) - self.normal * along)
        return da


class LSTMStep:
    """The element-wise part of a step of any LSTM: from pre-activations to the new states.

    The letters are those of `lstmcore.reference.gates`: gates i, f and o, the candidate c. A gate
    that the architecture lacks is the number 1. `norms` may have a `LayerNorm` of the sum of a
    letter, and one of the cell state on its way out, "state".
    """

    def __init__(self, cell: LSTMCell, z: dict[str, Array], norms: dict[str, LayerNorm]) -> None:
        self.cell, self.z, self.norms = cell, z, norms
        self.gate: dict[str, Any] = {"i": 1, "f": 1, "o": 1}
        self.peepholes: dict[str, int] = {}  # the row of each gate's
        kernel = cell.peephole_kernel
        if kernel is not None:
            gates = (g for g in cell.described.gates if g != "c")
            self.peepholes, self.weights = {g: row for row, g in enumerate(gates)}, kernel.value
        linear = activations.linear
        self.candidate = linear if cell.variant == "NIAF" else cell.activation
        output = cell.activation if cell.output_activation is None else cell.output_activation
        self.output = linear if cell.variant == "NOAF" else output

    def _open(self, letter: str, c: Array) -> None:
        """Compute a gate that sees the cell state c, if there is that gate."""
        if letter not in self.z:
            return
        if letter in self.peepholes:
            self.z[letter] = self.z[letter] + self.weights[self.peepholes[letter]] * c
        self._normalize(letter)
        self.gate[letter] = self.cell.recurrent_activation.forward(self.z[letter])

    def _normalize(self, letter: str) -> None:
        if letter in self.norms:
            self.z[letter] = self.norms[letter].forward(self.z[letter])

    def compute(self, c0: Array) -> None:
        """Compute the gates and the new states h and c."""
        self.c0, gate = c0, self.gate
        self._open("i", c0)
        self._open("f", c0)
        if self.cell.variant == "CIFG":
            gate["f"] = 1 - gate["i"]
        self._normalize("c")
        self.g = self.candidate.forward(self.z["c"])
        self.unclipped = gate["f"] * c0 + gate["i"] * self.g
        limit = self.cell.cell_clip
        self.c = self.unclipped if limit is None else np.clip(self.unclipped, -limit, limit)
        self._open("o", self.c)
        norm = self.norms.get("state")
        self.out = self.c if norm is None else norm.forward(self.c)
        self.a = self.output.forward(self.out)
        self.h = gate["o"] * self.a

    def named(self) -> dict[str, Array]:
        """Return the gates and the candidate by their letters, without those that are 1."""
        values = {**self.gate, "c": self.g}
        return {g: values[g] for g in "ifco" if isinstance(values[g], np.ndarray)}

    def back(self, dh: Array, dc: Array, dgates: list[Array]) -> tuple[dict[str, Array], Array]:
        """Return the gradients of the pre-activations by letter, and of the cell state before.

        `dgates` are those of i, f and o by the next step, if there is full gate recurrence.
        """
        gate, dz, full = self.gate, {}, len(dgates) > 0
        dout = self.output.gradient(dh * gate["o"], self.out, self.a)
        dc = dc + (self.norms["state"].back(dout) if "state" in self.norms else dout)
        if "o" in self.z:
            do = dh * self.a
            dz["o"] = self._close("o", do + dgates[2] if full else do, self.c)
            dc = self._through_peephole("o", dc, dz)
        if self.cell.cell_clip is not None:
            dc = dc * (np.abs(self.unclipped) <= self.cell.cell_clip)
        di, df = dc * self.g, dc * self.c0
        if full:
            di, df = di + dgates[0], df + dgates[1]
        if self.cell.variant == "CIFG":
            di = di - df
        for letter, d in (("i", di), ("f", df)):
            if letter in self.z:
                dz[letter] = self._close(letter, d, self.c0)
        dsum = self.candidate.gradient(dc * gate["i"], self.z["c"], self.g)
        dz["c"] = self.norms["c"].back(dsum) if "c" in self.norms else dsum
        dc0 = self._through_peephole("i", dc * gate["f"], dz)
        return dz, self._through_peephole("f", dc0, dz)

    def _close(self, letter: str, d: Array, c: Array) -> Array:
        """Return the gradient of a gate's pre-activation; add to that of its peephole."""
        dz = self.cell.recurrent_activation.gradient(d, self.z[letter], self.gate[letter])
        dz = self.norms[letter].back(dz) if letter in self.norms else dz
        kernel, row = self.cell.peephole_kernel, self.peepholes.get(letter)
        if kernel is not None and row is not None:
            kernel.grad[row] += (dz * c).sum(axis=0)
        return dz

    def _through_peephole(self, letter: str, dc: Array, dz: dict[str, Array]) -> Array:
        """Return the gradient of the cell state with the part that comes through a peephole."""
        row = self.peepholes.get(letter)
        return dc if row is None else dc + dz[letter] * self.weights[row]
