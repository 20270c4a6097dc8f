"""LSTMCell: one step of `LSTM` in NumPy, in all its architectures."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import activations
from ...validation import Array
from ..base import Shape, registry
from .gated_cell import GatedCell, Scales, product_back, scaled
from .lstm_options import LSTMOptions
from .recurrent_parameters import constructor_arguments


@registry.add()
class LSTMCell(LSTMOptions, GatedCell):
    """One step of `LSTM`; the states are h and c, the output is h.

    Parameters
    ----------
    units : int
        The size of each state.
    activation : str or Activation, default "tanh"
        For the candidate and, without an `output_activation`, for the cell state.
    recurrent_activation : str or Activation, default "sigmoid"
        For the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    unit_forget_bias, variant, peephole, cell_clip, output_activation, peephole_initializer, \
peephole_regularizer, peephole_constraint
        See `LSTM`. With ``variant="FGR"`` there is a third state, the gates.
    kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, \
recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed
        See `SimpleRNNCell`.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import RNN, LSTMCell
    >>> RNN([LSTMCell(8), LSTMCell(4)])(np.zeros((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool | float = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        *,
        variant: str = "vanilla",
        peephole: bool | None = None,
        cell_clip: float | None = None,
        output_activation: Any = None,
        peephole_initializer: Any = None,
        peephole_regularizer: Any = None,
        peephole_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**constructor_arguments(locals(), "recurrent_activation"))
        self.recurrent_activation = self.check_activation(
            "recurrent_activation", recurrent_activation
        )
        self.state_size = [self.units, self.units, 3 * self.units][: self.described.states]

    @property
    def gates(self) -> int:
        """The number of gates and candidates."""
        return len(self.described.gates)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.add_architecture_weights(self._features)

    def compute(self, scales: Scales, x: Array, states: list[Array]) -> Any:
        """Compute one step; see `GatedCell.compute`."""
        xs, hs, c0 = scaled(x, scales[0]), scaled(states[0], scales[1]), states[1]
        z = self._product(xs, self.kernel.value, None if self.bias is None else self.bias.value)
        z += self._product(hs, self.recurrent_kernel.value)
        letters, n = self.described.gates, self.units
        parts = {g: z[:, k * n : (k + 1) * n] for k, g in enumerate(letters)}
        if self.gate_kernel is not None:
            full = self._product(states[2], self.gate_kernel.value)
            for letter, part in zip("ifo", np.split(full, 3, axis=1), strict=True):
                parts[letter] += part
        cell, new = LSTMStep(self, parts), list(states)
        cell.compute(c0)
        new[:2] = cell.h, cell.c
        if self.gate_kernel is not None:
            new[2] = np.concatenate([cell.gate[letter] for letter in "ifo"], axis=1)

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            dgates = [] if self.gate_kernel is None else np.split(dstates[2], 3, axis=1)
            dparts, dc0 = cell.back(dy + dstates[0], dstates[1], dgates)
            dz = np.concatenate([dparts[letter] for letter in letters], axis=1)
            dx = product_back(xs, self.kernel, dz, None if self.bias is None else self.bias.grad)
            dh = product_back(hs, self.recurrent_kernel, dz)
            before = [scaled(dh, scales[1]), dc0]
            if self.gate_kernel is not None:
                dfull = np.concatenate([dparts[letter] for letter in "ifo"], axis=1)
                before.append(product_back(states[2], self.gate_kernel, dfull))
            return scaled(dx, scales[0]), before

        return cell.named, new, back


class LSTMStep:
    """The element-wise part of a step of any LSTM: from pre-activations to the new states.

    The letters are those of `lstmcore.reference.gates`: gates i, f and o, the candidate c. A gate
    that the architecture lacks is the number 1.
    """

    def __init__(self, cell: LSTMCell, z: dict[str, Array]) -> None:
        self.cell, self.z = cell, z
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
        self.gate[letter] = self.cell.recurrent_activation.forward(self.z[letter])

    def compute(self, c0: Array) -> None:
        """Compute the gates and the new states h and c."""
        self.c0, gate = c0, self.gate
        self._open("i", c0)
        self._open("f", c0)
        if self.cell.variant == "CIFG":
            gate["f"] = 1 - gate["i"]
        self.g = self.candidate.forward(self.z["c"])
        self.unclipped = gate["f"] * c0 + gate["i"] * self.g
        limit = self.cell.cell_clip
        self.c = self.unclipped if limit is None else np.clip(self.unclipped, -limit, limit)
        self._open("o", self.c)
        self.a = self.output.forward(self.c)
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
        dc = dc + self.output.gradient(dh * gate["o"], self.c, self.a)
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
        dz["c"] = self.candidate.gradient(dc * gate["i"], self.z["c"], self.g)
        dc0 = self._through_peephole("i", dc * gate["f"], dz)
        return dz, self._through_peephole("f", dc0, dz)

    def _close(self, letter: str, d: Array, c: Array) -> Array:
        """Return the gradient of a gate's pre-activation; add to that of its peephole."""
        dz = self.cell.recurrent_activation.gradient(d, self.z[letter], self.gate[letter])
        kernel, row = self.cell.peephole_kernel, self.peepholes.get(letter)
        if kernel is not None and row is not None:
            kernel.grad[row] += (dz * c).sum(axis=0)
        return dz

    def _through_peephole(self, letter: str, dc: Array, dz: dict[str, Array]) -> Array:
        """Return the gradient of the cell state with the part that comes through a peephole."""
        row = self.peepholes.get(letter)
        return dc if row is None else dc + dz[letter] * self.weights[row]
