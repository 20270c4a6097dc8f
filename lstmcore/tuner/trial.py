"""Trial: hyperparameters and results as seen by users."""

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
    """Return the name of the trial at a place, such as ``"0007"``."""
    return f"{place:04d}"


class Trial:
    """One combination of hyperparameters with its result.

    Attributes
    ----------
    trial_id : str
        ``"0000"`` and so on.
    hyperparameters : HyperParameters
    status : {"COMPLETED", "PRUNED", "FAILED", "RUNNING"}
        "PRUNED" trials were worse than others at the same epoch, or diverged.
    score : float or None
        The objective of the best epoch, averaged over executions.
    best_step : int or None
        The epoch of the saved model, counted from 1.
    metrics : dict of str to float
        The logs of that epoch.
    message : str or None
        The reason why the trial failed.
    seconds : float or None
        The duration of the trial.
    threads : int or None
        The number of threads that it used.
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
        """Return the trial for an Optuna trial that has a result."""
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
    """Return the values on one line."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in hp.values.items()
    )
