"""BackwardFunction: the backward function of a call of the kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ...validation import Array

if TYPE_CHECKING:
    from .recurrent import Recurrent


class BackwardFunction:
    """The backward function of one call."""

    def __init__(
        self,
        layer: Recurrent,
        packed: Any,
        x: Array,
        tape: Any,
        weight_mask: Array | None,
        with_states: bool,
    ) -> None:
        self.layer, self.packed, self.x, self.tape = layer, packed, x, tape
        self.weight_mask, self.with_states = weight_mask, with_states

    def __call__(self, dy: Any, need_dx: bool = True) -> Any:
        call, finish = self.backward_call(dy, need_dx)
        _core.run_backward(call)
        return finish()

    def backward_call(self, dy: Any, need_dx: bool) -> tuple[_core.BackwardCall, Callable[[], Any]]:
        """Return the core's backward call, not yet executed, and a function for its result."""
        layer, weight_mask = self.layer, self.weight_mask
        dstates: Any = None
        if layer.return_state:
            dy, *dstates = dy
        grads = [None if p is None else p.grad for p in layer.core_weights]
        if weight_mask is not None:
            grads[1] = np.zeros_like(weight_mask)
        call = _core.prepare_backward(
            self.packed, self.x, self.tape, dy, dstates, grads=tuple(grads), need_dx=need_dx
        )

        def finish() -> Any:
            dx, dstates = call.result()
            if weight_mask is not None:
                layer.recurrent_kernel.grad += weight_mask * grads[1]
            if dx is not None and layer.go_backwards:
                dx = dx[:, ::-1]
            return (dx, dstates) if self.with_states else dx

        return call, finish
