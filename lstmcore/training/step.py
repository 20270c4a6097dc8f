"""One training or test step: a batch through the model, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, context
from ..inspection import inner_layers
from .batches import Batch, mask_or_list, one_or_list
from .compiled import Compiled

if TYPE_CHECKING:
    from ..distribution import DataParallel
    from ..layers.parameters import Flat


class ParameterGroups:
    """The parameters and layers that a training step treats specially, looked up once per call.

    These are regularized, constrained and non-trainable parameters, and stateful layers.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Any) -> None:
        entries = list(model.named_params())
        trained = [p for _, p, trainable in entries if trainable]
        self.regularized = [p for p in trained if p.regularizer is not None]
        self.constrained = [p for p in trained if p.constraint is not None]
        layers = [model, *(layer for _, layer in inner_layers(model))]
        self.has_penalties = any(
            layer.activity_regularizer is not None or layer.overrides_call for layer in layers
        )
        stateful = [layer for layer in layers if layer.stateful]
        self.stateful = [layer for layer in stateful if hasattr(layer, "states")]
        # changed by the layers themselves during training: moving averages
        self.moving = [p for _, p, _ in entries if not p.trainable]
        self.names = [name for name, _, trainable in entries if trainable]
        self.shapes = [p.shape for p in trained]

    def losses(self) -> float:
        """Return the penalty of the weight regularizers."""
        return float(sum(p.regularizer(p.value) for p in self.regularized))

    def add_gradients(self) -> float:
        """Return the penalty of the weight regularizers; add its gradients to the weights'."""
        return float(sum(p.regularizer.add_to(p.value, p.grad) for p in self.regularized))

    def apply_constraints(self, flat: Flat) -> None:
        """Apply their constraints to the weights that have one."""
        for p in self.constrained:
            flat.view(p)[...] = p.constraint(p.value)

    @contextmanager
    def collected(self) -> Iterator[list[float]]:
        """Collect the penalties of the activity regularizers during a block of code."""
        found: list[float] = []
        if not self.has_penalties:
            yield found
            return
        with context.changed(penalties=found):
            yield found


def outputs_of(y: Any, mask: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return the outputs of `Layer.run` and their masks as lists."""
    if not isinstance(y, tuple):
        return [y], [mask]
    return y, mask if isinstance(mask, list | tuple) else [mask, *[None] * (len(y) - 1)]


def ignoring_overflow() -> Any:
    """Return a context in which NumPy does not warn of overflow: a step checks for it itself."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def train_step(
    model: Any,
    compiled: Compiled,
    groups: ParameterGroups,
    flat: Flat,
    batch: Batch,
    ranks: DataParallel | None = None,
) -> float:
    """Train on one batch; return its loss.

    If the loss or a gradient is not finite, weights and states stay as they are, the optimizer is
    not called, and the result is NaN or infinite. With `ranks` the batch is this one's part.
    """
    kept = [p.numpy() for p in groups.moving]  # none in most models
    states = [layer.states for layer in groups.stateful]
    if ranks is None:
        value, n = _forward_backward(model, compiled, groups, flat, batch)
    else:
        with ranks.random(compiled.optimizer.iterations):
            value, n = _forward_backward(model, compiled, groups, flat, batch, ranks)
    compiled.count(value, n)
    gradients = flat.grad[: flat.size]
    if not (math.isfinite(value) and _core.finite(gradients)):
        for p, before in zip(groups.moving, kept, strict=True):
            flat.view(p)[...] = before
        for layer, state in zip(groups.stateful, states, strict=True):
            layer.states = state
        return value if not math.isfinite(value) else math.nan
    try:
        weights, named = flat.value[: flat.size], (groups.names, groups.shapes)
        if flat.size:
            compiled.optimizer.step(weights, gradients, flat.trained, *named)
        if groups.constrained:
            groups.apply_constraints(flat)
    finally:
        flat.version += 1  # also if an interrupt came in during the step
    if ranks is not None:
        ranks.after_step(flat)
    return value


def _forward_backward(
    model: Any,
    compiled: Compiled,
    groups: ParameterGroups,
    flat: Flat,
    batch: Batch,
    ranks: DataParallel | None = None,
) -> tuple[float, float]:
    """Return the loss of a batch and its weight in the mean; write the gradients to `flat`."""
    flat.grad.fill(0)
    more, back = 0.0, None
    dys: list[Any] = []
    if len(batch.x[0]) or ranks is None:
        x, mask = one_or_list(batch.x), mask_or_list(batch.mask)
        if groups.has_penalties:
            with groups.collected() as extra:
                y, back, out_mask = model.run(x, True, mask)
            more = sum(extra)
        else:
            y, back, out_mask = model.run(x, True, mask)
        preds, masks = outputs_of(y, out_mask)
        if mask is not None:
            model.check_order(batch.mask, masks)
        value, dys, n = compiled.evaluate(batch.y, preds, batch.weight, masks, True)
    else:  # a last batch of fewer samples than ranks
        compiled.parts = [(0.0, 0.0)] * len(compiled.outputs)
    if ranks is not None:
        value, n = ranks.weigh(compiled.parts, dys, len(batch.x[0]))
        if groups.moving:
            ranks.average(groups.moving, flat, len(batch.x[0]))
    if back is not None:
        back(dys[0] if len(dys) == 1 else tuple(dys), need_dx=False)
    if groups.regularized:
        once = ranks is None or ranks.rank == 0
        more += groups.add_gradients() if once else groups.losses()
    if ranks is not None:
        ranks.add_up(flat)
    return value + more, n


def test_step(model: Any, compiled: Compiled, groups: ParameterGroups, batch: Batch) -> None:
    """Add one batch to the losses and metrics, without training."""
    with groups.collected() as extra:
        y, _, out_mask = model.run(one_or_list(batch.x), False, mask_or_list(batch.mask))
    preds, masks = outputs_of(y, out_mask)
    model.check_order(batch.mask, masks)
    value, _, n = compiled.evaluate(batch.y, preds, batch.weight, masks, False)
    compiled.count(value + sum(extra) + groups.losses(), n)
