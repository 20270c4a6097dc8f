"""Callback, the base class of all callbacks, and History, which every `fit` has.

The hooks of a callback are called at the beginning and the end of training, epochs and batches.
Only hooks that are overridden are called, so that a batch costs nothing where none is.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ..refused.arguments import unknown_argument

Logs = dict[str, Any]

HOOKS = tuple(
    f"on_{what}_{end}"
    for what in ("train", "epoch", "train_batch", "test", "test_batch", "predict", "predict_batch")
    for end in ("begin", "end")
)
# Keras's other names of two hooks
OLD_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class Callback:
    """The base class of all callbacks: subclass it and override the hooks you need.

    Hooks are ``on_<what>_begin`` and ``on_<what>_end`` for train, epoch, train_batch, test,
    test_batch, predict, predict_batch. Set ``self.model.stop_training = True`` to end `fit` after
    the batch or epoch.

    Attributes
    ----------
    model : Model
        The model in training.
    params : dict
        ``verbose``, ``epochs`` and ``steps`` of this call.
    late : bool
        If True in a class, its callbacks are called after all others.
    writes : bool
        If True in a class, its callbacks write, and of several processes that train together only
        the first has them.
    """

    model: Any = None  # a Model, which is in a package that imports this one
    params: dict[str, Any]
    late: ClassVar[bool] = False
    writes: ClassVar[bool] = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        parameters = inspect.signature(cls.__init__).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        if not takes_all and not kwargs.keys() <= parameters.keys():
            known = dict(list(parameters.items())[1:])
            raise unknown_argument(cls.__name__, known, args, kwargs)
        return super().__new__(cls)

    def set_model(self, model: Any) -> None:
        """Set the model; called before all hooks."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Set `params`; called before all hooks."""
        self.params = params

    def set_others(self, callbacks: list[Callback]) -> None:
        """Receive all callbacks of this call; called before all hooks."""

    def listens(self, hook: str) -> bool:
        """Return True if this hook has to be called: if the class or the object overrides it."""
        method = getattr(self, hook)
        return getattr(method, "__func__", method) is not getattr(Callback, hook)

    def get_state(self) -> dict[str, Any]:
        """Return the state that `BackupAndRestore` saves to resume training.

        Returns
        -------
        dict of str to values that JSON can hold, or ndarray
        """
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `get_state`; called after ``on_train_begin``."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called at the beginning of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called at the end of `fit`; `logs` are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called at the beginning of an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called at the end of an epoch; `logs` has losses and metrics, ``val_`` for validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a training step, counted from 0 in each epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a training step; `logs` has the means of the epoch so far."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called as ``on_train_batch_begin``, of which this is another name."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called as ``on_train_batch_end``, of which this is another name."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called at the beginning of `evaluate` and of the validation in `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called at the end of `evaluate` and of the validation in `fit`."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of an evaluation; `logs` has the means so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called at the beginning of `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called at the end of `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Called after a batch of `predict`; `logs` has its ``outputs``."""

    def close(self) -> None:
        """Release files and terminals; called last, also after an error or an interrupt."""


class History(Callback):
    """The logs of every epoch, as returned by `fit`.

    Attributes
    ----------
    history : dict of str to list of float
        ``"loss"``, the metrics, and both with the prefix ``"val_"``: one number per epoch.
    epoch : list of int
        The epochs, counted from 0.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self

    def __repr__(self) -> str:
        from .. import notebook

        epochs = max(map(len, self.history.values()), default=0)
        found = notebook.first_and_last(self.history)
        return f"<History of {epochs} epochs{f', {found}' if found else ''}>"

    def _repr_html_(self) -> str:
        """Return curves of the losses and a table of the metrics, as notebooks show them."""
        from .. import notebook

        return notebook.history(self.history)

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]


def message(text: str) -> None:
    """Print a line, above the progress bar if there is one."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        print(text, flush=True)
    else:
        tqdm.tqdm.write(text)
