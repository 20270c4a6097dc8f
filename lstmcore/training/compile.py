"""Compilable: the mixin with `compile` and the properties that read the compiled state."""

from __future__ import annotations

from typing import Any

from ..metrics import Metric
from ..metrics.base import plain_result
from ..optimizers import Optimizer
from ..random.state import read_states, restore_states
from ..refused.arguments import checked
from ..structure import flatten
from .compiled import Compiled, Unweighted
from .mixin import Mixin


class Compilable(Mixin):
    """A mixin that holds what `compile` sets (a `Compiled`) and gives access to it.

    `Trainer` builds on it: `fit` and `evaluate` use the `Compiled`.
    """

    _compiled: Compiled | None = None
    step_logs: dict[str, float] | None = None

    @checked
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Set the optimizer, losses and metrics for training.

        Parameters
        ----------
        optimizer : str, Optimizer or its class, default "rmsprop"
        loss : str, Loss or callable; with several outputs a list or a dict of them
            A name such as ``"mse"`` or ``"categorical_crossentropy"``; or a function ``f(y_true,
            y_pred) -> (values, gradient)``. A single loss is used for all outputs; an output whose
            loss is None is not trained.
        loss_weights : list or dict of float, optional
            Weight of each output's loss in the total loss; the default is 1.
        metrics : list of str, Metric or callable; with several outputs a list of such or a dict
            ``"accuracy"`` is the accuracy that fits the shapes of targets and output.
        weighted_metrics
            Further metrics, which take the sample weights into account.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Accepted for compatibility with Keras; no effect.

        Raises
        ------
        ValueError
            If a name is unknown; the message suggests the nearest known one.
        """
        compiled = Compiled(optimizer, loss, metrics, loss_weights, weighted_metrics)
        known = (
            self.built or not self.overrides_call
        )  # a `call` shows its outputs when it is called
        self._compiled = compiled.bind(self.output_names, self.output_form) if known else compiled

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, the keys in dicts of losses, metrics and targets."""
        raise NotImplementedError

    @property
    def output_form(self) -> Any:
        """The structure of the outputs, in which losses, metrics and targets may be given."""
        return None

    @property
    def compiled(self) -> bool:
        """True if `compile` was called."""
        return self._compiled is not None

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer; None before `compile`."""
        return None if self._compiled is None else self._compiled.optimizer

    @property
    def loss(self) -> Any:
        """The loss as given to `compile`."""
        return None if self._compiled is None else self._compiled.given["loss"]

    def has_own_step(self) -> bool:
        """Return True if the class has a step, or a part of one, of its own."""
        return False

    def may_add_losses(self) -> bool:
        """Return True if there may be a loss besides that of `compile`."""
        return False

    @property
    def metrics(self) -> list[Metric]:
        """The mean loss, once data has been seen the metrics given to `compile`, and own ones.

        Own metrics are the attributes of a model with a training step of its own.
        """
        compiled = self._compiled
        if compiled is None:
            return self.own_metrics()
        if not self.has_own_step():
            return [*compiled.metrics, *self.own_metrics()]
        unweighted = [m for o in compiled.outputs for m, weighs in o.metrics or () if not weighs]
        found: list[Any] = [Unweighted(m) if m in unweighted else m for m in compiled.metrics]
        return [*found, *self.own_metrics()]

    def own_metrics(self) -> list[Metric]:
        """Return the metrics that are attributes of the model."""
        if not (self.has_own_step() or self.overrides_call):
            return []
        found = (leaf for value in vars(self).values() for leaf in flatten(value))
        return [leaf for leaf in found if isinstance(leaf, Metric)]

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def get_metrics_result(self) -> dict[str, float]:
        """Return the current loss and metrics by name."""
        own = {metric.name: plain_result(metric.result()) for metric in self.own_metrics()}
        return own if self._compiled is None else {**self._compiled.logs(), **own}

    def reset_metrics(self) -> None:
        """Reset loss and metrics to zero samples seen."""
        self.step_logs = None
        if self._compiled is not None:
            self._compiled.reset()
        for metric in self.own_metrics():
            metric.reset_state()

    @property
    def random_state(self) -> dict[str, Any]:
        """The states of the random generators: the library's, and those of layers with a seed."""
        return read_states(self)

    @random_state.setter
    def random_state(self, state: dict[str, Any]) -> None:
        restore_states(self, state)

    def _ready(self, method: str) -> Compiled:
        """Return what `compile` set, or raise RuntimeError if it was not called or has no loss."""
        if self._compiled is None or not (self._compiled.has_loss or self.may_add_losses()):
            missing = "an optimizer and a loss" if self._compiled is None else "a loss"
            raise RuntimeError(f"{method}: model {self.name!r} needs {missing}: call compile first")
        return self._compiled
