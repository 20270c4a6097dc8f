"""One step of training, or of an evaluation: a batch through the model and back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, context
from ..inspection import inner_layers
from .batches import Batch, alone, alone_mask
from .compiled import Compiled

if TYPE_CHECKING:
    from ..layers.parameters import Flat


class ParameterGroups:
    """What of a model's weights and activities belongs to the loss, and what a step is held to.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Any) -> None:
        trained = model.trainable_weights
        self.regularized = [p for p in trained if p.regularizer is not None]
        self.constrained = [p for p in trained if p.constraint is not None]
        layers = [model, *(layer for _, layer in inner_layers(model))]
        self.penalised = any(layer.activity_regularizer is not None for layer in layers)
        keep = [layer for layer in layers if getattr(layer, "stateful", False)]
        self.stateful = [layer for layer in keep if hasattr(layer, "states")]
        # what layers themselves change as they train: moving averages
        self.moving = [p for p in model.weights if not p.trainable]
        self.names = [name for name, _, trains in model.named_params() if trains]

    def losses(self) -> float:
        """What the regularizers of weights add to the loss."""
        return float(sum(p.regularizer(p.value) for p in self.regularized))

    def add_gradients(self) -> float:
        """The same, with their gradients added to those of the weights."""
        return float(sum(p.regularizer.add_to(p.value, p.grad) for p in self.regularized))

    def hold(self, flat: Flat) -> None:
        """Give the weights that have a constraint what it makes of them."""
        for p in self.constrained:
            flat.view(p)[...] = p.constraint(p.value)

    @contextmanager
    def collected(self) -> Iterator[list[float]]:
        """Collect what the regularizers of activities add to the loss."""
        found: list[float] = []
        if not self.penalised:
            yield found
            return
        with context.changed(penalties=found):
            yield found


def outputs_of(y: Any, real: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """The outputs of a `run` and their masks as lists."""
    if not isinstance(y, tuple):
        return [y], [real]
    return y, real if isinstance(real, list | tuple) else [None] * len(y)


def overflowing() -> Any:
    """A context in which NumPy does not warn of infinities: a step looks for them itself."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def train_step(
    model: Any, compiled: Compiled, groups: ParameterGroups, flat: Flat, batch: Batch
) -> float:
    """Train on one batch; return its loss.

    Weights and states stay as they are if the loss or a gradient is no finite number: then the
    result is NaN or infinite, and no optimizer has seen it.
    """
    kept = [p.numpy() for p in groups.moving]  # none in most models
    states = [layer.states for layer in groups.stateful]
    value, n = _forward_and_back(model, compiled, groups, flat, batch)
    compiled.count(value, n)
    gradients = flat.grad[: flat.size]
    if not (math.isfinite(value) and _core.finite(gradients)):
        for p, before in zip(groups.moving, kept, strict=True):
            flat.view(p)[...] = before
        for layer, state in zip(groups.stateful, states, strict=True):
            layer.states = state
        return value if not math.isfinite(value) else math.nan
    try:
        compiled.optimizer.step(flat.value[: flat.size], gradients, flat.trained, groups.names)
        if groups.constrained:
            groups.hold(flat)
    finally:
        flat.version += 1  # also if an interrupt came in during the step
    return value


def _forward_and_back(
    model: Any, compiled: Compiled, groups: ParameterGroups, flat: Flat, batch: Batch
) -> tuple[float, float]:
    """The loss of a batch, its weight in the mean, and all gradients in their place."""
    flat.grad.fill(0)
    x, mask = alone(batch.x), alone_mask(batch.mask)
    if groups.penalised:
        with groups.collected() as extra:
            y, back, real = model.run(x, True, mask)
        more = sum(extra)
    else:
        (y, back, real), more = model.run(x, True, mask), 0.0
    preds, masks = outputs_of(y, real)
    if mask is not None:
        model.check_order(batch.mask, masks)
    value, dys, n = compiled.evaluate(batch.y, preds, batch.weight, masks, True)
    back(dys[0] if len(dys) == 1 else tuple(dys), need_dx=False)
    if groups.regularized:
        more += groups.add_gradients()
    return value + more, n


def test_step(model: Any, compiled: Compiled, groups: ParameterGroups, batch: Batch) -> None:
    """Add one batch to the results, without training."""
    with groups.collected() as extra:
        y, _, real = model.run(alone(batch.x), False, alone_mask(batch.mask))
    preds, masks = outputs_of(y, real)
    model.check_order(batch.mask, masks)
    value, _, n = compiled.evaluate(batch.y, preds, batch.weight, masks, False)
    compiled.count(value + sum(extra) + groups.losses(), n)
