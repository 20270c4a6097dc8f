"""What `compile` was told: optimizer, loss and metrics, and their running results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import losses, optimizers
from .arrays import Array
from .metrics import Mean, Metric, is_accuracy, resolve
from .registry import to_json


class Plan:
    """How a model is to be trained and what is measured meanwhile.

    Parameters
    ----------
    optimizer : str, Optimizer or its class
    loss : str, Loss, callable or None
    metrics : str, Metric, callable, a list of these, or None

    Attributes
    ----------
    optimizer : Optimizer
    loss : Loss or None
    given : dict
        The arguments as they came.
    """

    def __init__(self, optimizer: Any, loss: Any, metrics: Any) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.loss = None if loss is None else losses.get(loss)
        several = isinstance(metrics, Sequence) and not isinstance(metrics, str)
        wanted = list(metrics) if several else [] if metrics is None else [metrics]
        self.given = {"optimizer": self.optimizer, "loss": loss, "metrics": wanted}
        self._mean_loss = Mean("loss")
        # which accuracy is meant is seen with the first data
        self._wanted = [m if is_accuracy(m) else resolve(m, (), ()) for m in wanted]
        self._metrics: list[Metric] | None = None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, ready for JSON."""
        return {name: to_json(value) for name, value in self.given.items()}

    def targets(self, y: Array, output: tuple[int, ...], dtype: Any) -> Array:
        """Bring targets to the form that the loss wants for outputs of this shape."""
        assert self.loss is not None
        y = self.loss.align(y, output, dtype)
        if self._metrics is None:
            self._metrics = [resolve(m, y.shape, output) for m in self._wanted]
        return y

    @property
    def metrics(self) -> list[Metric]:
        """The mean loss, and from the first data on the metrics."""
        return [self._mean_loss, *(self._metrics or ())]

    def count(self, loss: float, y: Array, y_pred: Array) -> None:
        """Add a batch to all results; the loss counts once for every sample, as in Keras."""
        self._mean_loss.add(loss * len(y), len(y))
        for metric in self._metrics or ():
            metric.update_state(y, y_pred)

    def reset(self) -> None:
        """Begin all results again."""
        for metric in self.metrics:
            metric.reset_state()

    def logs(self) -> dict[str, float]:
        """The results so far by name, sorted as Keras sorts them."""
        return {m.name: m.result() for m in sorted(self.metrics, key=lambda m: m.name)}

    def results(self) -> Any:
        """The results so far as `evaluate` returns them: the loss, or a list, the loss first."""
        values = [m.result() for m in self.metrics]
        return values if len(values) > 1 else values[0]
