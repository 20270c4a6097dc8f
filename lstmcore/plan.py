"""What `compile` was told: optimizer, loss and metrics, and their running results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import losses, optimizers
from .arrays import Array, as_array, matching
from .batches import Ragged, has_steps, is_ragged, same_lengths
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
        self._wanted = [m if is_accuracy(m) else resolve(m, (), ()) for m in wanted]
        self._metrics: list[Metric] | None = None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, ready for JSON."""
        return {name: to_json(value) for name, value in self.given.items()}

    def targets(
        self, x: Any, y: Any, weight: Any, shape: Any, dtype: Any, prefix: str = ""
    ) -> tuple[Any, Any]:
        """Bring targets and weights to the form that the loss wants, once for a whole call.

        Parameters
        ----------
        x : ndarray or Ragged
            The samples, converted.
        y, weight
            What the user gave: one target a sample or one a step; weights may be None.
        shape : tuple of int or None
            Of the model's output for all samples.
        dtype : dtype
            Of the model.
        prefix : str
            What the arguments' names begin with in error messages.
        """
        what = f"{prefix}y"
        y = (
            self._ragged_targets(x, y, shape, dtype, what)
            if is_ragged(y) or has_steps(x, shape)
            else self._align(matching(as_array(y, None, what), x, what), shape, dtype)
        )
        what = f"{prefix}sample_weight"
        if is_ragged(weight):
            weight = same_lengths(weight, x, dtype, what)
        elif weight is not None:
            weight = matching(as_array(weight, dtype, what), x, what)
        return y, weight

    def _ragged_targets(self, x: Any, y: Any, shape: Any, dtype: Any, what: str) -> Ragged:
        if not has_steps(x, shape):
            raise ValueError(
                f"{what}: expected targets for an output of shape {shape}, "
                "got sequences of different lengths"
            )
        steps = same_lengths(y, x, None, what)
        flat = self._align(steps.flat, (len(steps.flat), *shape[2:]), dtype)
        return Ragged(flat, steps.lengths)

    def _align(self, y: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        assert self.loss is not None
        y = np.ascontiguousarray(self.loss.align(y, shape, np.dtype(dtype)))
        if self._metrics is None:  # which accuracy is meant is seen with the first data
            self._metrics = [resolve(m, y.shape, shape) for m in self._wanted]
        return y

    @property
    def metrics(self) -> list[Metric]:
        """The mean loss, and from the first data on the metrics."""
        return [self._mean_loss, *(self._metrics or ())]

    def count(self, loss: float, y: Array, y_pred: Array, mask: Array | None = None) -> None:
        """Add a batch to all results, which are means over all real steps seen.

        Keras takes the mean of the batches' losses by their numbers of samples. This is the
        same where no step is masked, or as many in every batch; elsewhere it would be no mean
        over steps. A loss that is a sum has the mean that Keras has.
        """
        assert self.loss is not None
        summed = self.loss.reduction == "sum" or y_pred.ndim < 2
        n = len(y) if summed else self.loss.count(y_pred, mask)
        self._mean_loss.add(loss * n, n)
        for metric in self._metrics or ():
            if mask is None:
                metric.update_state(y, y_pred)
            else:
                metric.update_state(y, y_pred, mask)

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
