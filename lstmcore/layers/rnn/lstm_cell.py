"""LSTMCell: one step of `LSTM` in NumPy, in all its architectures."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array
from ..base import Shape, registry
from .gated_cell import GatedCell, Scales, product_back, scaled
from .lstm_options import LSTMOptions
from .lstm_step import LayerNorm, LSTMStep
from .recurrent_parameters import constructor_arguments


@registry.add()
class LSTMCell(LSTMOptions, GatedCell):
    """One step of `LSTM`; the states are h and c, the output is h.

    Parameters
    ----------
    units : int
        The size of the cell state, and without a projection of the output.
    activation : str or Activation, default "tanh"
        For the candidate and, without an `output_activation`, for the cell state.
    recurrent_activation : str or Activation, default "sigmoid"
        For the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    unit_forget_bias, variant, peephole, cell_clip, output_activation, peephole_initializer, \
peephole_regularizer, peephole_constraint, projection, projection_initializer, \
projection_regularizer, projection_constraint, layer_norm, layer_norm_epsilon
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
        projection: int | None = None,
        projection_initializer: Any = None,
        projection_regularizer: Any = None,
        projection_constraint: Any = None,
        layer_norm: bool | str = False,
        layer_norm_epsilon: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**constructor_arguments(locals(), "recurrent_activation"))
        self.recurrent_activation = self.check_activation(
            "recurrent_activation", recurrent_activation
        )
        widths = [self.projection or self.units, self.units, 3 * self.units]
        self.state_size = widths[: self.described.states]

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
        norms = self._norms()
        at_sum = None if self.bias is None or norms else self.bias  # or it is a norm's offset
        zx = self._product(xs, self.kernel.value, None if at_sum is None else at_sum.value)
        z = norms["x"].forward(zx) if "x" in norms else zx
        zh = self._product(hs, self.recurrent_kernel.value)
        z += norms["h"].forward(zh) if "h" in norms else zh
        letters, n = self.described.gates, self.units
        parts = {g: z[:, k * n : (k + 1) * n] for k, g in enumerate(letters)}
        if self.gate_kernel is not None:
            full = self._product(states[2], self.gate_kernel.value)
            for letter, part in zip("ifo", np.split(full, 3, axis=1), strict=True):
                parts[letter] += part
        cell, new = LSTMStep(self, parts, norms), list(states)
        cell.compute(c0)
        new[:2] = cell.h, cell.c
        if self.projection_kernel is not None:
            new[0] = self._product(cell.h, self.projection_kernel.value)
        if self.gate_kernel is not None:
            new[2] = np.concatenate([cell.gate[letter] for letter in "ifo"], axis=1)

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            dgates = [] if self.gate_kernel is None else np.split(dstates[2], 3, axis=1)
            dh = dy + dstates[0]
            if self.projection_kernel is not None:
                dh = product_back(cell.h, self.projection_kernel, dh)
            dparts, dc0 = cell.back(dh, dstates[1], dgates)
            dz = np.concatenate([dparts[letter] for letter in letters], axis=1)
            dzx = norms["x"].back(dz) if "x" in norms else dz
            dx = product_back(xs, self.kernel, dzx, None if at_sum is None else at_sum.grad)
            dzh = norms["h"].back(dz) if "h" in norms else dz
            dh = product_back(hs, self.recurrent_kernel, dzh)
            before = [scaled(dh, scales[1]), dc0]
            if self.gate_kernel is not None:
                dfull = np.concatenate([dparts[letter] for letter in "ifo"], axis=1)
                before.append(product_back(states[2], self.gate_kernel, dfull))
            return scaled(dx, scales[0]), before

        return cell.named, new, back

    def _norms(self) -> dict[str, LayerNorm]:
        """Return what normalizes a step: the products x and h and the state, or each gate's sum.

        The bias is the offset of one of them.
        """
        gain, state, bias = self.norm_gain, self.state_norm, self.bias
        if gain is None:
            return {}

        def norm(gain: Any, offset: Any = (None, None)) -> LayerNorm:
            return LayerNorm(self.layer_norm_epsilon, gain, None if offset[0] is None else offset)

        if state is not None:
            return {
                "x": norm((gain, 0), (bias, ...)),
                "h": norm((gain, 1)),
                "state": norm((state, 0), (state, 1)),
            }
        n = self.units
        columns = {g: slice(k * n, (k + 1) * n) for k, g in enumerate(self.described.gates)}
        return {letter: norm((gain, at), (bias, at)) for letter, at in columns.items()}
