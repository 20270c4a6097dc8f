"""ConvLSTM1D: an LSTM whose products are convolutions along one more axis, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ... import initializers
from ...context import in_training
from ...random.masks import check_rate, check_seed
from ...validation import Array, as_array, plain_array
from ..base import Back, Shape, registry
from ..calls import mask_of_steps
from ..convolution.window_layer import check_format, check_padding, check_sizes
from .conv_lstm_loop import TimeLoop, Window
from .lstm_options import check_forget_bias, draw_bias
from .over_time import OverTime
from .recurrent_parameters import RecurrentParameters, split_states


@registry.add()
class ConvLSTM1D(OverTime, RecurrentParameters):
    """LSTM over time whose input, state and gates lie along an axis of positions (Shi et al. 2015).

    Input ``(batch, time, positions, features)``; output ``(batch, new positions, filters)``, that
    of the last step, or ``(batch, time, new positions, filters)`` with `return_sequences`. The
    products of an `LSTM` are convolutions along the positions: that of the input with `strides`,
    `padding` and `dilation_rate`, that of the state with a window for each position. The weights
    are ``kernel (kernel_size, features, 4 filters)``, ``recurrent_kernel (kernel_size, filters,
    4 filters)`` and ``bias (4 filters,)``, in the order i f c o. A masked step leaves the states
    unchanged and repeats the output of the previous step.

    Parameters
    ----------
    filters : int
        The size of the output's last axis.
    kernel_size : int
        The number of positions in a window, of the input and of the state.
    strides : int, default 1
        The number of positions from one window of the input to the next.
    padding : {"valid", "same"}
        ``"same"``: zeros at both ends of the input, one window for every `strides` positions.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, time, features, positions)``.
    dilation_rate : int, default 1
        The distance between the positions of a window of the input; more than 1 only with
        `strides` 1.
    activation : str or Activation, default "tanh"
        For the candidate and the cell state.
    recurrent_activation : str or Activation, default "sigmoid"
        For the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    unit_forget_bias : bool or float, default True
        The bias of the forget gate to begin with: True is 1, a number is that number.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output; divided by the number of samples, it is added to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step.
    dropout, recurrent_dropout : float, default 0.0
        In training, the fraction of the inputs, and of the state in its product, to set to 0 (the
        rest is scaled up): one mask for each row of a batch, the same at every step and gate.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    return_sequences : bool, default False
        Return the output of every step.
    return_state : bool, default False
        Return ``(output, h, c)``, with the last states.
    go_backwards : bool, default False
        Process the steps from last to first; outputs come in that order.
    stateful : bool, default False
        Begin each call with the states in which the last one ended, until `reset_states`.
    unroll : bool, default False
        Accepted for compatibility with Keras, without effect.
    zero_output_for_mask : bool, default False
        With `return_sequences`, return 0 at masked steps.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import ConvLSTM1D
    >>> ConvLSTM1D(8, 3, padding="same")(np.zeros((2, 5, 16, 1))).shape
    (2, 16, 8)
    """

    uses_mask: ClassVar[bool] = True
    call_order: ClassVar[tuple[str, ...]] = ("initial_state", "mask", "training")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
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
        *,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self.filters = self.check_size("filters", filters)
        self.kernel_size = check_sizes(self, "kernel_size", kernel_size, 1)
        self.strides = check_sizes(self, "strides", strides, 1)
        self.padding = check_padding(self, padding, "valid", "same")
        self.data_format = check_format(self, data_format)
        self.dilation_rate = check_sizes(self, "dilation_rate", dilation_rate, 1)
        if self.strides[0] > 1 and self.dilation_rate[0] > 1:
            raise self.error("dilation_rate", "1 where strides > 1", self.dilation_rate[0])
        self.activation = self.check_activation("activation", activation)
        self.recurrent_activation = self.check_activation(
            "recurrent_activation", recurrent_activation
        )
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer or "glorot_uniform")
        self.unit_forget_bias = check_forget_bias(self, unit_forget_bias)
        self.dropout = check_rate(self, "dropout", dropout)
        self.recurrent_dropout = check_rate(self, "recurrent_dropout", recurrent_dropout)
        self.seed, self.generator = seed, check_seed(self, seed)
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards, self.stateful = bool(go_backwards), bool(stateful)
        self.unroll, self.zero_output_for_mask = bool(unroll), bool(zero_output_for_mask)
        self.states: tuple[Array, ...] | None = None
        self._positions: int | None = None

    # -- shapes and weights --------------------------------------------------------------------

    @property
    def window(self) -> Window:
        """The windows of the input."""
        return Window(self.kernel_size[0], self.strides[0], self.dilation_rate[0], self.padding)

    @property
    def state_window(self) -> Window:
        """The windows of the state, one for each position."""
        return Window(self.kernel_size[0], 1, 1, "same")

    def _positions_and_features(self, shape: Shape) -> tuple[int, int]:
        """Return both sizes of inputs of this shape."""
        first = self.data_format == "channels_first"
        if len(shape) != 4 or None in shape[2:]:
            axes = "features, positions" if first else "positions, features"
            wanted = f"an array of shape (batch, time, {axes}), the last two of known size"
            raise self.error("x", wanted, f"shape {shape}")
        positions, features = (shape[3], shape[2]) if first else (shape[2], shape[3])
        assert positions is not None
        assert features is not None
        if self.window.count(positions) < 1:
            wanted = f"at least {self.window.extent[0]} positions"
            raise self.error("x", wanted, f"{positions}, shape {shape}")
        return positions, features

    def build(self, input_shape: Shape) -> None:
        self._positions, features = self._positions_and_features(input_shape)
        self._features = self.check_size("features of x", features)
        size, columns = self.kernel_size[0], 4 * self.filters
        self.kernel = self.add_weight(
            (size, features, columns),
            self.kernel_initializer,
            name="kernel",
            **self.weight_options("kernel"),
        )
        self.recurrent_kernel = self.add_weight(
            (size, self.filters, columns),
            self.recurrent_initializer,
            name="recurrent_kernel",
            **self.weight_options("recurrent"),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (columns,), self._initial_bias, name="bias", **self.weight_options("bias")
            )

    def _initial_bias(self, shape: tuple[int, ...], dtype: Any) -> Array:
        return draw_bias(self, shape, dtype, 1)

    def _state_shape(self, batch: Any, positions: int) -> Shape:
        count = self.window.count(positions)
        first = self.data_format == "channels_first"
        return (batch, self.filters, count) if first else (batch, count, self.filters)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, new positions, filters), after batch the time with `return_sequences`.

        With `return_state` a tuple: the shape of the output, then those of the states.
        """
        state = self._state_shape(input_shape[0], self._positions_and_features(input_shape)[0])
        steps = (input_shape[1],) if self.return_sequences else ()
        shape = (input_shape[0], *steps, *state[1:])
        return (shape, state, state) if self.return_state else shape

    # -- states --------------------------------------------------------------------------------

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return the states before the first step, for inputs as the layer was built for: zeros."""
        if self._positions is None:
            raise self.error("use", "a layer that was built", "one that was not")
        shape: Any = self._state_shape(batch_size, self._positions)
        return [np.zeros(shape, self.dtype), np.zeros(shape, self.dtype)]

    def _initial_states(self, given: Any, batch: int, positions: int) -> tuple[Array, Array]:
        """Return h and c before the first step, channels last."""
        if given is None and self.stateful and self.states is not None:
            if len(self.states[0]) != batch:
                expected = f"{len(self.states[0])} rows as in the call before (or reset_states())"
                raise self.error("x", expected, f"{batch} rows")
            given = self.states
        wanted: Any = self._state_shape(batch, positions)
        if given is None:
            given = np.zeros(wanted, self.dtype), np.zeros(wanted, self.dtype)
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise self.error("initial_state", "a pair (h, c)", type(given).__name__)
        what = f"layer {self.name!r} ({type(self).__name__}): initial_state"
        h, c = (as_array(state, self.dtype, what) for state in given)
        if h.shape != wanted or c.shape != wanted:
            expected = f"two arrays of shape {wanted}"
            raise self.error("initial_state", expected, f"shapes {h.shape} and {c.shape}")
        return self._turned(h), self._turned(c)

    def _turned(self, x: Array) -> Array:
        """Swap positions and features if these come first; so arrays go in and out."""
        if self.data_format == "channels_last":
            return x
        return np.ascontiguousarray(x.swapaxes(-1, -2))

    # -- the time loop -------------------------------------------------------------------------

    def __call__(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Compute the output for an array; see `Layer.__call__`.

        A list ``[x, h, c]`` means ``x`` with ``initial_state=[h, c]``, as in Keras.
        """
        x, args = split_states(x, args)
        return super().__call__(x, *args, **kwargs)

    def forward(
        self,
        x: Array,
        grad: bool = False,
        mask: Array | None = None,
        initial_state: Sequence[Any] | None = None,
    ) -> tuple[Any, Back | None]:
        """Run over all steps.

        Parameters
        ----------
        x : ndarray, (batch, time, positions, features)
        training : bool, default False
        mask : ndarray of bool, (batch, time) or (batch, time, positions), optional
            False at masked steps, which leave the states unchanged: with positions, where all
            are.
        initial_state : sequence of array_like, optional
            h and c before the first step, each (batch, new positions, filters); 0 by default.

        Returns
        -------
        y : ndarray, or (y, h, c) with `return_state`
        back : callable or None
            ``back(dy)`` returns dx, or ``(dx, dstates)`` if there was an initial state. With
            `return_state`, dy is ``(dy, dh, dc)``, any of them None for no gradient.
        """
        positions, features = self._positions_and_features(x.shape)
        if features != self._features:
            raise self.error("features of x", self._features, f"{features}, shape {x.shape}")
        h, c = self._initial_states(initial_state, len(x), positions)
        mask = None if mask is None else mask_of_steps(plain_array(mask, "mask", bool))
        loop = TimeLoop(self, self._turned(x), mask, in_training(grad))
        y, h, c = loop.run(h, c, grad)
        y, h, c = self._turned(y), self._turned(h), self._turned(c)
        if self.stateful:  # copies: the caller may write to the arrays that are returned
            self.states = (h.copy(), c.copy())
        output = (y, h.copy(), c.copy()) if self.return_state else y
        if not grad:
            return output, None

        def back(dy: Any, need_dx: bool = True) -> Any:
            given = dy if self.return_state else (dy, None, None)
            dy, dh, dc = (None if d is None else self._turned(d) for d in given)
            dx, dh, dc = loop.run_back(dy, dh, dc, need_dx)
            dx = None if dx is None else self._turned(dx)
            if initial_state is None:
                return dx
            return dx, (self._turned(dh), self._turned(dc))

        return output, back
