"""ModelCheckpoint: model files written during training."""

from __future__ import annotations

import os
from typing import Any

from ..names import nearest
from ..saving.safetensors_file import check_name
from ..validation import file_path
from .base import Logs, message
from .monitor import Monitor


def check_freq(who: str, save_freq: Any) -> Any:
    """Return "epoch" or a number of batches; raise ValueError for anything else."""
    number = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq >= 1
    if save_freq != "epoch" and not number:
        raise ValueError(
            f"{who}: save_freq: expected 'epoch' or a number of batches, got {save_freq!r}"
        )
    return save_freq


class ModelCheckpoint(Monitor):
    """Write the model, or its weights, after each epoch or a number of batches.

    Writes are atomic: there is always a complete file. With ``save_best_only`` it is that of the
    best epoch.

    Parameters
    ----------
    filepath : path-like
        May have fields in braces: ``epoch``, counted from 1, ``batch`` if `save_freq` is a
        number, and the keys of the logs: ``"{epoch:02d}-{val_loss:.2f}.safetensors"``.
    monitor : str, default "val_loss"
        The key in the logs that `save_best_only` compares.
    verbose : {0, 1}, default 0
        1: print a message for each file.
    save_best_only : bool, default False
        Write only if `monitor` has improved.
    save_weights_only : bool, default False
        Write with `Model.save_weights`, not with `Model.save`.
    mode : {"auto", "min", "max"}, default "auto"
        The direction of improvement; "auto" derives it from the name.
    save_freq : "epoch" or int, default "epoch"
        Write after each epoch, or after this number of batches.
    initial_value_threshold : float, optional
        Value that the first one must improve on.

    Raises
    ------
    ValueError
        At the beginning of training, if `filepath` has the suffix of another library's format.
    """

    writes = True

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath, self.verbose = file_path("ModelCheckpoint: filepath", filepath), verbose
        self.save_best_only, self.save_weights_only = bool(save_best_only), bool(save_weights_only)
        self.save_freq = check_freq("ModelCheckpoint", save_freq)
        self.initial_value_threshold = self.best = initial_value_threshold
        self._epoch = self._batches = 0

    def listens(self, hook: str) -> bool:
        """Return True if the hook is overridden; the batch hook only if `save_freq` is a number."""
        own = getattr(type(self), hook, None) is ModelCheckpoint.on_train_batch_end
        return super().listens(hook) and not (own and self.save_freq == "epoch")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        what = "save_weights" if self.save_weights_only else "save"
        check_name(self.filepath, f"ModelCheckpoint: {what}", what)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save({"epoch": self._epoch + 1, "batch": batch + 1}, logs or {}, "a batch")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save({"epoch": epoch + 1}, logs or {}, "an epoch")

    def _save(self, counters: dict[str, int], logs: Logs, when: str) -> None:
        note, value = "", None
        if self.save_best_only:
            value = self.value_or_warning(logs, "every model is saved, not only the best", when)
            if value is None and not self._warned:
                return
        if value is not None:
            before = "none" if self.best is None else f"{self.best:.5f}"
            if not self.improved(value, self.best):
                self._say(counters, f"{self.monitor} has not improved from {before}")
                return
            self.best, note = value, f"{self.monitor} improved from {before} to {value:.5f}, "
        path = self._path({**logs, **counters})
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)
        self._say(counters, f"{note}model saved to {path}")

    def _path(self, fields: dict[str, Any]) -> str:
        try:
            return self.filepath.format(**fields)
        except KeyError as error:
            name = str(error.args[0])
            raise ValueError(
                f"ModelCheckpoint: filepath: no {name!r} to put into {self.filepath!r}: "
                f"{nearest(name, fields)}"
            ) from None

    def _say(self, counters: dict[str, int], text: str) -> None:
        if self.verbose:
            message(f"Epoch {counters['epoch']}: {text}")

    def get_state(self) -> dict[str, Any]:
        return super().get_state() | {"batches": self._batches}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self._batches = state["batches"]
