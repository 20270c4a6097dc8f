"""Compilable: the mixin with `compile` and the properties that read the compiled state."""

from __future__ import annotations

from typing import Any

from ..metrics import Metric
from ..optimizers import Optimizer
from ..random.state import read_states, restore_states
from .compiled import Compiled
from .mixin import Mixin


class Compilable(Mixin):
    """A mixin that holds what `compile` sets (a `Compiled`) and gives access to it.

    `Trainer` builds on it: `fit` and `evaluate` use the `Compiled`.
    """

    _compiled: Compiled | None = None

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
        self._compiled = compiled.bind(self.output_names)

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, the keys in dicts of losses, metrics and targets."""
        raise NotImplementedError

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

    @property
    def metrics(self) -> list[Metric]:
        """The mean loss and, once data has been seen, the metrics given to `compile`."""
        return [] if self._compiled is None else self._compiled.metrics

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def get_metrics_result(self) -> dict[str, float]:
        """Return the current loss and metrics by name."""
        return {} if self._compiled is None else self._compiled.logs()

    def reset_metrics(self) -> None:
        """Reset loss and metrics to zero samples seen."""
        if self._compiled is not None:
            self._compiled.reset()

    @property
    def random_state(self) -> dict[str, Any]:
        """The states of the random generators: the library's, and those of layers with a seed."""
        return read_states(self)

    @random_state.setter
    def random_state(self, state: dict[str, Any]) -> None:
        restore_states(self, state)

    def _ready(self, method: str) -> Compiled:
        """Return what `compile` set, or raise RuntimeError if it was not called or has no loss."""
        if self._compiled is None or not self._compiled.has_loss:
            missing = "an optimizer and a loss" if self._compiled is None else "a loss"
            raise RuntimeError(f"{method}: model {self.name!r} needs {missing}: call compile first")
        return self._compiled
