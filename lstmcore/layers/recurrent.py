"""Recurrent layers: LSTM."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core, activations, initializers
from .base import Array, Back, Flat, Layer, Shape, registry

# Packing takes microseconds and happens only after weights changed, so all layers share a lock.
_packing = threading.Lock()


class _PackedWeights:
    """A layer's weights in the kernels' order, packed again when they have changed."""

    def __init__(self) -> None:
        # packed, of which array, at which version of it, and whether for backward too: one
        # tuple, so that a thread sees all of it or nothing
        self._made: tuple[Any, Flat | None, int, bool] = (None, None, -1, False)

    def get(self, layer: LSTM, backward: bool) -> Any:
        """Return the packed weights; any number of threads may ask at once."""
        packed = self._fresh(layer.kernel.flat, backward)
        if packed is None:
            with _packing:
                packed = self._fresh(layer.kernel.flat, backward) or self._pack(layer, backward)
        return packed

    def _fresh(self, now: Flat | None, backward: bool) -> Any:
        packed, flat, version, both = self._made
        if packed is None or flat is not now or flat is None or flat.version != version:
            return None
        return packed if (both or not backward) and packed.isa == _core.isa() else None

    def _pack(self, layer: LSTM, backward: bool) -> Any:
        old, _, _, both = self._made
        flat = layer.kernel.flat
        if flat is None:
            raise ValueError(f"layer {layer.name!r}: has no weights before it is built")
        version = flat.version  # read before the weights: a change meanwhile makes this stale
        reuse = old is not None and (both or not backward) and old.isa == _core.isa()
        packed = _core.lstm_pack(
            layer.kernel.value,
            layer.recurrent_kernel.value,
            layer.bias.value if layer.bias is not None else None,
            backward=backward or both,
            out=old if reuse else None,
        )
        self._made = (packed, flat, version, backward or both)
        return packed


@registry.add()
class LSTM(Layer):
    """Long short-term memory, Hochreiter and Schmidhuber 1997.

    Input ``(batch, time, features)``; output ``(batch, units)``, the state after the last step,
    or ``(batch, time, units)`` with `return_sequences`. The weights are Keras's: ``kernel
    (features, 4 units)``, ``recurrent_kernel (units, 4 units)``, ``bias (4 units,)``, each with
    its columns in the order input gate, forget gate, candidate, output gate.

    Parameters
    ----------
    units : int
        The size of the state.
    activation : "tanh"
        Of candidate and cell state; the kernels have no other yet.
    recurrent_activation : "sigmoid"
        Of the gates; the kernels have no other yet.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    unit_forget_bias : bool, default True
        Begin with a bias of 1 at the forget gate.
    return_sequences : bool, default False
        Return the state after every step.
    return_state : bool, default False
        Return ``(output, h, c)``, with the last states, each ``(batch, units)``.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import LSTM
    >>> LSTM(8)(np.zeros((2, 5, 3))).shape
    (2, 8)
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
        unit_forget_bias: bool = True,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = self.check_size("units", units)
        self.activation = self._only("activation", activation, activations.tanh)
        self.recurrent_activation = self._only(
            "recurrent_activation", recurrent_activation, activations.sigmoid
        )
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.unit_forget_bias = bool(unit_forget_bias)
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self._packed = _PackedWeights()

    def _only(
        self, argument: str, value: Any, known: activations.Activation
    ) -> activations.Activation:
        if activations.get(value) is not known:
            raise self.error(argument, f"{known.__name__!r}, the only one there is", repr(value))
        return known

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1] if len(input_shape) == 3 else None
        if features is None:
            raise self._misfit("features", input_shape)
        self._features = self.check_size("features of x", features)
        gates = 4 * self.units
        self.kernel = self.add_weight((features, gates), self.kernel_initializer, name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, gates), self.recurrent_initializer, name="recurrent_kernel"
        )
        self.bias = (
            self.add_weight((gates,), self._initial_bias, name="bias") if self.use_bias else None
        )

    def _initial_bias(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """As Keras draws it: the forget gate's part is 1 whatever the initializer."""
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype)
        n = self.units
        parts = (
            self.bias_initializer((n,), dtype),
            np.ones(n, dtype),
            self.bias_initializer((2 * n,), dtype),
        )
        return np.concatenate(parts)

    def _misfit(self, features: object, shape: Shape) -> ValueError:
        wanted = f"an array of shape (batch, time, {features})"
        hint = " (a recurrent layer before it needs return_sequences=True)"
        return self.error("x", wanted, f"shape {shape}{hint if len(shape) == 2 else ''}")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, units), or (batch, time, units) with `return_sequences`."""
        steps = (input_shape[1],) if self.return_sequences else ()
        return (input_shape[0], *steps, self.units)

    @property
    def single_output(self) -> bool:  # type: ignore[override]
        """False if the layer returns its states beside its output."""
        return not self.return_state

    def forward(
        self, x: Array, training: bool = False, initial_state: Sequence[Any] | None = None
    ) -> tuple[Any, Back | None]:
        """Run over all steps.

        Parameters
        ----------
        x : ndarray, (batch, time, features)
        training : bool, default False
        initial_state : pair of array_like, (batch, units), optional
            h and c before the first step; 0 by default.

        Returns
        -------
        y : ndarray, or (y, h, c) with `return_state`
        back : callable or None
            ``back(dy)`` returns dx, or ``(dx, (dh0, dc0))`` if there was an initial state. With
            `return_state`, dy is ``(dy, dh, dc)``, any of them None for no gradient.
        """
        if x.ndim != 3 or x.shape[2] != self._features:
            raise self._misfit(self._features, x.shape)
        h0, c0 = self._states(initial_state)
        packed = self._packed.get(self, training)
        try:
            y, h, c, tape = _core.lstm_forward(
                packed, x, h0, c0, sequences=self.return_sequences, training=training
            )
        except (TypeError, ValueError) as error:
            raise type(error)(f"layer {self.name!r} (LSTM): {error}") from None
        output = (y, h, c) if self.return_state else y
        if tape is None:
            return output, None

        def back(dy: Any, need_dx: bool = True) -> Any:
            dy, dh, dc = dy if self.return_state else (dy, None, None)
            dx, dh0, dc0 = _core.lstm_backward(
                packed,
                x,
                tape,
                dy,
                dh,
                dc,
                dkernel=self.kernel.grad,
                drecurrent=self.recurrent_kernel.grad,
                dbias=self.bias.grad if self.bias is not None else None,
                need_dx=need_dx,
            )
            return dx if initial_state is None else (dx, (dh0, dc0))

        return output, back

    def _states(self, initial_state: Sequence[Any] | None) -> tuple[Array | None, Array | None]:
        if initial_state is None:
            return None, None
        if not isinstance(initial_state, tuple | list) or len(initial_state) != 2:
            raise self.error("initial_state", "a pair (h, c)", type(initial_state).__name__)
        h, c = (np.ascontiguousarray(s, self.dtype) for s in initial_state)
        return h, c
