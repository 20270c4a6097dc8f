"""Trainer: the mixin with the training loop, `fit` and `evaluate`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..callbacks import Callback, History, Listeners, Logs, progress
from ..callbacks.callback_list import listed
from ..quantization.quantize import refuse_quantized
from ..random.generator import model_generator
from ..refused.arguments import checked
from ..validation import whole
from . import nonfinite
from .batches import Batch, Batches
from .compiled import Compiled
from .iterables import Epochs, Source, is_source
from .own_step import OwnStep
from .step import ParameterGroups, ignoring_overflow
from .targets import convert_targets, weigh_by_class

if TYPE_CHECKING:
    from ..distribution import DataParallel
    from ..layers.parameters import Flat


class Trainer(OwnStep):
    """The mixin that trains and evaluates a model, whatever its layers are.

    It is for a class that is a `Layer` and a `Predictor` too.

    Attributes
    ----------
    stop_training : bool
        Set by callbacks: `fit` ends after the epoch.
    history : History or None
        The history of the last `fit`, also if that was interrupted.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stop_training = False
        self.history: History | None = None
        self.resume_at: tuple[int, int, dict[str, Any]] | None = None
        self.validation_freq: Any = None
        self._compiled: Compiled | None = None
        self._flat: Flat | None = None
        self._groups: ParameterGroups | None = None
        # the random state to continue with after the batches that a resumed epoch skips
        self._state_after_skip: dict[str, Any] | None = None

    # -- data ------------------------------------------------------------------------------

    def _materialize_to_train(self, method: str) -> None:
        refuse_quantized(self, method)
        self.materialize()
        untrained = self._flat is None or self._flat.size == 0
        if untrained and self.built and not self.own("train_step"):
            warnings.warn(
                f"{method}: model {self.name!r} has no weights to train: only its losses and "
                "metrics are computed",
                stacklevel=4,
            )
        self._groups = ParameterGroups(self)

    def _data(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Any = None,
        batch_size: int | None = None,
        shuffle: bool = False,
        prefix: str = "",
    ) -> Any:
        """Check and convert samples, targets and weights, once for a whole call of fit."""
        assert self._compiled is not None
        compiled = self._compiled
        if not is_source(x):
            columns = self.convert_inputs(x, f"{prefix}x")
            return Batches(
                columns,
                *convert_targets(self, compiled, columns, y, sample_weight, class_weight, prefix),
                batch_size,
                shuffle,
            )
        if y is not None or sample_weight is not None:
            what = "y" if y is not None else "sample_weight"
            raise ValueError(f"{prefix}{what}: expected None, for {type(x).__name__} x has its own")

        def batch(entry: Any) -> Batch:
            if not isinstance(entry, tuple | list) or len(entry) not in (2, 3):
                raise ValueError(
                    f"{prefix}x: expected batches (x, y) or (x, y, sample_weight), "
                    f"got {type(entry).__name__} {entry!r:.60}"
                )
            x, y, weight = (*entry, None)[:3]
            columns = self.convert_inputs(x, f"{prefix}x")
            rest = convert_targets(self, compiled, columns, y, weight, class_weight, prefix)
            return Batches(columns, *rest).all()

        source = Source(x, batch, shuffle)
        if not self.built or self._flat is None:
            source.peek()  # its shapes build the model
        return source

    # -- fit -------------------------------------------------------------------------------

    @checked
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        *,
        distribution: DataParallel | None = None,
    ) -> History:
        """Train the model for a number of epochs.

        Parameters
        ----------
        x : array_like, (samples, ...), or list of sequences of different lengths
            Sequences, each ``(steps, ...)``, are padded with zeros to the longest of their batch;
            layers skip the padding, and it counts in no loss and no metric. A model of several
            inputs takes a list or a dict of these. Or a generator, a `PyDataset` or any other
            iterable of batches ``(x, y)`` or ``(x, y, sample_weight)``.
        y : array_like, (samples, ...), or list of sequences
            The targets, of the output's shape; a last axis of size 1 may be missing. A list of
            sequences fits an output with a time axis if x is one, too. For several outputs a list
            or a dict.
        batch_size : int, default 32
        epochs : int, default 1
            Number of the last epoch, counted from 1.
        verbose : {"auto", 0, 1, 2}
            0: silent. 2: one plain line per epoch. 1 and "auto": a progress bar on a terminal,
            plain lines elsewhere.
        callbacks : list of Callback, optional
        validation_split : float, default 0.0
            Share of the samples to set apart for validation: the last ones, before shuffling.
        validation_data : (x, y) or (x, y, sample_weight), or an iterable of batches, optional
            Data to validate on instead.
        shuffle : bool, default True
            Draw a new order of the samples for every epoch.
        class_weight : dict of int to float, optional
            Weight in the loss of the samples (or steps) of a class; 1 for classes not named.
        sample_weight : array_like, (samples,) or (samples, steps), or list, optional
            Weight of each sample, or of each step, in the loss. For several outputs a list or a
            dict, or one array for all.
        initial_epoch : int, default 0
            Number of epochs done already: training continues after them.
        steps_per_epoch : int, optional
            Number of batches of an epoch; the default is all. The next epoch continues where
            it ended. Where the data ends the epoch does, with a warning, and the next one begins
            the data again; a generator's end is that of training.
        validation_steps : int, optional
            Number of batches to validate on, the first ones each time; the default is all.
        validation_batch_size : int, optional
            The default is `batch_size`.
        validation_freq : int or list of int, default 1
            Validate after every n-th epoch, or after the listed ones, counted from 1.
        distribution : DataParallel, optional
            Train with other processes, each on its part of every batch; each validates on all the
            data. See `lstmcore.distribution`.

        Returns
        -------
        History
            ``history.history`` has the loss and the metrics of every epoch: each the mean over
            the samples, or over their unmasked steps, as predicted when their batch was trained.

        Raises
        ------
        ValueError, TypeError
            If data or arguments do not fit; the message names the argument, the expected and the
            given value. The weights are unchanged.
        RuntimeError
            If `compile` was not called.
        FloatingPointError
            If a loss or a gradient is NaN or infinite: the message names the layer, the gate and
            the time step where it began. The weights are those before this training step. With
            the callback `TerminateOnNaN` training ends without the error.
        """
        self._ready("fit")
        epochs = whole("epochs", epochs, 1)
        first = whole("initial_epoch", initial_epoch, 0, least=0)
        steps = _count("steps_per_epoch", steps_per_epoch)
        splits = bool(validation_split) and validation_data is None
        # weights of classes are for training: they come after the split
        early = None if splits else class_weight
        data = self._data(x, y, sample_weight, early, batch_size, shuffle)
        validation = None
        if validation_data is not None:
            size = validation_batch_size or getattr(data, "batch_size", batch_size)
            validation = self._validation(validation_data, size)
        elif validation_split:
            if isinstance(data, Source):
                raise ValueError("validation_split: expected arrays, got an iterable of batches")
            data, validation = data.split(validation_split)
            _, ys, weights = data.columns
            weights[:] = weigh_by_class(self, self._ready("fit"), ys, weights, class_weight)
        self._materialize_to_train("fit")
        if distribution is not None:
            distribution.prepare(self, self._ready("fit"), data)
        fit_data = _FitData(Epochs(data, steps, "steps_per_epoch"), None, validation_freq)
        if validation is not None:
            count = _count("validation_steps", validation_steps)
            fit_data.validation = Epochs(validation, count, "validation_steps")
        self.validation_freq = None if validation is None else validation_freq
        given = listed(callbacks)
        history = next((c for c in given if isinstance(c, History)), None) or History()
        self.history = history
        given = [*(c for c in given if c is not history), *progress(verbose), history]
        if distribution is not None:
            given = distribution.callbacks(given)
        params = {"verbose": verbose, "epochs": epochs, "steps": fit_data.training.steps}
        listeners = Listeners(given, self, params)
        try:
            self.ranks = distribution
            with model_generator(self):
                self._fit_epochs(range(first, epochs), fit_data, listeners)
        finally:
            self.ranks = None
            listeners.close()
        return history

    def _validation(self, given: Any, batch_size: int | None) -> Any:
        what = "validation_data: "
        if is_source(given):
            return self._data(given, None, prefix=what)
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            got = f"a {type(given).__name__}"
            got += f" of {len(given)}" if isinstance(given, tuple | list) else ""
            raise ValueError(
                f"validation_data: expected (x, y) or (x, y, sample_weight), got {got}"
            )
        x, y, weight = (*given, None)[:3]
        size = whole("validation_batch_size", batch_size, 32)
        return self._data(x, y, weight, batch_size=size, prefix=what)

    def _fit_epochs(self, epochs: range, fit_data: _FitData, listeners: Listeners) -> None:
        """Train for these epochs, with validation and callbacks."""
        compiled, ranks = self._ready("fit"), self.ranks
        self.stop_training, self.resume_at = False, None
        logs: Logs = {}
        listeners.call("on_train_begin", {})
        if ranks is not None:
            ranks.begin(self, compiled, self._flat)
        skip, epochs = self._resume(epochs)
        for epoch in epochs:
            self.reset_metrics()  # before a callback restores those of an interrupted epoch
            listeners.call("on_epoch_begin", epoch, {})
            with ignoring_overflow():
                steps = self._train_epoch(compiled, fit_data.training, listeners, skip)
            if not steps:
                if epoch == epochs.start:
                    raise ValueError("fit: x: expected at least one batch, got none")
                break  # an epoch without batches: its results would be zeros
            skip = 0
            if ranks is not None:
                ranks.reduce_metrics(compiled)
            logs = self.logs_now()
            if fit_data.validation is not None and fit_data.validates(epoch):
                tested = self._test_epoch(compiled, fit_data.validation, listeners)
                logs.update({f"val_{name}": value for name, value in tested.items()})
            listeners.call("on_epoch_end", epoch, logs)
            if ranks is not None:
                ranks.end_epoch(self, compiled, self._flat)
            if self.stop_training or fit_data.training.exhausted:
                break
        self._finalize(compiled)
        listeners.call("on_train_end", logs)
        if ranks is not None:
            ranks.end(self._flat)

    def _resume(self, epochs: range) -> tuple[int, range]:
        """Return the number of batches to skip and the epochs to train, as set by a callback."""
        if self.resume_at is None:
            return 0, epochs
        epoch, batch, state = self.resume_at
        self._state_after_skip = self.random_state if batch else None
        self.random_state = state
        return batch, range(epoch, epochs.stop)

    def _finalize(self, compiled: Compiled) -> None:
        """Replace the weights by the optimizer's moving averages, if it has any."""
        flat = self._flat
        if flat is None or not compiled.optimizer.use_ema:
            return  # nothing changed, so nothing has to be packed again
        compiled.optimizer.finalize_variable_values(flat.value[: flat.size])
        flat.version += 1

    def _train_epoch(
        self, compiled: Compiled, batches: Epochs, listeners: Listeners, skip: int
    ) -> int:
        """Train on all batches of an epoch; return their number."""
        assert self._groups is not None
        assert self._flat is not None
        begins, ends = (listeners.hears(f"on_train_batch_{end}") for end in ("begin", "end"))
        i = -1
        for i, batch in enumerate(batches):
            if i < skip:  # done before the interruption
                continue
            if i == skip:
                self._restore_random_state()
            if begins:
                listeners.call("on_train_batch_begin", i, {})
            value = self.train_batch(batch)
            if ends:
                logs = self.logs_now()
                if not math.isfinite(value):
                    logs["loss"] = value  # also if only a gradient is not finite
                listeners.call("on_train_batch_end", i, logs)
            if not math.isfinite(value):
                if not self.stop_training:  # no TerminateOnNaN
                    raise nonfinite.error(self, compiled, self._flat, batch, value, i)
                break
            if ends and self.stop_training:
                break
        self._restore_random_state()  # if the interruption was after the last batch
        return i + 1

    def _restore_random_state(self) -> None:
        """Restore the random state of the interrupted training after the skipped batches."""
        if self._state_after_skip is not None:
            self.random_state, self._state_after_skip = self._state_after_skip, None

    # -- evaluate --------------------------------------------------------------------------

    @checked
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and metrics on data, without training.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            See `fit`.
        steps : int, optional
            Number of batches to take; the default is all.
        return_dict : bool, default False

        Returns
        -------
        float, list of float or dict
            The loss; with metrics a list, the loss first; with `return_dict` all by name.
        """
        compiled = self._ready("evaluate")
        data = self._data(x, y, sample_weight, batch_size=batch_size)
        batches = Epochs(data, _count("steps", steps))
        params = {"verbose": verbose, "epochs": 1, "steps": batches.steps, "test": True}
        given = [*listed(callbacks), *progress(verbose, delay=0.5)]
        listeners = Listeners(given, self, params)
        try:
            logs = self._test_epoch(compiled, batches, listeners)
        finally:
            listeners.close()
        if not logs:
            raise ValueError("evaluate: x: expected at least one batch, got none")
        return logs if return_dict else compiled.results()

    def _test_epoch(self, compiled: Compiled, batches: Epochs, listeners: Listeners) -> Logs:
        groups = ParameterGroups(self)
        self.reset_metrics()
        batches.restart()
        listeners.call("on_test_begin", {})
        begins, ends = (listeners.hears(f"on_test_batch_{end}") for end in ("begin", "end"))
        i = -1
        for i, batch in enumerate(batches):
            if begins:
                listeners.call("on_test_batch_begin", i, {})
            self.test_batch(groups, batch)
            if ends:
                listeners.call("on_test_batch_end", i, self.logs_now())
        logs = self.logs_now() if i >= 0 else {}  # zeros would look like perfect results
        listeners.call("on_test_end", logs)
        return logs

    # -- one batch -------------------------------------------------------------------------

    @checked
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Train on one batch.

        Returns
        -------
        float, list of float or dict
            Loss and metrics on this batch alone, in the form of `evaluate`.

        Raises
        ------
        FloatingPointError
            If a loss or a gradient is NaN or infinite, as in `fit`.
        """
        compiled = self._ready("train_on_batch")
        batch = self._data(x, y, sample_weight, class_weight).all()
        self._materialize_to_train("train_on_batch")
        assert self._groups is not None
        assert self._flat is not None
        self.reset_metrics()
        with model_generator(self), ignoring_overflow():
            value = self.train_batch(batch)
        if not math.isfinite(value):
            raise nonfinite.error(self, compiled, self._flat, batch, value)
        return self.logs_now() if return_dict else compiled.results()

    @checked
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return the loss and metrics on one batch, without training."""
        compiled = self._ready("test_on_batch")
        batch = self._data(x, y, sample_weight).all()
        self.reset_metrics()
        self.test_batch(ParameterGroups(self), batch)
        return self.logs_now() if return_dict else compiled.results()


class _FitData:
    """The data of one `fit`, and the epochs after which it validates."""

    def __init__(self, training: Epochs, validation: Epochs | None, freq: Any) -> None:
        self.training, self.validation = training, validation
        several = isinstance(freq, list | tuple | set)
        self._after = set(freq) if several else None
        self._every = 1 if several else whole("validation_freq", freq, 1)

    def validates(self, epoch: int) -> bool:
        """Return True if an epoch, counted from 0, is followed by a validation."""
        if self._after is not None:
            return epoch + 1 in self._after
        return (epoch + 1) % self._every == 0


def _count(argument: str, value: Any) -> int | None:
    return None if value is None else whole(argument, value, 1)
