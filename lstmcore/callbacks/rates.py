"""Callbacks that set the learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from numbers import Real
from typing import Any

from ..validation import real
from .base import Callback, Logs, message
from .monitor import Monitor


def learning_rate(optimizer: Any) -> float:
    """Return an optimizer's present learning rate, also if it follows a schedule."""
    rate = optimizer.learning_rate
    return float(rate(optimizer.iterations) if callable(rate) else rate)


def check_settable(callback: Callback) -> None:
    """Raise ValueError if the optimizer's learning rate follows a schedule."""
    if callback.model.optimizer.fixed_rate is None:
        raise ValueError(
            f"{type(callback).__name__}: the optimizer's learning rate follows a schedule: "
            "give the optimizer a number"
        )


class ReduceLROnPlateau(Monitor):
    """Reduce the learning rate when a monitored value has stopped improving.

    Parameters
    ----------
    monitor : str, default "val_loss"
    factor : float, default 0.1
        The new learning rate is the old one times this.
    patience : int, default 10
        Number of epochs without improvement before a reduction.
    verbose : {0, 1}, default 0
        1: print a message at each reduction.
    mode : {"auto", "min", "max"}, default "auto"
        The direction of improvement; "auto" derives it from the name.
    min_delta : float, default 1e-4
        Smallest change that is an improvement.
    cooldown : int, default 0
        Number of epochs after a reduction that do not count towards `patience`.
    min_lr : float, default 0.0
        Lower bound of the learning rate.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        factor = real("ReduceLROnPlateau: factor", factor)
        if not 0 <= factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor: expected 0 to below 1, got {factor!r}")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        check_settable(self)
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = learning_rate(self.model.optimizer)
        value = self.value_or_warning(logs, "the learning rate stays")
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improved(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and logs["learning_rate"] > self.min_lr:
                self._reduce(epoch, logs["learning_rate"])

    def _reduce(self, epoch: int, old: float) -> None:
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            message(f"Epoch {epoch + 1}: ReduceLROnPlateau sets the learning rate to {new:g}")

    def in_cooldown(self) -> bool:
        """Return True if the last reduction was less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def get_state(self) -> dict[str, Any]:
        counters = {"wait": self.wait, "cooldown_counter": self.cooldown_counter}
        return super().get_state() | counters

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.wait, self.cooldown_counter = state["wait"], state["cooldown_counter"]


class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of each epoch.

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch, learning_rate)``, or ``schedule(epoch)``, returns the new learning rate;
        epochs are counted from 0.
    verbose : {0, 1}, default 0
        1: print a message at each epoch.
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = _takes_two(schedule)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        check_settable(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        given = (epoch, learning_rate(optimizer)) if self._takes_rate else (epoch,)
        rate = self.schedule(*given)
        if isinstance(rate, bool) or not isinstance(rate, Real):
            raise ValueError(f"LearningRateScheduler: schedule: expected a number, got {rate!r}")
        optimizer.learning_rate = float(rate)
        if self.verbose:
            message(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = learning_rate(self.model.optimizer)


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(0, 0.1)
    except (TypeError, ValueError):
        return False
    return True
