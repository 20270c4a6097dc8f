"""The cells of LSTM, GRU and SimpleRNN in NumPy, with Keras's weights and results.

`RNN` runs them over time. The layers `LSTM`, `GRU` and `SimpleRNN` compute the same faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ... import _core, activations, initializers
from ..._binding.numpy_blas import matmul
from ...random.masks import Draws, check_rate, check_seed
from ...validation import Array
from ..base import Shape, registry
from ..parameters import Param
from .cell import Cell, Step, StepResult
from .recurrent_parameters import RecurrentParameters, constructor_arguments

Scales = Sequence[Array | None]  # dropout's multipliers of x and of h


class _GatedCell(RecurrentParameters, Cell):
    """Base of the cells: weights, dropout, and the two matrix products of a step."""

    gates: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        *,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = self.check_size("units", units)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.dropout = check_rate(self, "dropout", dropout)
        self.recurrent_dropout = check_rate(self, "recurrent_dropout", recurrent_dropout)
        self.seed, self._generator = seed, check_seed(self, seed)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1] if len(input_shape) == 2 else None
        if features is None:
            raise self.error("x", "an array of shape (batch, features)", f"shape {input_shape}")
        columns = self.gates * self.units
        self._features = self.check_size("features of x", features)
        self.kernel = self.add_weight(
            (features, columns),
            self.kernel_initializer,
            name="kernel",
            **self.weight_options("kernel"),
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, columns),
            self.recurrent_initializer,
            name="recurrent_kernel",
            **self.weight_options("recurrent"),
        )
        self.bias: Param | None = None
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(), self._initial_bias, name="bias", **self.weight_options("bias")
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _initial_bias(self, shape: tuple[int, ...], dtype: Any) -> Array:
        return self.bias_initializer(shape, dtype)

    # -- one step ------------------------------------------------------------------------------

    def start(self, batch_size: int, training: bool = False) -> Step:
        """Begin a call: draw the dropout masks of all its steps."""
        rates = self.dropout, self.recurrent_dropout
        scales: list[Array | None] = [None, None]
        if any(rates) and training:
            draws = Draws(self._generator)  # the same numbers as in the layers
            for k, (rate, size) in enumerate(zip(rates, (self._features, self.units), strict=True)):
                if rate:
                    scales[k] = draws.scale((batch_size, size), rate, self.dtype)
        return partial(self._step, scales)

    def step(self, x: Array, states: list[Array], training: bool = False) -> StepResult:
        """Compute one time step, with dropout masks of its own; see `Cell.step`."""
        return self.start(len(x), training)(x, states)

    def _step(self, scales: Scales, x: Array, states: list[Array]) -> StepResult:
        raise NotImplementedError

    # A row's result does not depend on the other rows: the core sums in one fixed order.
    def _product(self, x: Array, kernel: Array, bias: Array | None = None) -> Array:
        if x.shape[1] != len(kernel):
            wanted = f"an array of shape (batch, {len(kernel)})"
            raise self.error("x", wanted, f"shape {x.shape}")
        return _core.dense_forward(x, kernel, bias)


def _scaled(x: Array, scale: Array | None) -> Array:
    return x if scale is None else x * scale


def _product_back(x: Array, weight: Param, dz: Array, dbias: Array | None = None) -> Array:
    """Return dx of ``z = x @ weight + bias``; add to the gradients of weight and bias."""
    dx = _core.dense_backward(x, weight.value, dz, dkernel=weight.grad, dbias=dbias)
    assert dx is not None
    return dx


@registry.add()
class SimpleRNNCell(_GatedCell):
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

    def _step(self, scales: Scales, x: Array, states: list[Array]) -> StepResult:
        xs, hs = _scaled(x, scales[0]), _scaled(states[0], scales[1])
        z = self._product(xs, self.kernel.value, None if self.bias is None else self.bias.value)
        z += self._product(hs, self.recurrent_kernel.value)
        h = self.activation.forward(z)

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            dz = self.activation.gradient(dy + dstates[0], z, h)
            dx = _product_back(xs, self.kernel, dz, None if self.bias is None else self.bias.grad)
            dh = _product_back(hs, self.recurrent_kernel, dz)
            return _scaled(dx, scales[0]), [_scaled(dh, scales[1])]

        return h, [h], back


@registry.add()
class LSTMCell(_GatedCell):
    """One step of `LSTM`; the states are h and c, the output is h.

    Parameters
    ----------
    units : int
        The size of each state.
    activation : str or Activation, default "tanh"
        For the candidate and the cell state.
    recurrent_activation : str or Activation, default "sigmoid"
        For the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    unit_forget_bias : bool, default True
        Begin with a bias of 1 at the forget gate.
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

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        super().__init__(
            **constructor_arguments(locals(), "recurrent_activation", "unit_forget_bias")
        )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = bool(unit_forget_bias)
        self.state_size = [self.units, self.units]

    def _initial_bias(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return the bias as Keras draws it: 1 for the forget gate, whatever the initializer."""
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype)
        n, draw = self.units, self.bias_initializer
        return np.concatenate((draw((n,), dtype), np.ones(n, dtype), draw((2 * n,), dtype)))

    def _step(self, scales: Scales, x: Array, states: list[Array]) -> StepResult:
        act, gate, c0 = self.activation, self.recurrent_activation, states[1]
        xs, hs = _scaled(x, scales[0]), _scaled(states[0], scales[1])
        z = self._product(xs, self.kernel.value, None if self.bias is None else self.bias.value)
        z += self._product(hs, self.recurrent_kernel.value)
        zi, zf, zg, zo = np.split(z, 4, axis=1)
        i, f, g, o = gate.forward(zi), gate.forward(zf), act.forward(zg), gate.forward(zo)
        c = f * c0 + i * g
        a = act.forward(c)
        h = o * a

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            dh = dy + dstates[0]
            dc = dstates[1] + act.gradient(dh * o, c, a)
            parts = (
                gate.gradient(dc * g, zi, i),
                gate.gradient(dc * c0, zf, f),
                act.gradient(dc * i, zg, g),
                gate.gradient(dh * a, zo, o),
            )
            dz = np.concatenate(parts, axis=1)
            dx = _product_back(xs, self.kernel, dz, None if self.bias is None else self.bias.grad)
            dh = _product_back(hs, self.recurrent_kernel, dz)
            return _scaled(dx, scales[0]), [_scaled(dh, scales[1]), dc * f]

        return h, [h, c], back


@registry.add()
class GRUCell(_GatedCell):
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
        self.recurrent_activation = activations.get(recurrent_activation)
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

    def _step(self, scales: Scales, x: Array, states: list[Array]) -> StepResult:
        xs, h = _scaled(x, scales[0]), states[0]
        hs, (at_x, at_h) = _scaled(h, scales[1]), self._biases("value")
        candidate = self._reset_after if self.reset_after else self._reset_before
        zx = self._product(xs, self.kernel.value, at_x)
        (zu, zc), (u, c), candidate_back = candidate(zx, hs, at_h)
        gate, act = self.recurrent_activation, self.activation
        new = u * h + (1 - u) * c

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            dh = dy + dstates[0]
            dzu = gate.gradient(dh * (h - c), zu, u)
            dzc = act.gradient(dh * (1 - u), zc, c)
            dzr, dhs = candidate_back(dzu, dzc)
            dz = np.concatenate((dzu, dzr, dzc), axis=1)
            dx = _product_back(xs, self.kernel, dz, self._biases("grad")[0])
            return _scaled(dx, scales[0]), [dh * u + _scaled(dhs, scales[1])]

        return new, [new], back

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
            return dzr, _product_back(h, self.recurrent_kernel, dz, self._biases("grad")[1])

        return (zu, zc), (u, c), back

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

        return (zu, zc), (u, c), back
