"""LSTM, in all its architectures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ... import _core
from ...activations import Activation
from ...quantization.storage import Product
from ...random.masks import check_rate
from ..base import Shape, registry
from ..parameters import Param
from .lstm_cell import LSTMCell
from .lstm_options import LSTMOptions
from .recurrent import Recurrent, core_activation
from .recurrent_parameters import constructor_arguments


@registry.add()
class LSTM(LSTMOptions, Recurrent):
    """Long short-term memory, Hochreiter and Schmidhuber 1997.

    Input ``(batch, time, features)``; output ``(batch, units)``, the state after the last step,
    or ``(batch, time, units)`` with `return_sequences`. The weights are Keras's: ``kernel
    (features, 4 units)``, ``recurrent_kernel (units, 4 units)``, ``bias (4 units,)``, each with
    its columns in the order input gate, forget gate, candidate, output gate (i f c o), without
    those that a `variant` lacks. With peepholes ``peephole_kernel (P, units)`` follows, rows in
    the order i f o; with FGR ``gate_kernel (3 units, 3 units)``, rows i f o of the step before,
    columns i f o of this one. A `projection` and `layer_norm` add theirs behind these.

    Parameters
    ----------
    units : int
        The size of the state.
    activation : str or Activation, default "tanh"
        For the candidate and, without an `output_activation`, for the cell state.
    recurrent_activation : str or Activation, default "sigmoid"
        For the gates. The kernels have tanh, sigmoid, hard_sigmoid, relu, linear, softsign and
        elu; with any other the layer runs in NumPy, step by step, which is slower.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    unit_forget_bias : bool or float, default True
        The bias of the forget gate to begin with: True is 1, as Jozefowicz et al., "An Empirical
        Exploration of Recurrent Network Architectures" (2015), found best; a number is that
        number; False leaves it to `bias_initializer`. A number is refused where there is no
        bias, or no forget gate of its own (NFG, CIFG).
    variant : str, default "vanilla"
        The architecture, by its name in Greff et al., "LSTM: A Search Space Odyssey" (2017):
        ``"vanilla"`` as in Keras, without peepholes; ``"peephole"``, the paper's V;
        ``"NIG"``, ``"NFG"``, ``"NOG"`` without input, forget or output gate; ``"NIAF"``,
        ``"NOAF"`` without the activation of the candidate or of the cell's output; ``"CIFG"``
        with f = 1 - i; ``"NP"`` without peepholes; ``"FGR"`` with full gate recurrence: all gates
        of the previous step feed every gate. All but vanilla and NP have peepholes.
    peephole : bool, optional
        True or False for gates with or without peepholes: True with vanilla is "peephole", False
        with another architecture is that architecture without them. By default the architecture
        decides.
    cell_clip : float, optional
        Clip the cell state to the range from -cell_clip to cell_clip.
    output_activation : str or Activation, optional
        For the cell state on its way out, as ONNX's third activation; by default `activation`.
        Refused with NOAF, which has none there.
    peephole_initializer : str or Initializer, optional
        Default ``"glorot_uniform"``. Refused without peepholes, as are the two below.
    peephole_regularizer : str or Regularizer, optional
    peephole_constraint : str or Constraint, optional
    projection : int, optional
        The size of the output h, which is then a product with ``projection_kernel (units,
        projection)``, without a bias: the projected LSTM of Sak et al. (2014), PyTorch's
        `proj_size`. The recurrent kernel has as many rows; the cell state keeps its `units`.
        Refused with FGR.
    projection_initializer : str or Initializer, optional
        Default ``"glorot_uniform"``. Refused without a projection, as are the two below.
    projection_regularizer : str or Regularizer, optional
    projection_constraint : str or Constraint, optional
    layer_norm : bool or "sum", default False
        True: layer normalization of Ba, Kiros and Hinton (2016). The products with the kernel and
        with the recurrent kernel are normalized apart, over all gates, and so is the cell state
        on its way out. Its weights are ``norm_gain (2, 4 units)`` and ``state_norm (2, units)``,
        gain and offset; it is refused with peepholes. "sum": as TensorFlow Lite has it, each
        gate's sum is normalized by itself, with its peephole and before its bias, and the cell
        state is not; the weight is ``norm_gain (4 units,)``. Both are refused with FGR.
    layer_norm_epsilon : float, default 1e-3
        What layer normalization adds to the variance.
    zoneout_c : float, default 0.0
        Zoneout of the cell state; see `zoneout_h`.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training: ``"l2"``, ``L1L2(1e-4, 1e-3)``.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output; divided by the number of samples, it is added to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step: ``MaxNorm(3)``.
    dropout, recurrent_dropout, seed, return_sequences, return_state, go_backwards, stateful, \
