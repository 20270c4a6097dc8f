"""Callback that saves and restores the best model, also after Ctrl-C."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from ..callbacks import Logs
from ..callbacks.monitor import Monitor
from .errors import Interrupted


class BestModelCallback(Monitor):
    """Implementation of `common.best_model_callback`."""

    def __init__(
        self,
        save: Callable[[], object] | None,
        path: str | os.PathLike[str] | None,
        monitor: str | None,
        mode: str,
    ) -> None:
        super().__init__(monitor or "", mode)
        self.save, self.path = save, path
        self.best_epoch: int | None = None
        self._weights: list[Any] = []
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._steps += 1

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not self.monitor:
            self.monitor = "val_loss" if "val_loss" in (logs or {}) else "loss"
        value = self.value(logs)
        if value is None or not self.improved(value, self.best):
            return
        self._weights = self.model.get_weights()
        self.best, self.best_epoch = value, epoch
        if self.save is not None:
            self.save()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.best_epoch is not None:
            self.model.set_weights(self._weights)
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, Interrupted):
            raise Interrupted(self._outcome()) from None

    def _outcome(self) -> str:
        """Return a message that says what was saved."""
        if self.best_epoch is None:
            if self.save is None or not self._steps:
                return "nothing was trained yet" if not self._steps else "no epoch was done yet"
            self.save()
            return f"the model after {self._steps} steps of its first epoch is in {self.path}"
        model = (
            f"the best model so far (epoch {self.best_epoch + 1}, {self.monitor} {self.best:.4g})"
        )
        return model + (f" is in {self.path}" if self.save is not None else " was not saved")
