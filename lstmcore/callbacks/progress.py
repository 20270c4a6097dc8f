"""Progress of training, evaluation and prediction: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from .. import config
from .base import Callback, Logs


def format_logs(logs: Mapping[str, float]) -> str:
    """Return logs as text, ``loss: 0.1234 - val_loss: 1.2e-05``, in their order."""
    return " - ".join(
        f"{name}: {value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{name}: {value:.4e}"
        for name, value in logs.items()
    )


class _Lines(Callback):
    """Progress as one plain line an epoch."""

    writes = True

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._print(f"Epoch {epoch + 1}/{self.params['epochs']}", logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if self.params.get("test"):
            self._start = time.perf_counter()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.params.get("test"):
            self._print("Evaluated", logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._start = time.perf_counter()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._print("Predicted", None)

    def _print(self, what: str, logs: Logs | None) -> None:
        seconds = time.perf_counter() - self._start
        steps = self.params["steps"]  # None for a generator
        parts = [what, f"{seconds:.2f}s"]
        if steps:
            parts.append(f"{1000 * seconds / steps:.3g}ms/step")
        if logs:
            parts.append(format_logs(logs))
        print(*parts, sep=" - ", file=self._out, flush=True)


def in_notebook() -> bool:
    """Return True in a notebook that can draw bars: Jupyter's kernel, and ipywidgets."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel") and importlib.util.find_spec("ipywidgets") is not None


def bar_class() -> Any:
    """Return tqdm's class for this place: a terminal's, or a notebook's."""
    if in_notebook():
        from tqdm.auto import tqdm
    else:  # tqdm.auto would warn of a missing ipywidgets, and import asyncio
        from tqdm import tqdm
    return tqdm


class ProgbarLogger(Callback):
    """A live line on a terminal, a bar in a notebook: remaining time and metrics (tqdm).

    All epochs of a `fit` have one bar, whose steps are those of all epochs.

    Parameters
    ----------
    out : text stream, optional
        Default ``sys.stdout``.
    delay : float, default 0
        Seconds before the bar is shown.
    """

    writes = True

    def __init__(self, *, out: TextIO | None = None, delay: float = 0) -> None:
        self.out, self.delay = out, delay
        self._bar: Any = None

    def _open(self, title: str, total: int | None) -> None:
        self._bar = bar_class()(
            total=total,
            desc=title,
            unit="step",
            file=self.out or sys.stdout,
            delay=self.delay,
            dynamic_ncols=True,
        )

    def _step(self, logs: Mapping[str, Any] | None) -> None:
        if self._bar.update() and logs:  # True when the bar was due to be drawn again
            self._bar.set_postfix_str(format_logs(logs), refresh=False)

    def _end(self, logs: Logs | None) -> None:
        if logs:
            self._bar.set_postfix_str(format_logs(logs), refresh=False)
        self.close()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        title, steps = f"Epoch {epoch + 1}/{self.params['epochs']}", self.params["steps"]
        left = self.params["epochs"] - epoch
        if self._bar is None:
            self._first = epoch  # a run that goes on begins later than at 0
            self._open(title, steps and steps * left)
            return
        self._bar.set_description_str(title, refresh=False)
        if not steps:  # of a generator: the epochs so far say how many there are
            self._bar.total = self._bar.n + self._bar.n * left // max(epoch - self._first, 1)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._step(logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs:
            self._bar.set_postfix_str(format_logs(logs))

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.close()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if self.params.get("test"):
            self._open("Evaluate", self.params["steps"])

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.params.get("test"):
            self._step(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.params.get("test"):
            self._end(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._open("Predict", self.params["steps"])

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._step(None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._end(None)

    def close(self) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def progress(
    verbose: Any, out: TextIO | None = None, delay: float = 0, lines: bool = True
) -> list[Callback]:
    """Return a list of the callback that shows progress, if any.

    Parameters
    ----------
    verbose : {"auto", 0, 1, 2}
        0: nothing. 2: one plain line per epoch. 1 and "auto": a bar if `out` is a terminal or a
        notebook's, and `lstmcore.config.disable_interactive_logging` was not called, otherwise
        plain lines.
    out : text stream, optional
        Default ``sys.stdout``.
    delay : float, default 0
        Seconds before a bar is shown.
    lines : bool, default True
        Show plain lines where there is no bar.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}")
    out = out or sys.stdout
    if verbose == 0 or out is None:  # a program without a console has no stdout
        return []
    live = out.isatty() or (out is sys.stdout and in_notebook())
    if verbose != 2 and live and config.is_interactive_logging_enabled():
        return [ProgbarLogger(out=out, delay=delay)]
    return [_Lines(out)] if lines else []
