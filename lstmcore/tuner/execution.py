"""Parts of the execution of a trial: random state, the trial's callback, users' callbacks."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..callbacks import BackupAndRestore, Callback, Logs, TensorBoard
from ..callbacks.monitor import Monitor
from .objective import DEFAULT, Objective, SearchError
from .storage import interrupts_deferred


class TrialCallback(Monitor):
    """Callback that reports the objective after every epoch, saves the best model, and prunes.

    One instance serves all executions of a trial: the model on disk is of the best epoch of all.

    Parameters
    ----------
    objective : Objective
    path : Path
        The model's file.
    trial : optuna.Trial
    reports : bool
        True if there is a pruner to report to.

    Attributes
    ----------
    best_epoch : int or None
        The best epoch of the best execution, counted from 1.
    best_logs : dict
    pruned : bool
        True if training ended because the trial was worse than others at that epoch.
    """

    backup_name = "Watch"  # the name in files of BackupAndRestore, older than the class's

    def __init__(self, objective: Objective, path: Path, trial: Any, reports: bool) -> None:
        mode = objective.direction
        super().__init__(objective.name, mode)
        self.path, self._trial = path, trial
        self._monitors, self._reports = objective.name != DEFAULT, reports
        self._values: list[tuple[int, float]] = []  # epochs and objectives of this execution
        self.best_epoch: int | None = None
        self.best_logs: dict[str, Any] = {}
        self.pruned = False
        self.saved = False

    def begin(self, first: bool) -> None:
        """Start an execution; only the first one reports to the pruner."""
        self._reports = self._reports and first
        self._values = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not self._monitors:
            return
        try:
            value = self.value(logs)
        except ValueError as error:
            text = str(error).removeprefix("TrialCallback: monitor: ")
            hint = ": give search validation_data or validation_split"
            raise SearchError(
                f"objective: {text}{hint if 'no validation' in text else ''}"
            ) from None
        if value is None:
            return
        self._values.append((epoch, value))
        if self.improved(value, self.best):
            self.best, self.best_epoch, self.best_logs = value, epoch + 1, dict(logs or {})
            self.save(self.model)
        if self._reports:
            last = epoch + 1 == self.params["epochs"]
            with interrupts_deferred():
                self._report(epoch, value)
                self.pruned = not last and self._trial.should_prune()
            if self.pruned:
                self.model.stop_training = True

    def save(self, model: Any) -> None:
        """Save the model to the trial's file."""
        model.save(self.path)
        self.saved = True

    def _report(self, epoch: int, value: float) -> None:
        if not math.isnan(value):
            self._trial.report(value, epoch + 1)

    def get_state(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_logs": self.best_logs,
            "values": self._values,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.best_epoch, self.best_logs = state["best_epoch"], state["best_logs"]
        self.saved = self.best_epoch is not None
        self._values = [(int(epoch), float(value)) for epoch, value in state["values"]]
        if self._reports:  # for Optuna it is a new trial, without reports of earlier epochs
            for epoch, value in self._values:
                self._report(epoch, value)


def copy_callbacks(given: Any, trial_id: str, execution: int) -> list[Callback]:
    """Copy the user's callbacks for one training, with a subfolder of each folder they write to."""
    callbacks: Sequence[Any] = [given] if isinstance(given, Callback) else list(given or ())
    copies = copy.deepcopy(callbacks)
    subfolder = os.path.join(trial_id, f"execution{execution}")
    made: list[Callback] = []
    for callback in copies:
        if isinstance(callback, TensorBoard):
            callback.log_dir = os.path.join(callback.log_dir, subfolder)
        if isinstance(callback, BackupAndRestore):
            callback = BackupAndRestore(
                os.path.join(callback.backup_dir, subfolder),
                callback.save_freq,
                callback.double_checkpoint,
                callback.delete_checkpoint,
            )
        made.append(callback)
    return made
