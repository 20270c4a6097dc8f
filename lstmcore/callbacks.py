"""What happens beside training: Callback, History, progress.

A callback is told of the beginning and end of training, epochs and batches. Only what its class
overrides is ever called, so that a batch costs nothing where no one listens.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from .training import Trainer

Logs = dict[str, float]

HOOKS = tuple(
    f"on_{what}_{end}"
    for what in ("train", "epoch", "train_batch", "test", "test_batch", "predict", "predict_batch")
    for end in ("begin", "end")
)


class Callback:
    """Base of all: subclass it and override the hooks you need.

    Hooks are ``on_<what>_begin`` and ``on_<what>_end`` for train, epoch, train_batch, test,
    test_batch, predict, predict_batch. Set ``self.model.stop_training = True`` to end `fit` after
    the epoch.

    Attributes
    ----------
    model : Model
        The model in training.
    params : dict
        ``verbose``, ``epochs`` and ``steps`` of this call.
    """

    model: Trainer
    params: dict[str, Any]

    def set_model(self, model: Trainer) -> None:
        """Called first, with the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called first, with `params`."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """At the beginning of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """At the end of `fit`; `logs` are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """At the beginning of an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """At the end of an epoch; `logs` has loss and metrics, ``val_`` before the validation's."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training step, counted from 0 in each epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training step; `logs` has the means of the epoch so far."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """At the beginning of `evaluate`, and of the validation in `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """At the end of `evaluate`, and of the validation in `fit`."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation; `logs` has the means so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """At the beginning of `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """At the end of `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """After a batch of `predict`; `logs` has its ``outputs``."""

    def close(self) -> None:
        """Called last, also after an error or an interrupt: let go of files and terminals."""


class CallbackList:
    """All callbacks of one call, sorted by the hooks that they override.

    Parameters
    ----------
    callbacks : iterable of Callback
    model : Model
    params : dict
        What `Callback.params` shall be.

    Raises
    ------
    TypeError
        If one of them is no `Callback`.
    """

    def __init__(self, callbacks: Iterable[Any], model: Any, params: dict[str, Any]) -> None:
        self.callbacks: list[Callback] = list(callbacks)
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks: expected Callback objects, got {callback!r}")
            callback.set_model(model)
            callback.set_params(params)
        self._listeners: dict[str, list[Any]] = {}
        for callback in self.callbacks:
            for hook in HOOKS:
                if getattr(type(callback), hook) is not getattr(Callback, hook):
                    self._listeners.setdefault(hook, []).append(getattr(callback, hook))

    def hears(self, hook: str) -> bool:
        """Whether anyone listens, so that logs need not be made for no one."""
        return hook in self._listeners

    def call(self, hook: str, *args: Any) -> None:
        """Tell everyone who listens."""
        for listener in self._listeners.get(hook, ()):
            listener(*args)

    def close(self) -> None:
        """Close all, in reverse order."""
        for callback in reversed(self.callbacks):
            callback.close()


class History(Callback):
    """The logs of every epoch; what `fit` returns.

    Attributes
    ----------
    history : dict of str to list of float
        ``"loss"``, the metrics, and both with ``"val_"`` before, each with one number an epoch.
    epoch : list of int
        The epochs, counted from 0.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


def format_logs(logs: Mapping[str, float]) -> str:
    """``loss: 0.1234 - val_loss: 1.2e-05``, in the order of the logs."""
    return " - ".join(
        f"{name}: {value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{name}: {value:.4e}"
        for name, value in logs.items()
    )


class _Lines(Callback):
    """Progress as one plain line an epoch."""

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
        a_step = 1000 * seconds / self.params["steps"]
        parts = [what, f"{seconds:.2f}s", f"{a_step:.3g}ms/step"]
        print(*parts, *([format_logs(logs)] if logs else []), sep=" - ", file=self._out, flush=True)


class ProgbarLogger(Callback):
    """Progress as a bar on a terminal, with the time left and the metrics (tqdm).

    Parameters
    ----------
    out : text stream, optional
        Default ``sys.stdout``.
    delay : float, default 0
        Show nothing before this many seconds.
    """

    def __init__(self, out: TextIO | None = None, delay: float = 0) -> None:
        self._out, self._delay = out or sys.stdout, delay
        self._bar: Any = None

    def _open(self, title: str) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=self.params["steps"],
            desc=title,
            unit="step",
            file=self._out,
            delay=self._delay,
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
        self._open(f"Epoch {epoch + 1}/{self.params['epochs']}")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._step(logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._end(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if self.params.get("test"):
            self._open("Evaluate")

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.params.get("test"):
            self._step(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.params.get("test"):
            self._end(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._open("Predict")

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._step(None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._end(None)

    def close(self) -> None:
        """End the bar's line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def progress(
    verbose: Any, out: TextIO | None = None, delay: float = 0, lines: bool = True
) -> list[Callback]:
    """Return the callback that shows progress, if any.

    Parameters
    ----------
    verbose : {"auto", 0, 1, 2}
        0: nothing. 2: one plain line an epoch. 1 and "auto": a bar if `out` is a terminal, and
        otherwise plain lines.
    out : text stream, optional
        Default ``sys.stdout``.
    delay : float, default 0
        Show a bar only after this many seconds.
    lines : bool, default True
        False: show a bar or nothing.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}")
    out = out or sys.stdout
    if verbose == 0 or out is None:  # a program without a console has no stdout
        return []
    if verbose != 2 and out.isatty():
        return [ProgbarLogger(out, delay)]
    return [_Lines(out)] if lines else []
