"""EarlyStopping and TerminateOnNaN: callbacks that end training."""

from __future__ import annotations

import math
from typing import Any

from ..validation import Array
from .base import Callback, Logs, message
from .monitor import Monitor


class EarlyStopping(Monitor):
    """Stop training when a monitored value has stopped improving.

    Parameters
    ----------
    monitor : str, default "val_loss"
    min_delta : float, default 0
        Smallest change that is an improvement.
    patience : int, default 0
        Number of epochs without improvement before training stops.
    verbose : {0, 1}, default 0
        1: print a message when training stops.
    mode : {"auto", "min", "max"}, default "auto"
        The direction of improvement; "auto" derives it from the name.
    baseline : float, optional
        Also stop if this value is not improved on within `patience` epochs.
    restore_best_weights : bool, default False
        Restore the weights of the best epoch at the end of training, for whatever reason it
        ends: patience, the last epoch, an interrupt or an error.
    start_from_epoch : int, default 0
        Number of epochs at the start that are ignored.

    Attributes
    ----------
    best : float or None
    best_weights : list of ndarray or None
    best_epoch, stopped_epoch : int
        Counted from 0; `stopped_epoch` is 0 if training was not stopped.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = bool(restore_best_weights)
        self.start_from_epoch = start_from_epoch
        self.best_weights: list[Array] | None = None
        self._training = False
        self._reset()

    def _reset(self) -> None:
        self.best = self.best_weights = None
        self.wait = self.stopped_epoch = self.best_epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()
        self._training = True

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.value_or_warning(logs, "training is not stopped by it")
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improved(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improved(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            message(f"Epoch {self.stopped_epoch + 1}: early stopping")
        self._restore()

    def _restore(self) -> None:
        self._training = False
        if self.best_weights is not None:
            if self.verbose:
                message(f"Restoring the weights of the best epoch, {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)

    def close(self) -> None:
        """Restore the best weights if an interrupt or an error ended training."""
        if self._training:
            self._restore()

    def get_state(self) -> dict[str, Any]:
        names = ("wait", "stopped_epoch", "best_epoch")
        weights = {f"weight_{i}": w for i, w in enumerate(self.best_weights or ())}
        return super().get_state() | {name: getattr(self, name) for name in names} | weights

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.wait, self.stopped_epoch = state["wait"], state["stopped_epoch"]
        self.best_epoch = state["best_epoch"]
        count = sum(name.startswith("weight_") for name in state)
        self.best_weights = [state[f"weight_{i}"] for i in range(count)] or None


class TerminateOnNaN(Callback):
    """Stop training when the loss is NaN or infinite.

    Parameters
    ----------
    raise_error : bool, default False
        Raise RuntimeError, so that ``on_train_end`` of the callbacks is not called.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = bool(raise_error)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        text = f"Batch {batch}: the loss is {loss}, training ends"
        if self.raise_error:
            raise RuntimeError(text)
        message(text)
        self.model.stop_training = True
