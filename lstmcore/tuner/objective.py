"""Objective: the quantity that a search minimizes or maximizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..callbacks import History
from ..callbacks.monitor import Monitor
from ..names import nearest

DEFAULT = "default_objective"  # the number that a user's own `fit` or `run_trial` returns


class SearchError(Exception):
    """Error that no trial can avoid, so that the search ends."""


@dataclass(frozen=True)
class Objective:
    """Name of a logged quantity, and the direction in which it is better.

    Parameters
    ----------
    name : str
        As in `History`: ``"val_loss"``.
    direction : {"min", "max"}
    """

    name: str
    direction: str

    def __post_init__(self) -> None:
        if self.direction not in ("min", "max"):
            raise ValueError(
                f"Objective: direction: expected 'min' or 'max', got {self.direction!r}"
            )

    def better(self, value: float, best: float | None) -> bool:
        """Return True if a value is better than the best so far; NaN is better only than None."""
        if best is None or math.isnan(best):
            return best is None or not math.isnan(value)
        return value < best if self.direction == "min" else value > best

    def best_of(self, values: Any) -> float:
        """Return the best of several values; NaN if there is none."""
        best: float | None = None
        for value in values:
            best = float(value) if self.better(float(value), best) else best
        return math.nan if best is None else best

    def score(self, result: Any) -> float:
        """Return the score for the result of training.

        Parameters
        ----------
        result : History, dict, number, or list of these
            The score of a history is its best epoch, that of a list the mean.

        Raises
        ------
        SearchError
            If the result does not contain the objective.
        """
        if isinstance(result, list | tuple) and result:
            return float(np.mean([self.score(one) for one in result]))
        if isinstance(result, History):
            return self.best_of(self._find(result.history))
        if isinstance(result, Mapping):
            return float(self._find(result))
        if _is_number(result):
            return float(result)
        raise SearchError(
            f"objective: expected a History, a dict or a number from training, got {result!r:.60}"
        )

    def _find(self, logs: Mapping[str, Any]) -> Any:
        if self.name in logs:
            return logs[self.name]
        if self.name == DEFAULT:
            raise SearchError("objective: name one, say objective='val_loss'")
        hint = nearest(self.name, logs)
        if self.name.startswith("val_") and not any(name.startswith("val_") for name in logs):
            hint += " (there was no validation: give search validation_data or validation_split)"
        raise SearchError(f"objective: no {self.name!r} after training: {hint}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def make_objective(given: Any, model: Any) -> Objective:
    """Return an `Objective`, from its name if necessary.

    Parameters
    ----------
    given : str, Objective or None
        None: the number that a user's own `HyperModel.fit` returns, to be minimized.
    model : Model
        A compiled model, whose metrics determine the direction.

    Raises
    ------
    ValueError
        If the direction cannot be determined from the name.
    """
    if isinstance(given, Objective):
        return given
    if given is None:
        return Objective(DEFAULT, "min")
    if not isinstance(given, str):
        raise TypeError(f"objective: expected a name such as 'val_loss', got {given!r}")
    monitor = Monitor(given, "auto")
    monitor.set_model(model)
    try:
        up = monitor.improved(1.0, 0.0)
    except ValueError:
        raise ValueError(
            f"objective: {given!r} does not say whether less or more is better: "
            f"give Objective({given!r}, 'min') or Objective({given!r}, 'max')"
        ) from None
    return Objective(given, "max" if up else "min")
