"""The report of the first NaN or infinity: its layer, gate and time step.

A batch whose loss or gradient is not finite goes through the model once more, and the arrays of
every layer are checked in the forward and in the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import context
from ..inspection import inner_layers
from ..validation import Array
from .batches import Batch, mask_or_list, one_or_list
from .compiled import Compiled
from .step import outputs_of


def error(
    model: Any,
    compiled: Compiled,
    flat: Any,
    batch: Batch,
    value: float,
    number: int | None = None,
) -> FloatingPointError:
    """Return the error that says where the first number that is not finite appeared.

    Parameters
    ----------
    model, compiled, flat, batch
        Of the training step; the gradients must still be those it computed.
    value : float
        The loss of the step; NaN also stands for a gradient that is not finite.
    number : int, optional
        The batch's number in its epoch, counted from 0.
    """
    at = "" if number is None else f" of batch {number + 1} of this epoch"
    what = f"the loss{at} is {value}" if np.isinf(value) else f"the loss or a gradient{at} is NaN"
    origin = _find_origin(model, compiled, flat, batch)
    return FloatingPointError(
        f"model {model.name!r}: {what}: {origin}. The weights are those before this step. "
        "Likely causes: a learning rate that is too large (try clipnorm=1 in the optimizer), "
        "inputs that are not scaled, or an activation without a bound"
    )


def _find_origin(model: Any, compiled: Compiled, flat: Any, batch: Batch) -> str:
    for name, x in zip(model.input_names, batch.x, strict=True):
        if not _finite(x):
            return f"input {name!r} has it already, in {_place(x)}"
    for name, param, _ in model.named_params():
        if not _finite(param.value):
            return f"the weights {name!r} have it already"
    # of this step: with dropout the second pass may differ
    gradient = _nonfinite_gradient(model)
    kept, states = flat.value.copy(), _states(model)
    try:
        found = _second_pass(model, compiled, batch)
        return found or gradient or "it did not come again in a second pass"
    finally:
        flat.value[...] = kept  # moving means
        for layer, state in states:
            layer.states = state


def _finite(x: Any) -> bool:
    return x is None or x.dtype.kind != "f" or bool(np.isfinite(x).all())


def _states(model: Any) -> list[tuple[Any, Any]]:
    layers = (layer for _, layer in inner_layers(model))
    return [(layer, layer.states) for layer in layers if hasattr(layer, "states")]


def _nonfinite_gradient(model: Any) -> str:
    """Describe the first gradient of the backward pass that is not finite; "" if there is none."""
    found = [
        f"the gradient of {name!r} is not finite"
        for name, p, _ in model.named_params()
        if not _finite(p.grad)
    ]
    return found[-1] if found else ""  # the backward pass reaches the last weights first


def _second_pass(model: Any, compiled: Compiled, batch: Batch) -> str:
    """Repeat the forward and backward pass under observation; return where it began, or ""."""
    found: list[str] = []

    def observe(layer: Any, x: Any, mask: Any, y: Any, back: Any) -> Any:
        if not found and _all_finite(x) and not _all_finite(y):
            found.append(f"it began in {_name(layer)}, {_in_forward(layer, x, mask, y)}")
        return _observed(layer, back, found) if back is not None else None

    for param in model.weights:  # gradients of the first pass, which this one may not overwrite
        param.grad[...] = 0
    with context.changed(observer=observe), np.errstate(all="ignore"):
        y, back, out_mask = model.run(one_or_list(batch.x), True, mask_or_list(batch.mask))
        if found:
            return found[0]
        preds, masks = outputs_of(y, out_mask)
        parts = zip(compiled.outputs, batch.y, preds, batch.weight, masks, strict=True)
        dys = []
        for output, target, pred, weight, mask in parts:
            value, dy, _ = output.forward(target, pred, weight, mask, True)
            dys.append(dy)
            if not np.isfinite(value) or not _finite(dy):
                kind = type(output.loss).__name__
                where = f"it began in the loss {kind} of output {output.name!r}"
                return where + _in_targets(target)
        back(dys[0] if len(dys) == 1 else tuple(dys), need_dx=True)
    return found[0] if found else ""


def _in_targets(y: Any) -> str:
    return "" if _finite(y) else f": the targets have it already, in {_place(y)}"


def _observed(layer: Any, back: Callable[..., Any], found: list[str]) -> Callable[..., Any]:
    """Return a backward function that checks its gradients before and after."""

    def observed(dy: Any, need_dx: bool = True) -> Any:
        good = not found and _all_finite(dy)
        dx = back(dy, need_dx=True)
        if good and not found:
            bad = [p for p in layer.weights if not _finite(p.grad)]
            if bad or not _all_finite(dx):
                found.append(
                    f"it began on the way back through {_name(layer)}"
                    + _in_backward(layer, bad, dx)
                )
        return dx

    return observed


def _all_finite(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_all_finite(part) for part in value)
    return _finite(value)


def _name(layer: Any) -> str:
    return f"layer {layer.name!r} ({type(layer).__name__})"


def _place(x: Array) -> str:
    """Name the sample, and the time step, of the first number that is not finite."""
    at = np.argwhere(~np.isfinite(x))[0]
    step = f", step {at[1]} of {x.shape[1]}" if x.ndim > 2 else ""
    return f"sample {at[0]}{step}"


def _in_forward(layer: Any, x: Any, mask: Any, y: Any) -> str:
    """Name the gate and time step in a recurrent layer, nested or not, or the place in y."""
    for inner in (layer, *(one for _, one in inner_layers(layer))):
        place = inner.locate_nonfinite(x, mask) if getattr(x, "ndim", 0) == 3 else ""
        if place:
            return str(place) + ("" if inner is layer else f" of {inner.name!r}")
    first = next(part for part in (y if isinstance(y, tuple) else (y,)) if not _finite(part))
    return _place(first)


def _in_backward(layer: Any, bad: list[Any], dx: Any) -> str:
    parts = [layer.describe_gradients(bad)] if bad else []
    if getattr(dx, "ndim", 0) == 3 and not _finite(dx):
        steps = np.flatnonzero(~np.isfinite(dx).all(axis=(0, 2)))
        backwards = getattr(layer, "go_backwards", False)
        parts.append(f"step {steps.min() if backwards else steps.max()} of {dx.shape[1]}")
    return "".join(f", {part}" for part in parts if part)
