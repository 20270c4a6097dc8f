"""The cells of LSTM, GRU and SimpleRNN in NumPy, with Keras's weights and results.

`RNN` runs them over time. The layers `LSTM`, `GRU` and `SimpleRNN` compute the same faster.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._binding.numpy_blas import matmul
from ...validation import Array
from ..base import registry
from .gated_cell import GatedCell, Scales, product_back, scaled
from .lstm_cell import LSTMCell as LSTMCell
from .recurrent_parameters import constructor_arguments


@registry.add()
class SimpleRNNCell(GatedCell):
    """One step of `SimpleRNN`: ``h = activation(x @ kernel + bias + h @ recurrent_kernel)``.

    Parameters
    ----------
    units : int
        The size of the state, which is also the output.
    activation : str or Activation, default "tanh"
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training: ``"l2"``, ``L1L2(1e-4, 1e-3)``.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step: ``MaxNorm(3)``.
    dropout, recurrent_dropout : float, default 0
        In training, the fraction of x and of h that is dropped, the same at all steps of a call.
    seed : int, optional
        Seed of the cell's own random generator for dropout; by default it uses the library's,
        which `set_random_seed` seeds.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**constructor_arguments(locals()))

    def compute(self, scales: Scales, x: Array, states: list[Array]) -> Any:
        xs, hs = scaled(x, scales[0]), scaled(states[0], scales[1])
        z = self._product(xs, self.kernel.value, None if self.bias is None else self.bias.value)
        z += self._product(hs, self.recurrent_kernel.value)
        h = self.activation.forward(z)

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            dz = self.activation.gradient(dy + dstates[0], z, h)
            dx = product_back(xs, self.kernel, dz, None if self.bias is None else self.bias.grad)
            dh = product_back(hs, self.recurrent_kernel, dz)
            return scaled(dx, scales[0]), [scaled(dh, scales[1])]

        return dict, [h], back


@registry.add()
class GRUCell(GatedCell):
    """One step of `GRU`; the gates are update, reset and candidate.

    Parameters
    ----------
    units : int
        The size of the state, which is also the output.
    activation : str or Activation, default "tanh"
        For the candidate.
    recurrent_activation : str or Activation, default "sigmoid"
        For the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    reset_after : bool, default True
        Apply the reset gate after the recurrent product, which then has its own bias: ``bias`` is
        ``(2, 3 units)``. Otherwise apply it to the state, and ``bias`` is ``(3 units,)``.
    kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, \
recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed
        See `SimpleRNNCell`.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**constructor_arguments(locals(), "recurrent_activation", "reset_after"))
        self.recurrent_activation = self.check_activation(
            "recurrent_activation", recurrent_activation
        )
        self.reset_after = bool(reset_after)

    def _bias_shape(self) -> tuple[int, ...]:
        columns = super()._bias_shape()
        return (2, *columns) if self.reset_after else columns

    def _biases(self, of: str) -> tuple[Array | None, Array | None]:
        """Return the bias, or its gradient, of the product with x and of the one with h."""
        bias: Array | None = None if self.bias is None else getattr(self.bias, of)
        if bias is None or not self.reset_after:
            return bias, None
        return bias[0], bias[1]

    def compute(self, scales: Scales, x: Array, states: list[Array]) -> Any:
        xs, h = scaled(x, scales[0]), states[0]
        hs, (at_x, at_h) = scaled(h, scales[1]), self._biases("value")
        candidate = self._reset_after if self.reset_after else self._reset_before
        zx = self._product(xs, self.kernel.value, at_x)
        (zu, zc), (u, r, c), candidate_back = candidate(zx, hs, at_h)
        gate, act = self.recurrent_activation, self.activation
        new = u * h + (1 - u) * c

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            dh = dy + dstates[0]
            dzu = gate.gradient(dh * (h - c), zu, u)
            dzc = act.gradient(dh * (1 - u), zc, c)
            dzr, dhs = candidate_back(dzu, dzc)
            dz = np.concatenate((dzu, dzr, dzc), axis=1)
            dx = product_back(xs, self.kernel, dz, self._biases("grad")[0])
            return scaled(dx, scales[0]), [dh * u + scaled(dhs, scales[1])]

        return lambda: {"z": u, "r": r, "h": c}, [new], back

    def _reset_after(self, zx: Array, h: Array, bias: Array | None) -> Any:
        """Compute the gates, the reset gate applied to ``h @ recurrent_kernel + bias``."""
        n, gate, act = self.units, self.recurrent_activation, self.activation
        zh = self._product(h, self.recurrent_kernel.value, bias)
        zu, zr = np.split(zx[:, : 2 * n] + zh[:, : 2 * n], 2, axis=1)
        u, r = gate.forward(zu), gate.forward(zr)
        zc = zx[:, 2 * n :] + r * zh[:, 2 * n :]
        c = act.forward(zc)

        def back(dzu: Array, dzc: Array) -> tuple[Array, Array]:
            dzr = gate.gradient(dzc * zh[:, 2 * n :], zr, r)
            dz = np.concatenate((dzu, dzr, dzc * r), axis=1)
            return dzr, product_back(h, self.recurrent_kernel, dz, self._biases("grad")[1])

        return (zu, zc), (u, r, c), back

    def _reset_before(self, zx: Array, h: Array, bias: Array | None) -> Any:
        """Compute the gates, the reset gate applied to h."""
        n, gate, act = self.units, self.recurrent_activation, self.activation
        weights, dweights = self.recurrent_kernel.value, self.recurrent_kernel.grad
        gates, last = np.ascontiguousarray(weights[:, : 2 * n]), weights[:, 2 * n :]
        zu, zr = np.split(zx[:, : 2 * n] + self._product(h, gates), 2, axis=1)
        u, r = gate.forward(zu), gate.forward(zr)
        zc = zx[:, 2 * n :] + self._product(r * h, np.ascontiguousarray(last))
        c = act.forward(zc)

        def back(dzu: Array, dzc: Array) -> tuple[Array, Array]:
            drh = matmul(dzc, last.T)
            dzr = gate.gradient(drh * h, zr, r)
            dz = np.concatenate((dzu, dzr), axis=1)
            dweights[:, : 2 * n] += matmul(h.T, dz)
            dweights[:, 2 * n :] += matmul((r * h).T, dzc)
            return dzr, drh * r + matmul(dz, gates.T)

        return (zu, zc), (u, r, c), back
