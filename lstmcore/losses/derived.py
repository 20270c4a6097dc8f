"""Losses without a gradient of their own, and losses within users' own functions.

`forward` derives a user's ``call(y_true, y_pred)``; `on_tape` makes a loss of ours one node of the
tape that is recording. Importing this module imports autograd.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import context
from ..autodiff.tape import differentiate, unboxed
from ..autodiff.tape import is_box as is_box
from .shapes import Array, broadcast_mask, broadcast_weight, floating, total


def values(loss: Any, y_true: Array, y_pred: Array, grad: bool) -> tuple[Array, Array | None]:
    """Return what the loss's `call` returns, and the gradient of its sum."""
    if not grad:
        with context.changed(tape=None):
            return np.asarray(loss.call(y_true, y_pred), y_pred.dtype), None
    found, vjp = differentiate(lambda p: loss.call(y_true, p), y_pred)
    return found, vjp(np.ones_like(found))


def forward(
    loss: Any, y_true: Array, y_pred: Array, weight: Any, grad: bool, mask: Any
) -> tuple[float, Array | None]:
    """Return the reduced loss and its gradient, as `Loss.forward` does.

    The gradient is that of the reduced loss, so that a value may depend on several predictions.
    """
    with np.errstate(all="ignore" if mask is not None else "warn"):  # masked steps are arbitrary
        if grad:
            found, vjp = differentiate(lambda p: loss.call(y_true, p), y_pred)
        else:
            with context.changed(tape=None):
                found = np.asarray(unboxed(loss.call(y_true, y_pred)))
        found = np.asarray(found, y_pred.dtype)
        share = _shares(loss, found, weight, mask)
        count = found.size if mask is None else np.count_nonzero(mask) * found.size / mask.size
        scale = loss.reduction_factor(count, share if weight is not None else None)
        kept = found if mask is None else np.where(_unmasked(loss, found, mask), found, 0)
        value = float(total(kept if share is None else kept * share, axis=None)) * scale
        if not grad:
            return value, None
        dy = vjp(np.broadcast_to(scale if share is None else scale * share, found.shape))
    if mask is not None:
        steps = mask.reshape(mask.shape + (1,) * (dy.ndim - mask.ndim))
        dy = np.where(steps, dy, 0)
    return value, np.array(dy, y_pred.dtype)


def _unmasked(loss: Any, found: Array, mask: Array) -> Array:
    if found.ndim < mask.ndim:
        raise ValueError(
            f"{loss.what}: expected a value for each step, because steps are masked: values of "
            f"shape {mask.shape}, got {found.shape}: take the mean over the last axis only"
        )
    return broadcast_mask(mask, found, loss.what)


def _shares(loss: Any, found: Array, weight: Any, mask: Any) -> Any:
    """Return the factors of the values from sample weights and mask, or None if there are none."""
    if weight is not None and found.ndim == 0:
        weight = np.asarray(weight.mean())  # one number for all samples, as Keras weighs it
    share = None if weight is None else broadcast_weight(weight, found) if found.ndim else weight
    if mask is None:
        return share
    unmasked = _unmasked(loss, found, mask).astype(found.dtype)
    return unmasked if share is None else unmasked * share


def on_tape(loss: Any, y_true: Any, y_pred: Any, weight: Any, mask: Any, reduced: bool) -> Any:
    """Return the loss of boxed predictions as a box: reduced, or a value for each vector."""
    tape = context.current().tape
    if loss.overrides_call:
        return _inline(loss, y_true, y_pred, weight, mask, reduced)
    if is_box(y_true) and getattr(y_true._node, "parents", None):
        raise ValueError(
            f"{loss.what}: y_true: expected targets without a gradient, got numbers that are being "
            "differentiated: write ops.stop_gradient(y_true)"
        )
    if is_box(y_true):
        tape.targets.add(y_true._node)
    y_true = unboxed(y_true)
    prediction = floating(unboxed(y_pred), loss.dtype, f"{loss.what}: y_pred")
    targets = loss.align(y_true, prediction.shape, prediction.dtype)
    if reduced:
        value, gradient = loss.forward(targets, prediction, weight, True, mask)
        found = np.asarray(value, prediction.dtype)

        def each(dy: Any) -> Any:
            return dy * gradient

    else:
        found, each = loss.with_back(targets, prediction)

    def back(dys: list[Any]) -> list[Any]:
        return [each(dys[0])]

    return tape.record([y_pred], [found], back)[0] if is_box(y_pred) else found


def _inline(loss: Any, y_true: Any, y_pred: Any, weight: Any, mask: Any, reduced: bool) -> Any:
    """Call a user's loss within the function that is recorded, and reduce its values there."""
    found = loss.call(y_true, y_pred)
    if not reduced:
        return found
    plain = np.asarray(unboxed(found))
    share = _shares(loss, plain, weight, mask)
    count = plain.size if mask is None else np.count_nonzero(mask) * plain.size / mask.size
    scale = loss.reduction_factor(count, share if weight is not None else None)
    return (found * scale if share is None else found * (share * scale)).sum()
