"""GatedCell, base of the cells of LSTM, GRU and SimpleRNN in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ... import _core, initializers
from ...random.masks import Draws, check_rate, check_seed
from ...validation import Array
from ..base import Shape
from ..parameters import Param
from .cell import Cell, Step, StepBack, StepResult
from .recurrent_parameters import RecurrentParameters

Scales = Sequence[Array | None]  # dropout's multipliers of x and of h


class GatedCell(RecurrentParameters, Cell):
    """Base of the cells: weights, dropout, and the two matrix products of a step."""

    gates: Any = 1  # the number of gates and candidates

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
        self.activation = self.check_activation("activation", activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer or "glorot_uniform")
        self.dropout = check_rate(self, "dropout", dropout)
        self.recurrent_dropout = check_rate(self, "recurrent_dropout", recurrent_dropout)
        self.seed, self._generator = seed, check_seed(self, seed)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1] if len(input_shape) == 2 else None
        if features is None:
            raise self.error("x", "an array of shape (batch, features)", f"shape {input_shape}")
        columns, recurrent_columns = self._columns()
        self._features = self.check_size("features of x", features)
        self.kernel = self.add_weight(
            (features, columns),
            self.kernel_initializer,
            name="kernel",
            **self.weight_options("kernel"),
        )
        self.recurrent_kernel = self.add_weight(
            (self.output_size, recurrent_columns),
            self.recurrent_initializer,
            name="recurrent_kernel",
            **self.weight_options("recurrent"),
        )
        self.bias: Param | None = None
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(), self._initial_bias, name="bias", **self.weight_options("bias")
            )

    def adopt(self, params: Sequence[Param], features: int) -> None:
        """Take the weights of a layer for those of the cell, which then is built."""
        self._params, self._features = list(params), features
        self.bias = None
        for param in params:
            setattr(self, param.name, param)
        self._built_for, self.built = (None, features), True

    def _columns(self) -> tuple[int, int]:
        """Return the number of columns of the kernel and of the recurrent kernel."""
        return self.gates * self.units, self.gates * self.units

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _initial_bias(self, shape: tuple[int, ...], dtype: Any) -> Array:
        drawn: Array = self.bias_initializer(shape, dtype)
        return drawn

    # -- one step ------------------------------------------------------------------------------

    def start(self, batch_size: int, training: bool = False) -> Step:
        """Begin a call: draw the dropout masks of all its steps."""
        rates = self.dropout, self.recurrent_dropout
        scales: list[Array | None] = [None, None]
        if any(rates) and training:
            draws = Draws(self._generator)  # the same numbers as in the layers
            sizes = self._features, self.output_size
            for k, (rate, size) in enumerate(zip(rates, sizes, strict=True)):
                if rate:
                    scales[k] = draws.scale((batch_size, size), rate, self.dtype)
        return partial(self.step_scaled, scales)

    def step(self, x: Array, states: list[Array], training: bool = False) -> StepResult:
        """Compute one time step, with dropout masks of its own; see `Cell.step`."""
        return self.start(len(x), training)(x, states)

    def step_scaled(self, scales: Scales, x: Array, states: list[Array]) -> StepResult:
        """Compute one time step with dropout's factors of x and of h."""
        _, new, back = self.compute(scales, x, states)
        return new[0], new, back

    def compute(
        self, scales: Scales, x: Array, states: list[Array]
    ) -> tuple[Callable[[], dict[str, Array]], list[Array], StepBack]:
        """Return what gives the gates, the new states and the backward function of a step.

        `scales` are dropout's factors of x and of h. The gates are a dict, with the names that they
        have in `lstmcore.inspection.Trace`.
        """
        raise NotImplementedError

    # A row's result does not depend on the other rows: the core sums in one fixed order. A function
    # of the user's may have computed in another dtype.
    def _product(self, x: Array, kernel: Array, bias: Array | None = None) -> Array:
        if x.shape[1] != len(kernel):
            wanted = f"an array of shape (batch, {len(kernel)})"
            raise self.error("x", wanted, f"shape {x.shape}")
        return _core.dense_forward(np.asarray(x, kernel.dtype), kernel, bias)


def scaled(x: Array, scale: Array | None) -> Array:
    """Return x times dropout's factors; None stands for 1."""
    return x if scale is None else x * scale


def product_back(x: Array, weight: Param, dz: Array, dbias: Array | None = None) -> Array:
    """Return dx of ``z = x @ weight + bias``; add to the gradients of weight and bias."""
    x, dz = np.asarray(x, weight.value.dtype), np.asarray(dz, weight.value.dtype)
    dx = _core.dense_backward(x, weight.value, dz, dkernel=weight.grad, dbias=dbias)
    assert dx is not None
    return dx
