"""BackupAndRestore: training that can be interrupted and resumed exactly."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..saving import restore_state, save_state
from ..saving.atomic import leftovers
from ..validation import Array, file_path
from .base import Callback, Logs
from .checkpoint import check_freq


class BackupAndRestore(Callback):
    """Save the state of training to a file, and resume from it when `fit` is called again.

    Training that was killed at any moment and started again in the same way ends with exactly the
    weights of uninterrupted training: optimizer, learning rate, random numbers, the order of
    samples, metrics, stateful layers, `History` and the counters of the other callbacks are all
    restored. The file is deleted when training has ended.

    Parameters
    ----------
    backup_dir : path-like
        A folder for this run alone.
    save_freq : "epoch" or int, default "epoch"
        Save after each epoch, or after this number of batches.
    double_checkpoint : bool, default False
        Also keep the previous backup, in case the last one is damaged on disk.
    delete_checkpoint : bool, default True
        Delete the backup when training has ended.

    Notes
    -----
    It is called after all other callbacks, whatever its place in the list. A generator must yield
    the same batches again: those that were done are skipped.
    """

    writes = True

    late = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        self.backup_dir = file_path("BackupAndRestore: backup_dir", backup_dir)
        if not self.backup_dir:
            raise ValueError("BackupAndRestore: backup_dir: expected the name of a folder, got ''")
        self.save_freq = check_freq("BackupAndRestore", save_freq)
        self.double_checkpoint = bool(double_checkpoint)
        self.delete_checkpoint = bool(delete_checkpoint)
        self._latest = os.path.join(self.backup_dir, "latest.safetensors")
        self._previous = os.path.join(self.backup_dir, "previous.safetensors")
        self._begin()

    def _begin(self) -> None:
        self._epoch = self._unsaved = 0
        self._random: Any = None  # the random state at the beginning of the epoch
        # a restored state within an epoch, until that epoch begins
        self._resumed: dict[str, Any] | None = None

    def listens(self, hook: str) -> bool:
        """Return True if the hook is overridden; the batch hook only if `save_freq` is a number."""
        own = getattr(type(self), hook, None) is BackupAndRestore.on_train_batch_end
        return super().listens(hook) and not (own and self.save_freq == "epoch")

    def set_others(self, callbacks: list[Callback]) -> None:
        self._others = [callback for callback in callbacks if callback is not self]

    # -- backing up ------------------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        if self._resumed is None:
            self._random = self.model.random_state
            return
        # whatever the other callbacks did at this hook, they had done before the interruption
        state, self._resumed = self._resumed, None
        self._random = self.model.random_state = state["random_epoch"]
        if state["learning_rate"] is not None:
            self.model.optimizer.learning_rate = state["learning_rate"]
        self._set_states(state)
        for metric, numbers in zip(self.model.metrics, state["metrics"], strict=True):
            metric.set_state(numbers)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._unsaved += 1
        last = batch + 1 == self.params["steps"]  # if so, wait for the end of the epoch
        if self._unsaved >= self.save_freq and not last:
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch" or self._unsaved >= self.save_freq:
            self._save(epoch + 1, 0)

    def _save(self, epoch: int, batch: int) -> None:
        self._unsaved = 0
        model, states = self.model, {key: c.get_state() for key, c in self._named()}
        extra = {
            "epoch": epoch,
            "batch": batch,
            "steps": self.params["steps"],
            "stop": model.stop_training,
            "random": model.random_state,
            "random_epoch": self._random,
            "metrics": [metric.get_state() for metric in model.metrics] if batch else [],
            "callbacks": {key: _split(state)[0] for key, state in states.items()},
        }
        arrays = {
            f"{key}/{name}": array
            for key, state in states.items()
            for name, array in _split(state)[1].items()
        }
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._latest):
            os.replace(self._latest, self._previous)
        save_state(model, self._latest, extra, arrays)

    def _named(self) -> Iterator[tuple[str, Callback]]:
        """Yield the other callbacks with reproducible names: class and number."""
        seen: Counter[str] = Counter()
        for callback in self._others:
            name = getattr(callback, "backup_name", type(callback).__name__)
            yield f"{name}_{seen[name]}", callback
            seen[name] += 1

    # -- restoring -------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()
        state = self._read()
        if state is None:
            return
        epoch, batch, steps = state["epoch"], state["batch"], self.params["steps"]
        if batch and state["steps"] != steps:
            raise ValueError(
                f"BackupAndRestore: the backup in {self.backup_dir} is of a run with "
                f"{state['steps']} steps an epoch, this one has {steps}: give fit the same data "
                "and batch_size, or delete the folder to begin anew"
            )
        self._set_states(state)
        model = self.model
        if state["stop"] and not batch:
            epoch = max(epoch, self.params["epochs"])  # training was over
        model.random_state = state["random"]
        model.resume_at = (epoch, batch, state["random_epoch" if batch else "random"])
        if batch:
            self._resumed = state

    def _read(self) -> dict[str, Any] | None:
        """Restore the model from the backup; return the rest of the state, None without one."""
        paths = [path for path in (self._latest, self._previous) if os.path.exists(path)]
        for path in paths:
            try:
                state: dict[str, Any]
                state, arrays = restore_state(self.model, path)
            except ValueError as error:
                if path == paths[-1]:
                    raise ValueError(
                        f"BackupAndRestore: {error} (delete {self.backup_dir} to begin anew)"
                    ) from error
                continue
            for name, array in arrays.items():
                key, _, argument = name.partition("/")
                state["callbacks"][key][argument] = array
            state["learning_rate"] = self.model.optimizer.fixed_rate
            return state
        return None

    def _set_states(self, state: dict[str, Any]) -> None:
        for key, callback in self._named():
            if key in state["callbacks"]:
                callback.set_state(dict(state["callbacks"][key]))

    def on_train_end(self, logs: Logs | None = None) -> None:
        if not self.delete_checkpoint or not os.path.isdir(self.backup_dir):
            return
        for path in (self._latest, self._previous, *leftovers(self._latest)):
            if os.path.exists(path):
                os.remove(path)
        if not os.listdir(self.backup_dir):  # keep the folder if it has files of others
            os.rmdir(self.backup_dir)


def _split(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Split a callback's state into values for JSON and arrays."""
    arrays = {name: v for name, v in state.items() if isinstance(v, np.ndarray)}
    return {name: v for name, v in state.items() if name not in arrays}, arrays
