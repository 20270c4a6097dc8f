"""History: the logs of every epoch."""

from __future__ import annotations

from typing import Any

from .base import Callback, Logs


class History(Callback):
    """The logs of every epoch; what `fit` returns.

    Attributes
    ----------
    history : dict of str to list of float
        ``"loss"``, the metrics, and both with ``"val_"`` before, each with one number an epoch.
    epoch : list of int
        The epochs, counted from 0.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]
