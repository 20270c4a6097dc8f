"""Recurrent, base of LSTM, GRU and SimpleRNN: the layers whose time loop is in the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ... import _core, activations, initializers, inspection
from ...context import current, in_training
from ...quantization.storage import Product
from ...ragged import as_batch
from ...random.masks import Draws, check_rate, check_seed
from ...validation import Array, as_array, plain_array
from ..base import Back, Layer, Shape, unstreamable
from ..parameters import Param, copy_of
from . import numpy_call
from .backward_function import BackwardFunction
from .gated_cell import GatedCell
from .nonfinite_gates import first_nonfinite_gate, nonfinite_gradient_gates
from .over_time import OverTime
from .packed import PackedWeights, pack_rounded
from .recurrent_parameters import RecurrentParameters, split_states


def core_activation(function: activations.Activation) -> Any:
    """Return how the kernels of cells take an activation; None for one that they do not have."""
    form = activations.core_form(function)
    return None if form == "softmax" else form


class Recurrent(OverTime, RecurrentParameters):
    """Base of the layers that the kernels compute; a subclass describes its cell and weights.

    Parameters
    ----------
    units, use_bias, kernel_initializer, recurrent_initializer, bias_initializer
        See the subclasses.
    activation, recurrent_activation : str or Activation
        The kernels have tanh, sigmoid, hard_sigmoid, relu, linear, softsign and elu. With any
        other the layer runs in NumPy, step by step, which is slower; `kernel_info` says so.
    dropout : float, default 0.0
        In training, the fraction of the inputs to set to 0 (the rest is scaled up): one mask for
        each row of a batch, the same at every step and gate.
    recurrent_dropout : float, default 0.0
        Dropout of the state in the recurrent product, with one mask for each row of a batch.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    return_sequences : bool, default False
        Return the output of every step.
    return_state : bool, default False
        Return ``(output, *states)``, with the last states.
    go_backwards : bool, default False
        Process the steps from last to first; outputs come in that order.
    stateful : bool, default False
        Begin each call with the states in which the last one ended, until `reset_states`.
    unroll, use_cudnn : default False, "auto"
        Accepted for compatibility with Keras, without effect.
    zero_output_for_mask : bool, default False
        Return 0 at masked steps instead of the previous step's output.
    zoneout_h : float, default 0.0
        In training, the fraction of units that retain their output of the previous step (Krueger
        et al. 2017), drawn for every step. Inference does not depend on it.
    weight_dropout : float, default 0.0
        In training, the fraction of the recurrent kernel's weights that is set to 0, the same for
        the whole batch (DropConnect, Merity et al. 2018); the rest is scaled up.
    input_noise : float, default 0.0
        In training, the standard deviation of Gaussian noise added to the inputs.
    **kwargs
        `reverse_mask`: see `OverTime`; regularizers and constraints: see `RecurrentParameters`;
        `name`, `dtype`, `trainable`, `input_shape`, `activity_regularizer`: see `Layer`.
    """

    uses_mask: ClassVar[bool] = True
    call_order: ClassVar[tuple[str, ...]] = ("initial_state", "mask", "training")
    init_only = (*RecurrentParameters.init_only, "use_cudnn")
    never_called: ClassVar[Mapping[str, str]] = {
        "inner_loop": "write a cell with call(inputs, states) for RNN(cell)",
        "get_initial_state": "give the call initial_state=, or override it in a cell for RNN(cell)",
    }
    kind: ClassVar[str]
    cell_class: ClassVar[type[GatedCell]]
    kernel: Param
    recurrent_kernel: Param
    bias: Param | None

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        *,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        zero_output_for_mask: bool = False,
        zoneout_h: float = 0.0,
        weight_dropout: float = 0.0,
        input_noise: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = self.check_size("units", units)
        self.activation = self.check_activation("activation", activation)
        self.recurrent_activation = self.check_activation(
            "recurrent_activation", recurrent_activation
        )
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer or "glorot_uniform")
        self.dropout = check_rate(self, "dropout", dropout)
        self.recurrent_dropout = check_rate(self, "recurrent_dropout", recurrent_dropout)
        self.seed, self._generator = seed, check_seed(self, seed)
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards, self.stateful = bool(go_backwards), bool(stateful)
        self.unroll, self.zero_output_for_mask = bool(unroll), bool(zero_output_for_mask)
        self.zoneout_h = check_rate(self, "zoneout_h", zoneout_h)
        self.weight_dropout = check_rate(self, "weight_dropout", weight_dropout)
        self.input_noise = check_rate(self, "input_noise", input_noise, np.inf)
        self.states: tuple[Array, ...] | None = None
        self._packed = PackedWeights()
        self._cell: Any = None
        self.last_run: Any = None  # has a report() of how the last call was computed

    # -- what computes it ------------------------------------------------------------------

    @property
    def used_activations(self) -> dict[str, activations.Activation]:
        """The activations of the cell by the layer's arguments that gave them."""
        both = {"activation": self.activation, "recurrent_activation": self.recurrent_activation}
        return {argument: f for argument, f in both.items() if argument not in self.dropped}

    @property
    def lacking(self) -> str:
        """The names of the activations that the kernels do not have; "" if they have all."""
        return " and ".join(
            f"{argument}={function.__name__!r}"
            for argument, function in self.used_activations.items()
            if core_activation(function) is None
        )

    @cached_property
    def runs_in_core(self) -> bool:
        """True if the kernels have the activations; otherwise calls run in NumPy."""
        return not self.lacking

    @property
    def cell(self) -> GatedCell:
        """The cell of one step, with the layer's own weights once the layer is built."""
        if self._cell is None or self._cell.built != self.built:
            self._cell = self.make_cell()
        made: GatedCell = self._cell
        return made

    def make_cell(self, weight_mask: Array | None = None) -> GatedCell:
        """Make the cell of one step.

        With `weight_mask` its recurrent kernel is the layer's times this mask, and has a
        gradient of its own.
        """
        names = (name for name in self.cell_class.arguments if name not in Layer.arguments)
        made = self.cell_class(
            name=self.name,
            dtype=self.constructor_argument("dtype"),
            **{name: getattr(self, name) for name in names},
        )
        if self.built:
            made.adopt(self._params, self._features)
        if weight_mask is not None:
            made.recurrent_kernel = copy_of(self.recurrent_kernel, weight_mask)
        return made

    # -- what a subclass writes ------------------------------------------------------------

    @property
    def core_cell(self) -> _core.Cell:
        """The cell that the kernels compute: its gates, states and shapes of weights.

        They hold for activations that the kernels do not have, too.
        """
        raise NotImplementedError

    @property
    def core_weights(self) -> Sequence[Param | None]:
        """The weights in the order of ``_core.Cell.shapes``."""
        return self.kernel, self.recurrent_kernel, self.bias

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1] if len(input_shape) == 3 else None
        if features is None:
            raise self.sequence_error("features", input_shape)
        self._features = self.check_size("features of x", features)
        kernel, recurrent, bias, *_ = self.core_cell.shapes(self._features, self.units)
        self.kernel = self.add_weight(
            kernel, self.kernel_initializer, name="kernel", **self.weight_options("kernel")
        )
        self.recurrent_kernel = self.add_weight(
            recurrent,
            self.recurrent_initializer,
            name="recurrent_kernel",
            **self.weight_options("recurrent"),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                bias, self._initial_bias, name="bias", **self.weight_options("bias")
            )

    def stored_products(self) -> Sequence[Product]:
        """Return the weights of the product of a step: those of the inputs and of the state."""
        return (Product((self.kernel, self.recurrent_kernel)),)

    @property
    def keeps_floats(self) -> str:
        """Why the layer is never quantized; "" if it can be."""
        return "" if self.runs_in_core else f"it runs in NumPy: no kernel has {self.lacking}"

    def _initial_bias(self, shape: tuple[int, ...], dtype: Any) -> Array:
        drawn: Array = self.bias_initializer(shape, dtype)
        return drawn

    # -- the rest --------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, units), or (batch, time, units) with `return_sequences`.

        Behind a projection, its size takes the place of units. With `return_state` a tuple: the
        shape of the output, then those of the states.
        """
        steps = (input_shape[1],) if self.return_sequences else ()
        shape = (input_shape[0], *steps, self.state_sizes[0])
        if not self.return_state:
            return shape
        return (shape, *((input_shape[0], n) for n in self.state_sizes))

    @property
    def state_sizes(self) -> list[int]:
        """The size of each state: h, and of an LSTM c, with full gate recurrence the gates.

        The output is as wide as h.
        """
        return [self.units, self.units, 3 * self.units][: self.core_cell.states]

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return the states before the first step, zeros (batch_size, units), in a list."""
        dtype = self.dtype or self.default_dtype
        return [np.zeros((batch_size, n), dtype) for n in self.state_sizes]

    def kernel_info(self) -> dict[str, Any] | None:
        """Return details of how the last call was computed; None before the first.

        Returns
        -------
        dict
            ``isa``, ``dtype``, ``cell`` (the kernel's name), ``threads``, ``path`` (how threads
            shared the work), ``input_projection``, and ``steps``: the number of unmasked steps
            in all rows together. For an activation that the kernels do not have, ``isa`` is
            ``"NumPy"`` and ``path`` names it.
        """
        return None if self.last_run is None else self.last_run.report()

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
        x : ndarray, (batch, time, features)
        training : bool, default False
        mask : ndarray of bool, (batch, time), optional
            False at masked steps: they cost nothing and leave the state unchanged.
        initial_state : sequence of array_like, (batch, units), optional
            The states before the first step; 0 by default.

        Returns
        -------
        y : ndarray, or (y, *states) with `return_state`
        back : callable or None
            ``back(dy)`` returns dx, or ``(dx, dstates)`` if there was an initial state. With
            `return_state`, dy is ``(dy, *dstates)``, any of them None for no gradient.
        """
        if not self.runs_in_core:
            self._tell_watcher(x, grad, mask, initial_state)
            return numpy_call.forward(self, x, grad, mask, initial_state)
        call, finish = self.forward_call(x, grad, mask, initial_state)
        _core.run_forward(call)
        return finish()

    def forward_call(
        self, x: Array, grad: bool, mask: Array | None, initial_state: Any
    ) -> tuple[_core.ForwardCall, Callable[[], tuple[Any, Back | None]]]:
        """Return the core's forward call, not yet executed, and a function for its result."""
        self._tell_watcher(x, grad, mask, initial_state)
        x, mask, states = self.standardize_call(x, mask, initial_state)
        noise = self.draw_masks(x) if in_training(grad) else {}
        weight_mask = noise.pop("weights", None)
        x = noise.pop("x", x)
        packed = (
            self._packed.get(self, grad) if weight_mask is None else self._pack_dropped(weight_mask)
        )
        call = self._call(
            packed, x, states, mask, sequences=self.return_sequences, training=grad, **noise
        )
        self.last_run = packed

        def finish() -> tuple[Any, Back | None]:
            y, ends, tape = call.result()
            if self.stateful:  # copies: the caller may write to the arrays that are returned
                self.states = tuple(s.copy() for s in ends)
            if self.return_state and y is ends[0]:
                y = y.copy()
            output = (y, *ends) if self.return_state else y
            if tape is None:
                return output, None
            has_state = initial_state is not None
            return output, BackwardFunction(self, packed, x, tape, weight_mask, has_state)

        return call, finish

    def _tell_watcher(self, x: Array, grad: bool, mask: Any, initial_state: Any) -> None:
        watcher = current().watcher
        if watcher is not None and not grad:
            watcher(self, x, mask, initial_state)

    def stream_part(self) -> tuple[Any, ...]:
        """Return the weights as they are now, and `return_sequences`."""
        if not self.runs_in_core:
            raise unstreamable(self, f"the kernels do not have {self.lacking}")
        if self.go_backwards:
            raise unstreamable(self, "go_backwards=True begins with the last step")
        return self._packed.pin(self), self.return_sequences

    def trace(self, x: Any, mask: Any = None, initial_state: Any = None) -> inspection.Trace:
        """Return the gates, states and outputs of every step; see `lstmcore.inspection.Trace`.

        Takes the parameters of a call. There is no dropout, and the outputs are bit-identical to
        those at inference; of a quantized layer they are those of its rounded weights in float32.
        A stateful layer begins with its states and does not change them.
        """
        x, mask = as_batch(x, self.input_dtype, f"layer {self.name!r}: x", mask)
        if not self.built:
            self.build_for(x.shape, self.dtype or self.default_dtype)
        self.materialize()
        if not self.runs_in_core:
            return numpy_call.trace(self, x, mask, initial_state)
        x, steps_mask, states = self.standardize_call(x, mask, initial_state)
        # of quantized weights no tape is left, but of the float32 numbers that they stand for
        packed = self._packed.get(self, True) if self.storage is None else pack_rounded(self)
        call = self._call(packed, x, states, steps_mask, sequences=True, training=True)
        _core.run_forward(call)
        y, _, tape = call.result()
        return inspection.read(packed, tape, y, mask, self.go_backwards)

    def locate_nonfinite(self, x: Array, mask: Any) -> str:
        """Return the gate, the step, the sample and the unit; see `Layer.locate_nonfinite`."""
        return first_nonfinite_gate(self, x, mask)

    def describe_gradients(self, bad: list[Param]) -> str:
        """Return the gates with non-finite gradients; see `Layer.describe_gradients`."""
        return nonfinite_gradient_gates(self, bad)

    def standardize_call(self, x: Array, mask: Any, initial_state: Any) -> tuple[Array, Any, Any]:
        """Check a call's arguments; return x and mask in the order of computation, and states."""
        if x.ndim != 3 or x.shape[2] != self._features:
            raise self.sequence_error(self._features, x.shape)
        states = self._initial_states(initial_state, len(x))
        if mask is not None:
            mask = plain_array(mask, "mask", bool)
        if self.go_backwards:
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        return x, mask, states

    def _call(self, packed: Any, x: Array, states: Any, mask: Any, **more: Any) -> Any:
        zero = self.zero_output_for_mask
        try:
            return _core.prepare_forward(packed, x, states, mask=mask, zero_masked=zero, **more)
        except (TypeError, ValueError) as error:
            raise type(error)(f"layer {self.name!r} ({type(self).__name__}): {error}") from None

    # -- states ----------------------------------------------------------------------------

    def _initial_states(self, given: Any, batch: int) -> tuple[Array, ...] | None:
        if given is None:
            if not self.stateful or self.states is None:
                return None
            if len(self.states[0]) != batch:
                expected = f"{len(self.states[0])} rows as in the call before (or reset_states())"
                raise self.error("x", expected, f"{batch} rows")
            return self.states
        n = self.core_cell.states
        if n == 1 and np.ndim(given) == 2:
            given = (given,)
        if not isinstance(given, tuple | list) or len(given) != n:
            wanted = {1: "one array (h,)", 2: "a pair (h, c)", 3: "three arrays (h, c, gates)"}[n]
            raise self.error("initial_state", wanted, type(given).__name__)
        what = f"layer {self.name!r} ({type(self).__name__}): initial_state"
        return tuple(as_array(s, self.dtype, what) for s in given)

    # -- randomness ------------------------------------------------------------------------

    def _zoneout_rates(self) -> dict[str, float]:
        return {"keep_h": self.zoneout_h}

    def draw_masks(self, x: Array) -> dict[str, Any]:
        """Draw one call's masks: arguments of `_core.forward`, and ``x`` and ``weights``."""
        batch, steps = x.shape[:2]
        zoneout_rates = {name: rate for name, rate in self._zoneout_rates().items() if rate}
        rates = (self.dropout, self.recurrent_dropout, self.weight_dropout, self.input_noise)
        if not any(rates) and not zoneout_rates:
            return {}
        draws, dtype, sizes = Draws(self._generator), x.dtype, self.state_sizes
        scales = {
            "x_scale": ((batch, self._features), self.dropout),
            "h_scale": ((batch, sizes[0]), self.recurrent_dropout),
            "weights": (self.recurrent_kernel.shape, self.weight_dropout),
        }
        drawn: dict[str, Any] = {
            name: draws.scale(shape, rate, dtype) for name, (shape, rate) in scales.items() if rate
        }
        for name, size in zip(("keep_h", "keep_c"), sizes, strict=False):
            if name in zoneout_rates:
                drawn[name] = draws.zoneout((steps, batch, size), zoneout_rates[name], dtype)
        if self.input_noise:
            drawn["x"] = x + draws.normal(x.shape, self.input_noise, dtype)
        return drawn

    def _pack_dropped(self, weight_mask: Array) -> Any:
        """Pack the weights for one call, the recurrent ones multiplied by their dropout mask."""
        weights = [None if p is None else p.value for p in self.core_weights]
        weights[1] = self.recurrent_kernel.value * weight_mask
        return _core.pack(self.core_cell, tuple(weights), storage=self.product_storage)
