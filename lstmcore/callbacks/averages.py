"""SwapEMAWeights: evaluation with the moving averages of the weights."""

from __future__ import annotations

from typing import Any

from ..validation import Array
from .base import Callback, Logs


class SwapEMAWeights(Callback):
    """Evaluate with the moving averages of the weights, of an optimizer with ``use_ema=True``.

    Parameters
    ----------
    swap_on_epoch : bool, default False
        Also use the averages from the end of each epoch to the beginning of the next, so that
        a `ModelCheckpoint` after this callback writes them.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = bool(swap_on_epoch)
        self._kept: Array | None = None  # the weights, while the averages replace them

    def _use_averages(self) -> None:
        optimizer, flat = self.model.optimizer, self.model._flat
        if not getattr(optimizer, "use_ema", False):
            raise ValueError("SwapEMAWeights: expected an optimizer with use_ema=True")
        averages = optimizer.slots.get("average")
        if self._kept is None and averages is not None:  # None before the first step
            self._kept = flat.value[: flat.size].copy()
            self._set(averages)

    def _restore_weights(self) -> None:
        if self._kept is not None:
            self._set(self._kept)
            self._kept = None

    def _set(self, weights: Array) -> None:
        flat = self.model._flat
        flat.value[: flat.size] = weights
        flat.version += 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._restore_weights()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._use_averages()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._kept = None

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._kept = None  # fit ends with the averages as the weights

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._use_averages()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._restore_weights()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._use_averages()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._restore_weights()

    def close(self) -> None:
        """Restore the weights after an interrupt."""
        self._restore_weights()

    def get_state(self) -> dict[str, Any]:
        return {} if self._kept is None else {"kept": self._kept}

    def set_state(self, state: dict[str, Any]) -> None:
        self._kept = state.get("kept")
