"""Compiled: the optimizer, losses and metrics given to `compile`, and their running results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import losses, optimizers
from ..metrics import Mean, MeanMetricWrapper, Metric, depends_on_shapes, resolve
from ..metrics.base import plain_result, takes_mask
from ..metrics.rows import rows_alone
from ..optimizers import Optimizer
from ..ragged import Ragged, as_ragged_like, has_ragged_steps, is_ragged
from ..serialization import live_configs, to_json
from ..structure import map_structure
from ..validation import Array, as_array, matching
from .per_output import given_for_outputs, is_config, loss_names, per_output


class CompiledOutput:
    """One output of a compiled model: its loss and its metrics.

    Parameters
    ----------
    name : str
    loss : Loss or None
    loss_weight : float
    metrics, weighted : list
        Metrics, functions, names and configs: without and with the sample weights.
    prefix : str
        Prefix of the names of its metrics.
    loss_name : str
        The name of its mean loss.
    """

    def __init__(
        self,
        name: str,
        loss: Any,
        loss_weight: float,
        metrics: list[Any],
        weighted: list[Any],
        prefix: str,
        loss_name: str,
    ) -> None:
        self.name, self.loss, self.loss_weight = name, loss, loss_weight
        self.mean_loss = Mean(loss_name)
        self._given_metrics, self._prefix = (metrics, weighted), prefix
        # each with a flag: True if it takes the sample weights into account
        self.metrics: list[tuple[Metric, bool]] | None = None

    @property
    def needs_no_targets(self) -> bool:
        """True if no targets are needed."""
        return self.loss is None and not any(self._given_metrics)

    def targets(self, x: Any, y: Any, shape: Any, dtype: Any, what: str) -> Any:
        """Convert the targets of all samples to the form the loss needs."""
        if y is None:
            if not self.needs_no_targets:
                raise ValueError(f"{what}: expected targets for output {self.name!r}, got None")
            return None
        if not (is_ragged(y) or has_ragged_steps(x, shape)):
            return self._align(matching(as_array(y, None, what), x, what), shape, dtype)
        if not has_ragged_steps(x, shape):
            raise ValueError(
                f"{what}: expected targets for an output of shape {shape}, "
                "got sequences of different lengths"
            )
        steps = as_ragged_like(y, x, None, what)
        flat = self._align(steps.flat, (len(steps.flat), *shape[2:]), dtype)
        return Ragged(flat, steps.lengths)

    def _align(self, y: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        if self.loss is not None:
            if isinstance(self.loss, str):  # the shapes say which crossentropy is meant
                self.loss = losses.resolve(self.loss, y.shape, shape)
            y = self.loss.align(y, shape, np.dtype(dtype))
        if self.metrics is None:  # "accuracy" depends on the shapes of the first data
            self.metrics = [
                (self._resolve_metric(m, y.shape, shape), bool(weights))
                for weights, wanted in enumerate(self._given_metrics)
                for m in wanted
            ]
            self._make_names_distinct()
        return np.ascontiguousarray(y)

    def _make_names_distinct(self) -> None:
        """Rename metrics of equal name to distinct ones, as Keras does."""
        seen: dict[str, int] = {}
        for metric, weights in self.metrics or ():
            if weights and metric.name in seen:
                metric.name = f"{self._prefix}weighted_{metric.name.removeprefix(self._prefix)}"
            name = metric.name
            if name in seen:
                metric.name = f"{name}_{seen[name]}"
            seen[name] = seen.get(name, 0) + 1

    def _resolve_metric(self, given: Any, y: tuple[int, ...], shape: tuple[int, ...]) -> Metric:
        metric = resolve(given, y, shape)
        if self._prefix and not metric.name.startswith(self._prefix):
            metric.name = self._prefix + metric.name
        return metric

    def forward(
        self, y: Any, y_pred: Array, weight: Any, mask: Any, grad: bool
    ) -> tuple[float, Array | None, float]:
        """Return the weighted loss of a batch, its gradient, and its weight in the mean loss."""
        if self.loss is None:
            return 0.0, None, 0.0
        value, dy = self.loss.forward(y, y_pred, weight, grad, mask)
        # A summed loss is averaged per sample, as in Keras; all others over the unmasked steps.
        summed = self.loss.reduction == "sum" or y_pred.ndim < 2
        n = len(y) if summed else self.loss.count_values(y_pred, mask, y)
        self.mean_loss.add(value * n, n)
        if self.loss_weight != 1:
            value *= self.loss_weight
            if dy is not None:
                dy *= self.loss_weight
        return value, dy, n

    def measure(self, y: Any, y_pred: Array, weight: Any, mask: Any) -> None:
        """Add a batch to the metrics."""
        for metric, weights in self.metrics or ():
            weighted = weights and weight is not None
            if mask is None:
                metric.update_state(y, y_pred, *[weight] * weighted)
            elif not takes_mask(type(metric).update_state):
                for parts in rows_alone(mask, y, y_pred, *[weight] * weighted):
                    metric.update_state(*parts)
            elif not weighted:
                metric.update_state(y, y_pred, mask)
            elif isinstance(metric, MeanMetricWrapper):
                metric.update_state(y, y_pred, weight, mask)
            else:  # only unmasked steps: masked ones hold arbitrary numbers
                metric.update_state(y[mask], y_pred[mask], _of_steps(weight, mask)[mask])


def _of_steps(weight: Array, mask: Array) -> Array:
    """Broadcast sample weights (batch,) or (batch, time) to the shape of a mask of steps."""
    expanded = weight.reshape(weight.shape + (1,) * (mask.ndim - weight.ndim))
    wide: Array = np.broadcast_to(expanded, mask.shape)
    return wide


class Unweighted:
    """A metric of `compile(metrics=)`, for a step of one's own: without sample weights."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        self._metric.update_state(y_true, y_pred)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metric, name)


