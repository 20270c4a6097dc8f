"""GRU and SimpleRNN."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from ... import _core
from ..base import registry
from .cells import GRUCell, SimpleRNNCell
from .recurrent import Recurrent, core_activation
from .recurrent_parameters import constructor_arguments


@registry.add()
class GRU(Recurrent):
    """Gated recurrent unit, Cho et al. 2014.

    Input ``(batch, time, features)``; output ``(batch, units)``, the state after the last step,
    or ``(batch, time, units)`` with `return_sequences`. The weights are Keras's: ``kernel
    (features, 3 units)``, ``recurrent_kernel (units, 3 units)``, columns in the order update
    gate, reset gate, candidate (z r h), and ``bias (2, 3 units)``, for the input product and for
    the recurrent one, or ``(3 units,)`` without `reset_after`.

    Parameters
    ----------
    units : int
        The size of the state.
    activation : str or Activation, default "tanh"
        For the candidate.
    recurrent_activation : str or Activation, default "sigmoid"
        For the gates. The kernels have tanh, sigmoid, hard_sigmoid, relu, linear, softsign and
        elu; with any other the layer runs in NumPy, step by step, which is slower.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    reset_after : bool, default True
        Apply the reset gate after the recurrent product; False, before it, as in the paper.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training: ``"l2"``, ``L1L2(1e-4, 1e-3)``.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output; divided by the number of samples, it is added to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step: ``MaxNorm(3)``.
    dropout, recurrent_dropout, seed, return_sequences, return_state, go_backwards, stateful, \
unroll, use_cudnn, zero_output_for_mask, zoneout_h, weight_dropout, input_noise
        See `lstmcore.layers.rnn.recurrent.Recurrent`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import GRU
    >>> GRU(8)(np.zeros((2, 5, 3))).shape
    (2, 8)
    """

    kind: ClassVar[str] = "gru"
    cell_class = GRUCell

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**constructor_arguments(locals(), "reset_after"))
        self.reset_after = bool(reset_after)

    @cached_property
    def core_cell(self) -> _core.Cell:
        """The cell that the kernels compute."""
        return _core.Cell(
            self.kind,
            activation=core_activation(self.activation) or "linear",
            recurrent_activation=core_activation(self.recurrent_activation) or "linear",
            reset_after=self.reset_after,
        )


@registry.add()
class SimpleRNN(Recurrent):
    """The fully connected recurrent layer, Elman 1990: ``h' = activation(x W + h R + b)``.

    Input ``(batch, time, features)``; output ``(batch, units)``, the state after the last step,
    or ``(batch, time, units)`` with `return_sequences`. The weights are Keras's: ``kernel
    (features, units)``, ``recurrent_kernel (units, units)``, ``bias (units,)``.

    Parameters
    ----------
    units : int
        The size of the state.
    activation : str or Activation, default "tanh"
        The kernels have tanh, sigmoid, hard_sigmoid, relu, linear, softsign and elu; with any
        other the layer runs in NumPy, step by step, which is slower.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training: ``"l2"``, ``L1L2(1e-4, 1e-3)``.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output; divided by the number of samples, it is added to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step: ``MaxNorm(3)``.
    dropout, recurrent_dropout, seed, return_sequences, return_state, go_backwards, stateful, \
unroll, zero_output_for_mask, zoneout_h, weight_dropout, input_noise
        See `lstmcore.layers.rnn.recurrent.Recurrent`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import SimpleRNN
    >>> SimpleRNN(8)(np.zeros((2, 5, 3))).shape
    (2, 8)
    """

    kind: ClassVar[str] = "rnn"
    cell_class = SimpleRNNCell
    dropped: ClassVar[tuple[str, ...]] = ("recurrent_activation", "use_cudnn")

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**constructor_arguments(locals()))

    @cached_property
    def core_cell(self) -> _core.Cell:
        """The cell that the kernels compute."""
        return _core.Cell(self.kind, activation=core_activation(self.activation) or "linear")
