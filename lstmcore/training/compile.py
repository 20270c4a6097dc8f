"""Compilable: `compile`, and what a model then says of its optimizer, losses and metrics."""

from __future__ import annotations

from typing import Any

from ..metrics import Metric
from ..optimizers import Optimizer
from ..random.state import read_streams, restore_streams
from .compiled import Compiled
from .mixin import Mixin


class Compilable(Mixin):
    """A model's optimizer, losses and metrics."""

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
        """Say how the model is to be trained.

        Parameters
        ----------
        optimizer : str, Optimizer or its class, default "rmsprop"
        loss : str, Loss or callable; with several outputs a list or a dict of them
            A name such as ``"mse"`` or ``"categorical_crossentropy"``; or a function ``f(y_true,
            y_pred) -> (values, gradient)``. One alone is for all outputs; an output whose loss is
            None is not trained.
        loss_weights : list or dict of float, optional
            How much the loss of each output counts.
        metrics : list of str, Metric or callable; with several outputs a list of such or a dict
            ``"accuracy"`` is the accuracy that fits the shapes of targets and output.
        weighted_metrics
            The same, with the sample weights.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Taken for Keras's sake, without effect.

        Raises
        ------
        ValueError
            For an unknown name, with the nearest one there is.
        """
        compiled = Compiled(optimizer, loss, metrics, loss_weights, weighted_metrics)
        self._compiled = compiled.bind(self.output_names)

    @property
    def output_names(self) -> list[str]:
        """What the outputs are called in losses, metrics and dicts of targets."""
        raise NotImplementedError

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
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
        """The mean loss, and from the first data on what `compile` was told to measure."""
        return [] if self._compiled is None else self._compiled.metrics

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def get_metrics_result(self) -> dict[str, float]:
        """Return loss and metrics as they stand, by name."""
        return {} if self._compiled is None else self._compiled.logs()

    def reset_metrics(self) -> None:
        """Begin the means of loss and metrics again."""
        if self._compiled is not None:
            self._compiled.reset()

    @property
    def random_state(self) -> dict[str, Any]:
        """Where the random streams stand, the library's and those of layers with a seed."""
        return read_streams(self)

    @random_state.setter
    def random_state(self, state: dict[str, Any]) -> None:
        restore_streams(self, state)

    def _ready(self, method: str) -> Compiled:
        """The compiled, or what to do about its lack."""
        if self._compiled is None or not self._compiled.has_loss:
            missing = "an optimizer and a loss" if self._compiled is None else "a loss"
            raise RuntimeError(f"{method}: model {self.name!r} needs {missing}: call compile first")
        return self._compiled
