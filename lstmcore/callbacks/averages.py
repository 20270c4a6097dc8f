"""Weights averaged over the steps of training, in the place of the weights."""

from __future__ import annotations

from typing import Any

from ..validation import Array
from .base import Callback, Logs


class SwapEMAWeights(Callback):
    """Evaluate with the running means of the weights that an optimizer with ``use_ema=True`` keeps.

    Parameters
    ----------
    swap_on_epoch : bool, default False
        Put them in from the end of each epoch to the beginning of the next as well, so that
        `ModelCheckpoint`, if it comes after this callback, writes them.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = bool(swap_on_epoch)
        self._kept: Array | None = None  # the weights while the means are in their place

    def _put_means(self) -> None:
        optimizer, flat = self.model.optimizer, self.model._flat
        if not getattr(optimizer, "use_ema", False):
            raise ValueError("SwapEMAWeights: expected an optimizer with use_ema=True")
        means = optimizer.slots.get("average")
        if self._kept is None and means is not None:  # there are none before the first step
            self._kept = flat.value[: flat.size].copy()
            self._set(means)

    def _put_back(self) -> None:
        if self._kept is not None:
            self._set(self._kept)
            self._kept = None

    def _set(self, weights: Array) -> None:
        flat = self.model._flat
        flat.value[: flat.size] = weights
        flat.version += 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._put_back()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._put_means()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._kept = None

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._kept = None  # fit ends with the means in their place

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._put_means()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._put_back()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._put_means()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._put_back()

    def close(self) -> None:
        """Put the weights back after an interrupt."""
        self._put_back()

    def get_state(self) -> dict[str, Any]:
        return {} if self._kept is None else {"kept": self._kept}

    def set_state(self, state: dict[str, Any]) -> None:
        self._kept = state.get("kept")
