"""A trial as users see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .hyperparameters import HyperParameters

STATUS = {
    "COMPLETE": "COMPLETED",
    "FAIL": "FAILED",
    "PRUNED": "PRUNED",
    "RUNNING": "RUNNING",
    "WAITING": "WAITING",
}


def name_of(place: int) -> str:
    """The name of the trial of this place: ``"0007"``."""
    return f"{place:04d}"


class Trial:
    """One combination of hyperparameters, and what came of it.

    Attributes
    ----------
    trial_id : str
        ``"0000"`` and so on.
    hyperparameters : HyperParameters
    status : {"COMPLETED", "PRUNED", "FAILED", "RUNNING"}
        "PRUNED" trials were worse than others at the same time of their training, or diverged.
    score : float or None
        The objective: the best epoch, the mean over all executions.
    best_step : int or None
        The epoch, counted from 1, of the model on disk.
    metrics : dict of str to float
        The logs of that epoch.
    message : str or None
        Why the trial has failed.
    seconds : float or None
        What it took.
    threads : int or None
        How many there were for it.
    """

    def __init__(self, trial_id: str, hyperparameters: HyperParameters, status: str) -> None:
        self.trial_id, self.hyperparameters = trial_id, hyperparameters
        self.status = status
        self.score: float | None = None
        self.best_step: int | None = None
        self.metrics: dict[str, float] = {}
        self.message: str | None = None
        self.seconds: float | None = None
        self.threads: int | None = None

    @classmethod
    def _of(cls, trial: Any, place: int) -> Trial:
        """From a trial of a study that has a result."""
        result = trial.user_attrs["result"]
        hp = HyperParameters.from_config(result["hp"] or {"space": [], "values": trial.params})
        made = cls(name_of(place), hp, STATUS[trial.state.name])
        made.score, made.message = result.get("score"), result.get("error")
        made.best_step, made.metrics = result.get("epoch"), result.get("logs") or {}
        made.seconds, made.threads = result.get("seconds"), result.get("threads")
        return made

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the hyperparameters and the score."""
        print_fn(f"Trial {self.trial_id} summary")
        print_fn("Hyperparameters:")
        for name, value in self.hyperparameters.values.items():
            print_fn(f"{name}: {value}")
        if self.score is not None:
            pruned = " (pruned)" if self.status == "PRUNED" else ""
            print_fn(f"Score: {self.score}{pruned}")
        if self.message is not None:
            print_fn(f"{self.status.capitalize()}: {self.message}")

    def __repr__(self) -> str:
        return f"Trial({self.trial_id}, {self.status}, score={self.score}, {self.hyperparameters})"


def short(hp: HyperParameters) -> str:
    """The values on one line."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in hp.values.items()
    )