class Compiled:
    """The optimizer, losses and metrics given to `compile`, with their running results.

    Parameters
    ----------
    optimizer : str, Optimizer or its class
    loss : str, Loss, callable or None; a list or a dict of these
    loss_weights : list or dict of float, optional
    metrics, weighted_metrics : str, Metric, callable, or a list or dict of (lists of) these

    Attributes
    ----------
    optimizer : Optimizer
    outputs : list of CompiledOutput
        One for each output; empty before `bind`.
    given : dict
        The arguments, unchanged.
    """

    def __init__(
        self,
        optimizer: Any,
        loss: Any,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        if optimizer is None:
            raise TypeError("compile: optimizer: expected a name, class or optimizer, got None")
        self.optimizer: Optimizer = optimizers.get(optimizer)
        self.given = {
            "optimizer": self.optimizer,
            "loss": _loss_of_config(loss),
            "metrics": metrics,
            "loss_weights": loss_weights,
            "weighted_metrics": weighted_metrics,
        }
        self._mean_loss = Mean("loss")
        self._form: Any = None  # the structure of the outputs
        self.outputs: list[CompiledOutput] = []
        # of the last batch, for each output: its loss, and the number of values in that mean
        self.parts: list[tuple[float, float]] = []

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, ready for JSON."""
        return {name: to_json(value) for name, value in self.given.items()}

    def anew(self) -> Compiled:
        """Return the same for another model: with a new optimizer and new metrics."""

        def new(value: Any) -> Any:
            if not isinstance(value, Optimizer | Metric):
                return value
            return type(value).from_config(value.get_config())

        with live_configs():
            return Compiled(**{name: map_structure(new, v) for name, v in self.given.items()})

    @property
    def has_loss(self) -> bool:
        """True if any output has a loss."""
        if not self.outputs:  # a model that shows its outputs when it is called
            return self.given["loss"] is not None
        return any(output.loss is not None for output in self.outputs)

    def bind(self, names: Sequence[str], form: Any = None) -> Compiled:
        """Assign losses and metrics to the outputs of these names; return self.

        Parameters
        ----------
        names : sequence of str
        form : list, tuple or dict, optional
            The structure of the outputs, in which losses and metrics may be given, too.

        Raises
        ------
        ValueError
            If a name is not that of an output, a loss or a metric.
        """
        n, given = len(names), self.given
        self._form = form
        found = [
            loss if loss is None or losses.is_crossentropy(loss) else losses.get(loss)
            for loss in per_output(given["loss"], names, form, "loss", all_alike=True)
        ]
        weights = per_output(given["loss_weights"], names, form, "loss_weights")
        metrics, weighted = (
            per_output(given[what], names, form, what, lists=True)
            for what in ("metrics", "weighted_metrics")
        )
        self.outputs = [
            CompiledOutput(
                name,
                found[i],
                _loss_weight(weights[i]),
                _listed_metrics(metrics[i]),
                _listed_metrics(weighted[i]),
                f"{name}_" if n > 1 else "",
                f"{place}_loss" if n > 1 else "loss",
            )
            for i, (name, place) in enumerate(zip(names, loss_names(form, names), strict=True))
        ]
        return self

    def columns(self, given: Any, what: str, all_alike: bool = False) -> list[Any]:
        """Return a list with one entry an output, from targets or weights in any accepted form."""
        names = [output.name for output in self.outputs]
        found = given_for_outputs(given, names, self._form, what, all_alike)
        if found is not None:
            return found
        if len(names) == 1:
            return [given]
        if isinstance(given, list | tuple) and len(given) == len(names):
            return list(given)
        if given is None or all_alike:
            return [given] * len(names)
        used = [output.name for output in self.outputs if not output.needs_no_targets]
        if len(used) == 1 and not isinstance(given, list | tuple):  # as in Keras
            return [given if name in used else None for name in names]
        got = f"{len(given)}" if isinstance(given, list | tuple) else f"a {type(given).__name__}"
        raise ValueError(
            f"{what}: expected a list of {len(names)} or a dict, for the outputs {names}, got {got}"
        )

    # -- results ---------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Metric]:
        """The mean loss, the outputs' mean losses and, once data has been seen, the metrics."""
        measured = [metric for output in self.outputs for metric, _ in output.metrics or ()]
        if len(self.outputs) > 1:
            measured.sort(key=lambda metric: metric.name)  # as Keras's `evaluate` has them
        return [self._mean_loss, *self._output_losses(), *measured]

    def _output_losses(self) -> list[Metric]:
        """Return the mean losses of the outputs if more than one output has a loss."""
        parts: list[Metric] = [h.mean_loss for h in self.outputs if h.loss is not None]
        return parts if len(parts) > 1 else []

    def evaluate(
        self,
        ys: Sequence[Any],
        preds: Sequence[Any],
        weights: Sequence[Any],
        masks: Sequence[Any],
        grad: bool,
    ) -> tuple[float, list[Array | None], float]:
        """Return the loss of a batch, its gradients for the outputs, and its weight in the mean.

        The batch is also added to the results of all outputs.

        Results are means over all unmasked steps seen. Keras instead averages the losses of the
        batches, weighted by their numbers of samples: the same if no step is masked or if every
        batch has equally many masked steps, but otherwise not a mean over steps.
        """
        total, dys, n = 0.0, [], 0.0
        self.parts = []
        for output, y, p, weight, mask in zip(self.outputs, ys, preds, weights, masks, strict=True):
            value, dy, n = output.forward(y, p, weight, mask, grad)
            total += value
            dys.append(dy)
            self.parts.append((value, n))
            if output.metrics:
                output.measure(y, p, weight, mask)
        alone = len(self.outputs) == 1 and self.outputs[0].loss is not None
        return total, dys, n if alone else len(preds[0])

    def count(self, loss: float, n: float) -> None:
        """Add the loss of a batch, regularization included, to the mean loss."""
        self._mean_loss.add(loss * n, n)

    def reset(self) -> None:
        """Reset all results."""
        for metric in self.metrics:
            metric.reset_state()

    def logs(self) -> dict[str, float]:
        """Return the results so far by name, in Keras's order."""
        found: dict[str, Any] = {}
        for metric in sorted(self.metrics, key=lambda m: m.name):
            result = _result(metric)
            found |= result if isinstance(result, dict) else {metric.name: result}
        return found

    def results(self) -> Any:
        """Return the results so far as `evaluate` does: the loss, or a list with the loss first."""
        values: list[Any] = []
        several: dict[str, Any] = {}
        for metric in self.metrics:
            result = _result(metric)
            if isinstance(result, dict):  # behind the others, by name, as in Keras
                several |= result
            else:
                values.append(result)
        values += [several[name] for name in sorted(several)]
        return values if len(values) > 1 else values[0]


def _result(metric: Metric) -> Any:
    """Return the result of a metric; one that has seen nothing may divide by 0."""
    if metric.state:  # the library's: numbers already
        return metric.result()
    with np.errstate(divide="ignore", invalid="ignore"):
        return plain_result(metric.result())


def _loss_weight(value: Any) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        hint = "; metrics are the argument behind it" if isinstance(value, str) else ""
        raise ValueError(f"loss_weights: expected numbers, got {value!r}{hint}")
    return float(value)


def _listed_metrics(value: Any) -> list[Any]:
    """Return a list of metrics; names that depend on the shapes of the data stay names."""
    several = isinstance(value, list | tuple)
    wanted = list(value) if several else [] if value is None else [value]
    return [m if depends_on_shapes(m) else resolve(m, (), ()) for m in wanted]


def _loss_of_config(given: Any) -> Any:
    """Return the loss of a config from a file; anything else as it is."""
    if is_config(given):
        return losses.get(given)
    if isinstance(given, dict):
        return {key: _loss_of_config(part) for key, part in given.items()}
    return [_loss_of_config(part) for part in given] if isinstance(given, list) else given