unroll, use_cudnn, zero_output_for_mask, zoneout_h, weight_dropout, input_noise
        See `lstmcore.layers.rnn.recurrent.Recurrent`. The states are (h, c), for FGR (h, c, gates).
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import LSTM
    >>> LSTM(8)(np.zeros((2, 5, 3))).shape
    (2, 8)
    """

    kind: ClassVar[str] = "lstm"
    cell_class = LSTMCell

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
        use_cudnn: Any = "auto",
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
        zoneout_c: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**constructor_arguments(locals(), "zoneout_c"))
        self.zoneout_c = check_rate(self, "zoneout_c", zoneout_c)
        self._core_peepholes: Param | None = None

    @cached_property
    def core_cell(self) -> _core.Cell:
        """The cell that the kernels compute."""
        output = self.output_activation
        return _core.Cell(
            self.kind,
            activation=core_activation(self.activation) or "linear",
            recurrent_activation=core_activation(self.recurrent_activation) or "linear",
            clip=self.cell_clip or 0.0,
            output_activation=None if output is None else core_activation(output) or "linear",
            **self.architecture,
        )

    @property
    def used_activations(self) -> dict[str, Activation]:
        """The activations by their arguments; see `Recurrent.used_activations`."""
        used = super().used_activations
        if self.output_activation is not None:
            used["output_activation"] = self.output_activation
        return used

    @property
    def state_sizes(self) -> list[int]:
        """The size of each state: h, which a projection may narrow, c, and of FGR the gates."""
        return [self.projection or self.units, *super().state_sizes[1:]]

    @property
    def core_weights(self) -> Sequence[Param | None]:
        """The weights in the order of ``_core.Cell.shapes``; 0 for peepholes not wanted."""
        return (
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            self._core_peepholes,
            self.gate_kernel,
            self.projection_kernel,
            self.norm_gain,
            self.state_norm,
        )

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.add_architecture_weights(self._features)
        self._core_peepholes = self.peephole_kernel
        shape = self.core_cell.shapes(self._features, self.units)[3]
        if shape is not None and not self.has_peepholes:
            self._core_peepholes = _zero_weight(shape, self.dtype)

    def stored_products(self) -> Sequence[Product]:
        """Return the weights of the products of a step: the gates' and the projection's."""
        own: Sequence[Product] = super().stored_products()
        if self.gate_kernel is not None:
            letters, units = self.core_cell.gates, np.arange(self.units)
            of_gates = np.concatenate([letters.index(g) * self.units + units for g in "ifo"])
            weights = (self.kernel, self.recurrent_kernel, self.gate_kernel)
            own = (Product(weights, columns=(slice(None), of_gates)),)
        if self.projection_kernel is None:
            return own
        return (*own, Product((self.projection_kernel,)))

    def _zoneout_rates(self) -> dict[str, float]:
        return {"keep_h": self.zoneout_h, "keep_c": self.zoneout_c}


def _zero_weight(shape: tuple[int, ...], dtype: Any) -> Param:
    """Return a weight that stays 0 and is none of the layer's.

    The kernels have no peephole of a single gate that could be left out, but with a weight of 0
    it adds nothing. Its gradient is computed, and used by nobody.
    """
    zero = Param("peephole_kernel", shape, np.zeros, False)
    zero.value, zero.grad = np.zeros(shape, dtype), np.zeros(shape, dtype)
    return zero
