"""The training loop: compile, fit, evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .arrays import Array, whole
from .batches import Batches
from .callbacks import Callback, CallbackList, History, Logs, progress
from .inference import Runner
from .layers.base import Flat
from .metrics import Metric
from .optimizers import Optimizer
from .plan import Plan


class Trainer(Runner):
    """What every model can do with samples and targets, whatever its layers are.

    A subclass writes `prepare`, `settle`, and what a `Layer` needs.

    Attributes
    ----------
    stop_training : bool
        Set by callbacks: `fit` ends after the epoch.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stop_training = False
        self._plan: Plan | None = None
        self._flat: Flat | None = None

    # -- compile ---------------------------------------------------------------------------

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *, metrics: Any = None) -> None:
        """Say how the model is to be trained.

        Parameters
        ----------
        optimizer : str, Optimizer or its class, default "rmsprop"
        loss : str, Loss or callable
            ``"mse"``, ``"mae"``, ``"binary_crossentropy"``, ``"categorical_crossentropy"``,
            ``"sparse_categorical_crossentropy"``; or a function ``f(y_true, y_pred) -> (values,
            gradient)``.
        metrics : list of str, Metric or callable, optional
            ``"accuracy"`` is the accuracy that fits the shapes of targets and output.

        Raises
        ------
        ValueError
            For an unknown name, with the nearest one there is.
        """
        self._plan = Plan(optimizer, loss, metrics)

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._plan is not None

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer; None before `compile`."""
        return None if self._plan is None else self._plan.optimizer

    @property
    def loss(self) -> Any:
        """The loss as given to `compile`."""
        return None if self._plan is None else self._plan.given["loss"]

    @property
    def metrics(self) -> list[Metric]:
        """The mean loss, and from the first data on what `compile` was told to measure."""
        return [] if self._plan is None else self._plan.metrics

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Begin the means of loss and metrics again."""
        if self._plan is not None:
            self._plan.reset()

    def _ready(self, method: str) -> Plan:
        """The plan, or what to do about its lack."""
        if self._plan is None or self._plan.loss is None:
            missing = "an optimizer and a loss" if self._plan is None else "a loss"
            raise RuntimeError(f"{method}: model {self.name!r} needs {missing}: call compile first")
        return self._plan

    # -- data ------------------------------------------------------------------------------

    def _settle_to_train(self, method: str) -> None:
        self.settle()
        if self._flat is None or self._flat.size == 0:
            raise RuntimeError(f"{method}: model {self.name!r} has no weights to train")

    def _data(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        batch_size: int | None = None,
        shuffle: bool = False,
        prefix: str = "",
    ) -> Batches:
        """Check and convert samples, targets and weights, once for a whole call."""
        assert self._plan is not None
        x = self.prepare(x, f"{prefix}x")
        shape = self.compute_output_shape(x.shape)
        y, sample_weight = self._plan.targets(x, y, sample_weight, shape, self.dtype, prefix)
        return Batches(x, y, sample_weight, batch_size, shuffle)

    # -- fit -------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        *,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> History:
        """Train.

        Parameters
        ----------
        x : array_like, (samples, ...), or list of sequences of different lengths
            Such sequences, each ``(steps, ...)``, are padded with zeros to the longest of their
            batch; layers skip the padding, and it counts in no loss and no metric.
        y : array_like, (samples, ...), or list of sequences
            The targets, of the output's shape; a last axis of size 1 may be missing. A list goes
            with an output for each step of such an x.
        batch_size : int, default 32
        epochs : int, default 1
            The number of the last epoch, counted from 1.
        verbose : {"auto", 0, 1, 2}
            0: silent. 2: one plain line an epoch. 1 and "auto": a bar on a terminal, and plain
            lines anywhere else.
        callbacks : list of Callback, optional
        validation_split : float, default 0.0
            Set this share of the samples apart for validation: the last ones, before shuffling.
        validation_data : (x, y) or (x, y, sample_weight), optional
            Validate on these instead.
        shuffle : bool, default True
            Draw a new order of the samples for every epoch.
        sample_weight : array_like, (samples,) or (samples, steps), or list, optional
            How much each sample, or each step, counts in the loss.
        initial_epoch : int, default 0
            Go on after this many epochs.
        validation_batch_size : int, optional
            The default is `batch_size`.
        validation_freq : int, default 1
            Validate after every so many epochs.

        Returns
        -------
        History
            ``history.history`` has the loss and the metrics of every epoch: each the mean over
            the samples, or over their steps that are not masked, as they were predicted when
            their batch's turn came.

        Raises
        ------
        ValueError, TypeError
            If data or arguments do not fit; the message says which, what was expected and what
            came. The weights are as they were.
        RuntimeError
            If `compile` was not called, or no weight is to be trained.
        """
        self._ready("fit")
        epochs = whole("epochs", epochs, 1)
        first = whole("initial_epoch", initial_epoch, 0, least=0)
        every = whole("validation_freq", validation_freq, 1)
        batches, validation = self._data(x, y, sample_weight, batch_size, shuffle), None
        if validation_data is not None:
            size = whole("validation_batch_size", validation_batch_size, batches.batch_size)
            validation = self._validation(validation_data, size)
        elif validation_split:
            batches, validation = batches.split(validation_split)
        self._settle_to_train("fit")
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or [])
        history = next((c for c in given if isinstance(c, History)), None) or History()
        given = [*(c for c in given if c is not history), *progress(verbose), history]
        params = {"verbose": verbose, "epochs": epochs, "steps": batches.steps}
        everyone = CallbackList(given, self, params)
        try:
            self._run(range(first, epochs), batches, validation, every, everyone)
        finally:
            everyone.close()
        return history

    def _validation(self, given: Any, batch_size: int) -> Batches:
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise ValueError("validation_data: expected (x, y) or (x, y, sample_weight)")
        x, y, weight = (*given, None)[:3]
        return self._data(x, y, weight, batch_size, prefix="validation_data: ")

    def _run(
        self,
        epochs: range,
        batches: Batches,
        validation: Batches | None,
        every: int,
        everyone: CallbackList,
    ) -> None:
        """The loop over epochs, with a validation after `every` so many."""
        plan = self._ready("fit")
        self.stop_training = False
        logs: Logs = {}
        everyone.call("on_train_begin", {})
        for epoch in epochs:
            everyone.call("on_epoch_begin", epoch, {})
            self._train_epoch(plan, batches, everyone)
            logs = plan.logs()
            if validation is not None and (epoch + 1) % every == 0:
                tested = self._test_epoch(plan, validation, everyone)
                logs.update({f"val_{name}": value for name, value in tested.items()})
            everyone.call("on_epoch_end", epoch, logs)
            if self.stop_training:
                break
        everyone.call("on_train_end", logs)

    def _train_epoch(self, plan: Plan, batches: Batches, everyone: CallbackList) -> None:
        plan.reset()
        begins, ends = (everyone.hears(f"on_train_batch_{end}") for end in ("begin", "end"))
        for i, batch in enumerate(batches):
            if begins:
                everyone.call("on_train_batch_begin", i, {})
            self._train_step(plan, *batch)
            if ends:
                everyone.call("on_train_batch_end", i, plan.logs())

    def _train_step(
        self, plan: Plan, x: Array, y: Array, weight: Array | None, mask: Array | None
    ) -> None:
        flat = self._flat
        assert flat is not None
        assert plan.loss is not None
        flat.grad.fill(0)
        y_pred, back, real = self.run(x, True, mask)
        assert back is not None
        if mask is not None:
            self._check_order(mask, real)
        value, dy = plan.loss.forward(y, y_pred, weight, mask=real)
        plan.count(value, y, y_pred, real)
        back(dy, need_dx=False)
        try:
            plan.optimizer.step(flat.value[: flat.size], flat.grad[: flat.size], flat.trained)
        finally:
            flat.version += 1  # also if an interrupt came in during the step

    # -- evaluate --------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        *,
        callbacks: Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Return loss and metrics on data, without training.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            See `fit`.
        return_dict : bool, default False

        Returns
        -------
        float, list of float or dict
            The loss; with metrics a list, the loss first; with `return_dict` all by name.
        """
        plan = self._ready("evaluate")
        batches = self._data(x, y, sample_weight, batch_size)
        params = {"verbose": verbose, "epochs": 1, "steps": batches.steps, "test": True}
        given = [*(callbacks or ()), *progress(verbose, delay=0.5)]
        everyone = CallbackList(given, self, params)
        try:
            logs = self._test_epoch(plan, batches, everyone)
        finally:
            everyone.close()
        return logs if return_dict else plan.results()

    def _test_epoch(self, plan: Plan, batches: Batches, everyone: CallbackList) -> Logs:
        plan.reset()
        everyone.call("on_test_begin", {})
        begins, ends = (everyone.hears(f"on_test_batch_{end}") for end in ("begin", "end"))
        for i, batch in enumerate(batches):
            if begins:
                everyone.call("on_test_batch_begin", i, {})
            self._test_step(plan, *batch)
            if ends:
                everyone.call("on_test_batch_end", i, plan.logs())
        logs = plan.logs()
        everyone.call("on_test_end", logs)
        return logs

    def _test_step(
        self, plan: Plan, x: Array, y: Array, weight: Array | None, mask: Array | None
    ) -> None:
        assert plan.loss is not None
        y_pred, _, real = self.run(x, False, mask)
        if mask is not None:
            self._check_order(mask, real)
        value = plan.loss.forward(y, y_pred, weight, False, real)[0]
        plan.count(value, y, y_pred, real)

    # -- one batch -------------------------------------------------------------------------

    def train_on_batch(
        self, x: Any, y: Any, sample_weight: Any = None, *, return_dict: bool = False
    ) -> Any:
        """Train one step on one batch.

        Returns
        -------
        float, list of float or dict
            As `evaluate` does. As in Keras 3, loss and metrics are means over all batches since
            the last `reset_metrics`, `fit` or `evaluate`.
        """
        plan = self._ready("train_on_batch")
        batch = self._data(x, y, sample_weight).all()
        self._settle_to_train("train_on_batch")
        self._train_step(plan, *batch)
        return plan.logs() if return_dict else plan.results()

    def test_on_batch(
        self, x: Any, y: Any, sample_weight: Any = None, *, return_dict: bool = False
    ) -> Any:
        """Return loss and metrics on one batch; means as in `train_on_batch`."""
        plan = self._ready("test_on_batch")
        self._test_step(plan, *self._data(x, y, sample_weight).all())
        return plan.logs() if return_dict else plan.results()
