"""Monitor: the base class of callbacks that monitor a value of the logs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..names import nearest, snake_case
from ..validation import real
from .base import Callback, Logs

MODES = ("auto", "min", "max")
# Parts of names of metrics where higher is better, and lower; checked in this order.
UP = (
    *("acc", "auc", "precision", "recall", "sensitivity", "specificity", "f1", "fbeta"),
    *("iou", "io_u", "top_k", "r2", "cosine_similarity", "correlation"),
)
DOWN = (
    *("loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "logcosh", "log_cosh"),
    *("kl_divergence", "poisson", "hinge", "perplexity", "bits"),
)


class MonitorMissing(ValueError):
    """The error for logs that do not have the monitored value."""


class Monitor(Callback):
    """The base class of callbacks that monitor a value of the logs.

    Parameters
    ----------
    monitor : str
        Its key, as in `History`.
    mode : {"auto", "min", "max"}
        The direction of improvement; "auto" derives it from the name.
    min_delta : float
        Smallest change that is an improvement.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float = 0) -> None:
        if mode not in MODES:
            raise ValueError(f"{type(self).__name__}: mode: {mode!r}: {nearest(str(mode), MODES)}")
        self.monitor, self.mode, self.min_delta = (
            monitor,
            mode,
            abs(real(f"{type(self).__name__}: min_delta", min_delta)),
        )
        self.best: float | None = None
        self._up: bool | None = None
        self._warned = False

    def value(self, logs: Logs | None, when: str = "an epoch") -> float | None:
        """Return the value, or None if only this epoch has none.

        Raises
        ------
        MonitorMissing
            If the logs have no value of this name.
        """
        logs = logs or {}
        if type(self).get_monitor_value is not Monitor.get_monitor_value:
            own = self.get_monitor_value(logs)
            return None if own is None else float(own)
        if self.monitor in logs:
            number = logs[self.monitor]
            if np.ndim(number):
                raise self._error(f"expected one number, got {np.shape(number)} of them")
            return float(number)
        hint = nearest(self.monitor, logs)
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs):
            if getattr(self.model, "validation_freq", None) not in (None, 1):
                return None  # not every epoch has a validation
            hint = f"{hint} (there was no validation)"
        known = ", ".join(logs) or "nothing"
        raise MonitorMissing(self._text(f"no {self.monitor!r} after {when}, only {known}: {hint}"))

    def get_monitor_value(self, logs: Logs | None) -> float | None:
        """Return the value, for subclasses to override; None if this epoch has none."""
        return self.value(logs)

    def value_or_warning(
        self, logs: Logs | None, without: str, when: str = "an epoch"
    ) -> float | None:
        """Return the value; if the logs never have it warn, once, as Keras does, and return None.

        Parameters
        ----------
        logs : dict or None
        without : str
            The consequence of there being no such value, for the warning.
        when : str
        """
        try:
            return self.value(logs, when)
        except MonitorMissing as error:
            if not self._warned:
                self._warned = True
                warnings.warn(f"{error}; {without}", stacklevel=2)
            return None

    def _text(self, text: str) -> str:
        return f"{type(self).__name__}: monitor: {text}"

    def _error(self, text: str) -> ValueError:
        return ValueError(self._text(text))

    def improved(self, value: float, best: float | None) -> bool:
        """Return True if a value improves on the best so far; NaN only improves on None."""
        if best is None:
            return True
        if math.isnan(best):
            return not math.isnan(value)
        if self._up is None:
            self._up = self.mode == "max" or (self.mode == "auto" and self._more_is_better())
        return value - self.min_delta > best if self._up else value + self.min_delta < best

    def _more_is_better(self) -> bool:
        name = self.monitor.removeprefix("val_")
        metrics = [m for m in getattr(self.model, "metrics", ()) if m.name == name]
        for metric in metrics:
            direction = getattr(metric, "_direction", None)
            if direction is not None:
                return bool(direction == "up")
        for text in (name, *(snake_case(type(m).__name__) for m in metrics)):
            for words, up in ((UP, True), (DOWN, False)):
                if any(word in text.lower() for word in words):
                    return up
        raise self._error(
            f"{self.monitor!r} does not say whether more or less is better: "
            "give mode='min' or mode='max'"
        )

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
