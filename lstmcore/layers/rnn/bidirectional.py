"""Bidirectional: a recurrent layer run in both directions of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ... import _core
from ...validation import Array, plain_array
from ..base import Back, Layer, Shape, get, recreate, registry
from ..calls import gradients_of_outputs
from .recurrent import Recurrent

_COMMON = ("stateful", "return_sequences", "return_state")


def _compute_both(one: Any, other: Any) -> tuple[Any, Any]:
    """Compute two calls of the core concurrently and return both results."""
    (call, finish), (other_call, other_finish) = one, other
    run = _core.run_forward if isinstance(call, _core.ForwardCall) else _core.run_backward
    run(call, other_call)
    return finish(), other_finish()


# For each mode, the merge of two outputs, and the split of its gradient into their gradients.
_MERGES: dict[str, tuple[Callable[..., Array], Callable[..., Sequence[Array]]]] = {
    "concat": (
        lambda a, b: np.concatenate((a, b), axis=-1),
        lambda dy, a, b: np.split(dy, [a.shape[-1]], axis=-1),
    ),
    "sum": (lambda a, b: a + b, lambda dy, a, b: (dy, dy)),
    "mul": (lambda a, b: a * b, lambda dy, a, b: (dy * b, dy * a)),
    "ave": (lambda a, b: (a + b) / 2, lambda dy, a, b: (dy / 2, dy / 2)),
}


@registry.add()
class Bidirectional(Layer):
    """Run a recurrent layer in both directions of time and merge the outputs.

    The weights are those of the forward layer, then those of the backward layer. Both layers are
    constructed again from the arguments of `layer`, whose weights are not used.

    Parameters
    ----------
    layer : Layer
        A recurrent layer, such as ``LSTM(50)``. Its `zero_output_for_mask` does not count: see
        that of this layer.
    merge_mode : {"concat", "sum", "mul", "ave", None}, default "concat"
        How the outputs are merged; None returns both.
    weights : list of array_like, optional
        The initial weights.
    backward_layer : Layer, optional
        The layer for the other direction, used as it is; the default is a copy of `layer` with
        the opposite `go_backwards`.
    zero_output_for_mask : bool, default True
        If the layer returns sequences, both directions return 0 at masked steps. With False each
        returns there what it returned at the step before, in its own order of time, and 0 before
        its first unmasked step. So Keras did before 2.4; tf.keras and Keras 3 return 0.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import RNN, Bidirectional, LSTMCell
    >>> Bidirectional(RNN(LSTMCell(8)))(np.zeros((2, 5, 3))).shape
    (2, 16)
    """

    uses_mask: ClassVar[bool] = True
    call_order: ClassVar[tuple[str, ...]] = ("initial_state", "mask", "training")
    init_only = (*Layer.init_only, "weights")

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: Any = None,
        *,
        zero_output_for_mask: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        layer = self._check_recurrent("layer", layer)
        if self._sample_shape is None:
            self._sample_shape, self._batch_size = layer._sample_shape, layer._batch_size
        name = layer.name.removeprefix("forward_")
        self.forward_layer: Any = recreate(layer, name=f"forward_{name}")
        if backward_layer is None:
            turned = not layer.go_backwards
            self.backward_layer = recreate(layer, name=f"backward_{name}", go_backwards=turned)
        else:
            self.backward_layer = self._check_recurrent("backward_layer", backward_layer)
        self._check_match()
        for one in (self.forward_layer, self.backward_layer):
            self.dtype = self.dtype or one.dtype
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = self.zero_output_for_mask and one.return_sequences
        if merge_mode is not None and merge_mode not in _MERGES:
            raise self.error("merge_mode", f"{', '.join(_MERGES)} or None", repr(merge_mode))
        self.merge_mode = merge_mode
        if weights is not None and not isinstance(weights, list | tuple):
            raise self.error("weights", "a list of arrays", type(weights).__name__)
        self._initial_weights = weights

    def _check_recurrent(self, argument: str, value: Any) -> Any:
        layer = get(value) if isinstance(value, dict) else value
        wanted = ("go_backwards", "return_sequences", "return_state")
        if not isinstance(layer, Layer) or not all(hasattr(layer, a) for a in wanted):
            kind = "a recurrent layer (with " + ", ".join(wanted) + ")"
            raise self.error(argument, kind, f"{value!r:.80}")
        return layer

    def _check_match(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            wanted = f"go_backwards={not one.go_backwards}, for the layer has the other direction"
            raise self.error("backward_layer", wanted, other.go_backwards)
        for name in _COMMON:
            mine, its = getattr(one, name, False), getattr(other, name, False)
            if mine != its:
                wanted = f"{name}={mine}, as the layer has"
                raise self.error("backward_layer", wanted, its)
        if one.name == other.name:
            raise self.error("backward_layer", "a name of its own", repr(other.name))

    # -- what the two layers have in common ----------------------------------------------------

    @property
    def layer(self) -> Any:
        """The forward layer."""
        return self.forward_layer

    @property
    def return_sequences(self) -> bool:
        """True if the output has every step."""
        return bool(self.forward_layer.return_sequences)

    @property
    def return_state(self) -> bool:
        """True if the last states are returned as well, those of the forward layer first."""
        return bool(self.forward_layer.return_state)

    @property
    def stateful(self) -> bool:  # type: ignore[override]
        """True if a call begins with the states in which the last one ended."""
        return bool(getattr(self.forward_layer, "stateful", False))

    @property
    def single_output(self) -> bool:  # type: ignore[override]
        """False if both outputs, or the states, are returned."""
        return self.merge_mode is not None and not self.return_state

    def sublayers(self) -> Sequence[Layer]:
        """Return the forward and the backward layer."""
        return (self.forward_layer, self.backward_layer)

    def reset_states(self) -> None:
        """Forget the states of stateful layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if hasattr(layer, "reset_states"):
                layer.reset_states()

    reset_state = reset_states  # Keras has both names

    # -- shapes and weights --------------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        for layer in self.sublayers():
            layer.build_for(input_shape, str(self.dtype))
        self.compute_output_shape(input_shape)  # do the two outputs fit together?
        if self._initial_weights is not None:
            self._set_initial_weights(self._initial_weights)

    def _set_initial_weights(self, weights: Sequence[Any]) -> None:
        """Set the initial weights, now or when the weights are materialized."""
        params = self.weights
        if len(weights) != len(params):
            raise self.error(
                "weights", f"{len(params)} arrays, forward then backward", len(weights)
            )
        for i, (param, weight) in enumerate(zip(params, weights, strict=True)):
            array = plain_array(weight, f"weights[{i}]")
            if array.shape != param.shape:
                raise self.error(f"weights[{i}]", f"shape {param.shape}", array.shape)
            if param.flat is not None:
                param.assign(array)
            param.initializer = lambda shape, dtype, array=array: array.astype(dtype)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the output; both shapes with ``merge_mode=None``."""
        shapes: Any = [layer.compute_output_shape(input_shape) for layer in self.sublayers()]
        one, other = shapes
        (one, *states), (other, *more) = (one, other) if self.return_state else ((one,), (other,))
        merged = (one, other) if self.merge_mode is None else (self._merged_shape(one, other),)
        return merged[0] if self.single_output else (*merged, *states, *more)

    def _merged_shape(self, one: Any, other: Any) -> Shape:
        if self.merge_mode == "concat":
            return (*one[:-1], one[-1] + other[-1])
        if one != other:
            wanted = f"outputs of shape {one} to {self.merge_mode}, as the layer has"
            raise self.error("backward_layer", wanted, other)
        return tuple(one)

    def compute_mask(self, x: Any, mask: Array | None = None) -> Any:
        """Return the mask in the order of the outputs, for each if `merge_mode` is None."""
        if mask is None or not self.return_sequences:
            return None
        mask = mask[:, ::-1] if self.forward_layer.go_backwards else mask
        return [mask, mask] if self.merge_mode is None else mask

    # -- the call ------------------------------------------------------------------------------

    def forward(
        self, x: Array, grad: bool = False, mask: Any = None, initial_state: Any = None
    ) -> tuple[Any, Back | None]:
        """Run both layers over all steps.

        Parameters
        ----------
        x : ndarray, (batch, time, features)
        training : bool, default False
        mask : array_like of bool, (batch, time), optional
            False at the steps that a row skips.
        initial_state : list of array_like, optional
            The states of the forward layer, then those of the backward layer.

        Returns
        -------
        y : ndarray
            Or ``(forward, backward)`` with ``merge_mode=None``; with `return_state` a tuple that
            also has the states of the forward and of the backward layer.
        back : callable or None
            ``back(dy)``, dy in the form of y with None for no gradient, returns dx, or ``(dx,
            dstates)`` if there was an initial state.
        """
        first, second = self._split_states(initial_state)
        one, other = self.forward_layer, self.backward_layer
        if self._runs_in_core:
            (a, back_a), (b, back_b) = _compute_both(
                one.forward_call(x, grad, mask, first), other.forward_call(x, grad, mask, second)
            )
        else:
            a, back_a = _call_direction(one, x, grad, mask, first)
            b, back_b = _call_direction(other, x, grad, mask, second)
        a, *states_a = a if one.return_state else (a,)
        b, *states_b = b if one.return_state else (b,)
        b = self._flip_time(b)
        merged = (a, b) if self.merge_mode is None else (_MERGES[self.merge_mode][0](a, b),)
        output = merged[0] if self.single_output else (*merged, *states_a, *states_b)
        if not grad:
            return output, None

        def back(dy: Any, need_dx: bool = True) -> Any:
            if not self.single_output:
                dy = gradients_of_outputs(dy, output)
            da, db, *dstates = self._split_gradient(dy, a, b)
            half = len(dstates) // 2
            dy_a: Any = (da, *dstates[:half]) if one.return_state else da
            db = self._flip_time(db)
            dy_b: Any = (db, *dstates[half:]) if other.return_state else db
            if self._runs_in_core:
                results = _compute_both(
                    back_a.backward_call(dy_a, need_dx), back_b.backward_call(dy_b, need_dx)
                )
            else:
                results = back_a(dy_a, need_dx), back_b(dy_b, need_dx)
            (dx, da0), (dx_b, db0) = (
                (result, ()) if initial_state is None else result for result in results
            )
            dx = dx + dx_b if need_dx else None
            return dx if initial_state is None else (dx, (*da0, *db0))

        return output, back

    @property
    def _runs_in_core(self) -> bool:
        """True if the kernels compute both directions, so that they can run concurrently."""
        return all(
            isinstance(layer, Recurrent)
            and layer.runs_in_core
            and layer.activity_regularizer is None
            for layer in self.sublayers()
        )

    def _split_states(self, initial_state: Any) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        if not isinstance(initial_state, list | tuple) or len(initial_state) % 2:
            wanted = "a list of states, forward then backward, as many for each"
            got = len(initial_state) if isinstance(initial_state, list | tuple) else None
            raise self.error("initial_state", wanted, got or type(initial_state).__name__)
        half = len(initial_state) // 2
        return list(initial_state[:half]), list(initial_state[half:])

    def _flip_time(self, y: Array) -> Array:
        """Reverse the time axis of an output of the backward layer, if it has one."""
        return y[:, ::-1] if self.return_sequences else y

    def _split_gradient(self, dy: Any, a: Array, b: Array) -> tuple[Any, ...]:
        """Split the gradient of the output into those of both layers' outputs and states."""
        dys: list[Any] = [dy] if self.single_output else list(dy)
        if self.merge_mode is None:
            da, db, *dstates = dys
        else:
            merged, *dstates = dys
            da, db = (None, None) if merged is None else _MERGES[self.merge_mode][1](merged, a, b)
        da, db = (np.zeros_like(y) if d is None else d for y, d in ((a, da), (b, db)))
        if not self.return_sequences:  # only for sequences do the kernels take parts of rows
            da, db = np.ascontiguousarray(da), np.ascontiguousarray(db)
        return da, db, *dstates


def _call_direction(layer: Any, x: Array, grad: bool, mask: Any, initial_state: Any) -> Any:
    """Call one direction with the arguments that it takes."""
    options = {} if initial_state is None else {"initial_state": initial_state}
    return layer.run(x, grad, mask, **options)[:2]
