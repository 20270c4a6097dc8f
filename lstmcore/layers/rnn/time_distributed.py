"""TimeDistributed: the same layer at every step."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...inspection import inner_layers
from ...names import is_builtin
from ...validation import Array
from ..base import Back, Layer, Shape, registry, unstreamable
from ..calls import expand_mask, mask_of_steps
from ..core.dense import Dense
from ..core.wrapper import Wrapper


@registry.add()
class TimeDistributed(Wrapper):
    """Apply a layer, or a model, to every step independently.

    Input ``(batch, time, ...)``; output ``(batch, time, ...)``, the layer's output for ``(batch,
    ...)`` at each step. The weights are those of the layer. A mask (batch, time) is passed on. A
    mask (batch, time, parts), such as `Embedding` returns for the characters of words, goes to
    the layer; if the layer's output has no such parts, a step is unmasked if any of its parts is.
    A mask that the layer makes itself, as `Embedding` and `Masking` do, is one of the parts, or
    of the steps if each is one vector. The activity regularizer of a layer inside counts, that of
    a `Dense` at unmasked steps alone.

    All steps are computed at once as rows of one batch. A layer that is stateful or has an
    activity regularizer is called step by step. So is a layer whose output for a row depends on
    the other rows, with ``mixes_rows = True`` in its class: at each step its mask, (batch,), says
    which rows are unmasked.

    Parameters
    ----------
    layer : Layer
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import LSTM, TimeDistributed
    >>> TimeDistributed(LSTM(4))(np.zeros((2, 5, 7, 3))).shape
    (2, 5, 4)
    """

    uses_mask: ClassVar[bool] = True

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if self.layer.several_inputs or not self.layer.single_output:
            got = f"{self.layer.name!r} ({type(self.layer).__name__})"
            raise self.error("layer", "a layer of one input and one output", got)

    def build(self, input_shape: Shape) -> None:
        self.layer.build_for(self._step_shape(input_shape), str(self.dtype))

    def _step_shape(self, shape: Shape) -> Shape:
        """Return the shape of the batch at one step."""
        if len(shape) < 3:
            raise self.error("x", "an array of shape (batch, time, ...)", f"shape {shape}")
        return (shape[0], *shape[2:])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the layer's output shape for one step, with the time axis inserted."""
        batch, *rest = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (batch, input_shape[1], *rest)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask; that of the steps' parts goes through the layer, which may make one."""
        parts = None if mask is None or mask.ndim < 3 else _merge_steps(mask)
        return _mask_of_steps(x, mask, self.layer.compute_mask(_merge_steps(x), parts))

    def stream_part(self) -> tuple[Any, ...] | None:
        """Return the layer's own part: a stream goes step by step anyway."""
        cls = type(self.layer)
        if not is_builtin(cls) and "stream_part" not in vars(cls):
            raise unstreamable(self, f"its layer {cls.__name__} may have a forward of its own")
        return self.layer.stream_part()

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute all steps and the backward function."""
        return self.forward_with_mask(x, grad, mask)[:2]

    def forward_with_mask(
        self, x: Array, grad: bool = False, mask: Array | None = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Compute all steps, the backward function and the mask."""
        layer = self.layer
        if type(layer) is Dense and x.ndim > 2:  # works on the last axis: no copy is needed
            y, back = layer.forward(x, grad)
            if layer.activity_regularizer is not None:
                back = layer.penalize(y, back, mask)
            return y, back, mask
        self._step_shape(x.shape)
        if any(self._is_order_dependent(inner) for _, inner in inner_layers(self)):
            y, back, inner_mask = self._step_by_step(x, grad, mask)
        else:
            y, back, inner_mask = self._all_at_once(x, grad, mask)
        return y, back, _mask_of_steps(x, mask, inner_mask)

    def _all_at_once(self, x: Array, grad: bool, mask: Array | None) -> tuple[Any, Any, Any]:
        """Compute the steps as rows of one batch; the mask returned is that of the rows."""
        parts = None if mask is None or mask.ndim < 3 else _merge_steps(mask)
        y, inner_back, inner_mask = self.layer.run(_merge_steps(x), grad, parts)
        shape = x.shape
        y = y.reshape(*shape[:2], *y.shape[1:])
        if inner_back is None:
            return y, None, inner_mask

        def step_back(dy: Array, need_dx: bool = True) -> Array | None:
            dx = inner_back(_merge_steps(dy), need_dx=need_dx)
            return None if dx is None else dx.reshape(shape)

        return y, step_back, inner_mask

    @staticmethod
    def _is_order_dependent(layer: Layer) -> bool:
        """Return True if a layer's result depends on the steps being computed in order."""
        return (
            layer.activity_regularizer is not None
            or bool(getattr(layer, "stateful", False))
            or layer.mixes_rows
        )

    def _step_by_step(self, x: Array, grad: bool, mask: Array | None) -> tuple[Any, Any, Any]:
        """Compute one step after another; the mask returned is that of all rows."""
        layer, steps = self.layer, range(x.shape[1])
        seen = mask if layer.mixes_rows or (mask is not None and mask.ndim > 2) else None
        calls = [
            layer.run(np.ascontiguousarray(x[:, t]), grad, None if seen is None else seen[:, t])
            for t in steps
        ]
        y = np.stack([output for output, _, _ in calls], axis=1)
        inner_mask = None
        if calls[0][2] is not None:
            inner_mask = _merge_steps(np.stack([step_mask for _, _, step_mask in calls], axis=1))
        if not grad:
            return y, None, inner_mask

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            parts: list[Any] = [None] * len(calls)
            for t in reversed(steps):
                step_back = calls[t][1]
                assert step_back is not None
                parts[t] = step_back(np.ascontiguousarray(dy[:, t]), need_dx=need_dx)
            return None if parts[0] is None else np.stack(parts, axis=1)

        return y, back, inner_mask


def _mask_of_steps(x: Array, mask: Array | None, inner_mask: Array | None) -> Array | None:
    """Return the mask of the output: that of the rows, which the layer returned, and `mask`.

    A step whose parts had a mask that the layer does not return is unmasked if any part was.
    """
    if mask is not None and mask.ndim > 2 and inner_mask is None:
        steps: Array = mask_of_steps(mask)
        return steps
    if inner_mask is None:
        return mask
    rows: Array = inner_mask.reshape(*x.shape[:2], *inner_mask.shape[1:])
    if mask is None or mask.ndim > 2:
        return rows
    return rows & expand_mask(mask, rows.ndim)


def _merge_steps(x: Array) -> Array:
    """Return all steps of all samples as the rows of one batch."""
    return np.ascontiguousarray(x.reshape(-1, *x.shape[2:]))
