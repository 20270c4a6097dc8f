"""OwnStep: the mixin with the methods of a training step that users override, as in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import context
from ..autodiff.tensors import mask_of, with_mask
from ..inspection import inner_layers
from ..quantization.quantize import refuse_quantized
from ..structure import flatten
from .batches import Batch, mask_or_list, one_or_list
from .compile import Compilable
from .compiled import Compiled
from .step import ParameterGroups, test_step, train_step

STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics")


def _overridden(cls: Any) -> frozenset[str]:
    """Return the names of `STEPS` that a class of models overrides; looked at once for a class."""
    found: frozenset[str] | None = cls.__dict__.get("_own_steps")
    if found is None:
        own = (name for name in STEPS if getattr(cls, name) is not getattr(OwnStep, name))
        found = cls._own_steps = frozenset(own)
    return found


class OwnStep(Compilable):
    """A mixin with the methods of a step that can be overridden; `STEPS` has their names.

    Where none is overridden, a step runs without them.
    """

    def own(self, *methods: str) -> bool:
        """Return True if the model's class overrides one of these methods."""
        return not _overridden(type(self)).isdisjoint(methods)

    def has_own_step(self) -> bool:
        """Return True if the class has a step, or a part of one, of its own."""
        return bool(_overridden(type(self)))

    def may_add_losses(self) -> bool:
        """Return True if there may be a loss besides that of `compile`."""
        layers = (layer for _, layer in inner_layers(self))
        return self.own("train_step", "compute_loss") or any(
            layer.overrides_call for layer in (self, *layers)
        )

    # -- what a subclass may write ---------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """Train on a batch (x, y) or (x, y, sample_weight); return loss and metrics by name.

        An override computes under `lstmcore.GradientTape`: ``y_pred = self(x, training=True)``,
        ``loss = self.compute_loss(x, y, y_pred)``; and then ``self.optimizer.apply(tape.gradient(
        loss, self.trainable_variables), self.trainable_variables)``.
        """
        from ..autodiff.gradient_tape import GradientTape

        refuse_quantized(self, "train_step")
        x, y, weight = unpack(data)
        weights = self.trainable_weights
        if not self.own("compute_loss", "compute_metrics"):
            compiled, groups, flat = self._step_state()
            value = train_step(self, compiled, groups, flat, self._batch(x, y, weight))
            return self._checked(value)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight)
        gradients = tape.gradient(loss, weights)
        value = float(loss)
        if np.isfinite(value) and all(np.isfinite(g).all() for g in gradients):
            assert self.optimizer is not None
            self.optimizer.apply(gradients, weights)
        return self._measured(value, x, y, y_pred, weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Return loss and metrics by name for a batch (x, y) or (x, y, sample_weight)."""
        x, y, weight = unpack(data)
        if not self.own("compute_loss", "compute_metrics"):
            compiled, groups, _ = self._step_state()
            test_step(self, compiled, groups, self._batch(x, y, weight))
            return self.get_metrics_result()
        y_pred = self(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight, training=False)
        return self._measured(float(loss), x, y, y_pred, weight)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss given to `compile`, and the losses of layers and regularizers.

        Parameters
        ----------
        x, y, sample_weight
            A batch; x is for overrides.
        y_pred
            What the model returned for x.
        """
        compiled = self._step_state()[0]
        parts: list[Any] = []
        columns = compiled.columns(y, "y"), compiled.columns(sample_weight, "sample_weight", True)
        for output, pred, target, weight in zip(
            compiled.outputs, flatten(y_pred), *columns, strict=True
        ):
            if output.loss is not None:
                value = output.loss(target, pred, weight, mask_of(pred))
                parts.append(value if output.loss_weight == 1 else output.loss_weight * value)
        parts += self.losses
        if not parts:
            raise RuntimeError(
                f"model {self.name!r}: compute_loss: expected a loss, in compile or by add_loss"
            )
        return sum(parts[1:], parts[0])

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Add a batch to the metrics given to `compile`; return all metrics by name."""
        compiled = self._step_state()[0]
        columns = compiled.columns(y, "y"), compiled.columns(sample_weight, "sample_weight", True)
        for output, pred, target, weight in zip(
            compiled.outputs, flatten(y_pred), *columns, strict=True
        ):
            if target is not None and output.metrics:
                output.measure(target, np.asarray(pred), weight, mask_of(pred))
        return self.get_metrics_result()

    # -- how the loops call them -----------------------------------------------------------

    def train_batch(self, batch: Batch) -> float:
        """Train on one batch; return its loss, which is not finite if nothing was changed."""
        compiled, groups, flat = self._step_state()
        if not _overridden(type(self)):
            return train_step(self, compiled, groups, flat, batch, self.ranks)
        self.step_logs = _numbers(self.train_step(self._data_of(batch)), "train_step")
        return self.step_logs.get("loss", 0.0)

    def test_batch(self, groups: ParameterGroups, batch: Batch) -> None:
        """Add one batch to the losses and metrics, without training."""
        compiled = self._step_state()[0]
        if not self.own(*STEPS[1:]):
            test_step(self, compiled, groups, batch)
            return
        with context.changed(training=False):
            self.step_logs = _numbers(self.test_step(self._data_of(batch)), "test_step")

    step_logs: dict[str, float] | None = None
    ranks: Any = None  # the DataParallel of the present `fit`

    def logs_now(self) -> dict[str, Any]:
        """Return the results so far: what the last step of one's own returned, or the compiled."""
        return {} if self._compiled is None else self.step_logs or self._compiled.logs()

    def _step_state(self) -> tuple[Compiled, ParameterGroups, Any]:
        state: Any = self
        assert state._compiled is not None
        if state._groups is None:
            state._groups = ParameterGroups(self)
        return state._compiled, state._groups, state._flat

    def _batch(self, x: Any, y: Any, weight: Any) -> Batch:
        compiled = self._step_state()[0]
        masks = [mask_of(part) for part in flatten(x)]
        ys = compiled.columns(y, "y")
        weights = compiled.columns(weight, "sample_weight", True)
        return Batch(flatten(x), ys, weights, masks)

    def _data_of(self, batch: Batch) -> Any:
        """Return a batch as `train_step` takes it, in the structures that the user gave."""
        x, masks = one_or_list(batch.x), mask_or_list(batch.mask)
        x = self.pack_inputs(with_mask(x, masks) if masks is not None else x)
        found = []
        for part in (batch.y, batch.weight):
            given = [entry for entry in part if entry is not None]
            found.append(None if not given else one_or_list(part))
        names = [output.name for output in self._step_state()[0].outputs]
        if isinstance(self.output_structure, dict) and found[0] is not None:
            found = [f if f is None else dict(zip(names, flatten(f), strict=True)) for f in found]
        if found[0] is None and found[1] is None:  # as Keras's pack_x_y_sample_weight
            return (x,) if isinstance(x, list | tuple) else x
        return (x, found[0]) if found[1] is None else (x, found[0], found[1])

    def _checked(self, value: float) -> dict[str, Any]:
        return self.get_metrics_result() if np.isfinite(value) else {"loss": value}

    def _measured(self, value: float, x: Any, y: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        self._step_state()[0].count(value, len(flatten(x)[0]))
        results = self.compute_metrics(x, y, y_pred, weight)
        return results if np.isfinite(value) else {**results, "loss": value}


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """Return x, y and sample weights of a batch; what is missing is None."""
    if not isinstance(data, tuple):
        return data, None, None
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight


def _numbers(logs: Any, step: str) -> dict[str, float]:
    if not isinstance(logs, dict):
        raise TypeError(f"{step}: expected a dict of names to numbers, got {type(logs).__name__}")
    return {str(name): float(np.asarray(value)) for name, value in logs.items()}
