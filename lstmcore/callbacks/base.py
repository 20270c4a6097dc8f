"""What a callback is, and who calls it.

A callback is told of the beginning and end of training, epochs and batches. Only what its class
overrides is ever called, so that a batch costs nothing where no one listens.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Self

from ..registry import nearest

Logs = dict[str, Any]

HOOKS = tuple(
    f"on_{what}_{end}"
    for what in ("train", "epoch", "train_batch", "test", "test_batch", "predict", "predict_batch")
    for end in ("begin", "end")
)
# what Keras calls two of the hooks as well
OLD_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class Callback:
    """Base of all: subclass it and override the hooks you need.

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
        A class that sets it True is called after all others.
    """

    model: Any  # a Model: it stands on a higher floor
    params: dict[str, Any]
    late: ClassVar[bool] = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        parameters = inspect.signature(cls.__init__).parameters
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
            for name in kwargs.keys() - parameters.keys():
                hint = nearest(name, [p for p in parameters if p != "self"])
                raise TypeError(f"{cls.__name__} has no argument {name!r}: {hint}")
        return super().__new__(cls)

    def set_model(self, model: Any) -> None:
        """Called first, with the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called first, with `params`."""
        self.params = params

    def set_others(self, callbacks: list[Callback]) -> None:
        """Called first, with all callbacks of this call."""

    def listens(self, hook: str) -> bool:
        """Whether this hook is to be called: if the class, or the object, overrides it."""
        method = getattr(self, hook)
        return getattr(method, "__func__", method) is not getattr(Callback, hook)

    def get_state(self) -> dict[str, Any]:
        """Return what a run that is taken up again needs, for `BackupAndRestore`.

        Returns
        -------
        dict of str to what JSON has, or ndarray
        """
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned; called after ``on_train_begin``."""

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

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of ``on_train_batch_begin``."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of ``on_train_batch_end``."""

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


class Listeners:
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
            callback.set_params(params)
            callback.set_model(model)
            callback.set_others(self.callbacks)
        self._listeners: dict[str, list[Callable[..., object]]] = {}
        for callback in sorted(self.callbacks, key=lambda c: c.late):
            for hook in HOOKS:
                old = OLD_NAMES.get(hook, hook)
                name = hook if callback.listens(hook) else old
                if callback.listens(name):
                    self._listeners.setdefault(hook, []).append(getattr(callback, name))

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
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]


class CallbackList:
    """Callbacks for a training loop of your own.

    Has the hooks of `Callback` as methods: each calls all.

    Parameters
    ----------
    callbacks : list of Callback, optional
    add_history : bool, default False
        Add a `History` unless there is one.
    add_progbar : bool, default False
        Add the progress that ``params["verbose"]`` asks for, unless there is some.
    model : Model, optional
    **params
        What `Callback.params` shall be: ``epochs``, ``steps``, ``verbose``.
    """

    def __init__(
        self,
        callbacks: Iterable[Any] | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        from .progress import ProgbarLogger, progress

        if not isinstance(add_history, bool) or not isinstance(add_progbar, bool):
            raise TypeError("CallbackList: expected add_history and add_progbar to be bool")
        self.callbacks = list(callbacks or ())
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks += progress(params.get("verbose", "auto"))
        if add_history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        self.model, self.params = model, params
        self._arrange()

    def _arrange(self) -> None:
        self._listeners = Listeners(self.callbacks, self.model, self.params)

    def append(self, callback: Callback) -> None:
        """Add one more."""
        self.callbacks.append(callback)
        self._arrange()

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell all of other `params`."""
        self.params = params
        self._arrange()

    def set_model(self, model: Any) -> None:
        """Tell all of another model."""
        self.model = model
        self._arrange()

    def close(self) -> None:
        """Close all, in reverse order."""
        self._listeners.close()

    def __getattr__(self, name: str) -> Callable[..., None]:
        hook = next((new for new, old in OLD_NAMES.items() if old == name), name)
        if hook in HOOKS:
            return partial(self._tell, hook)
        raise AttributeError(f"CallbackList has no attribute {name!r}: {nearest(name, HOOKS)}")

    def _tell(self, hook: str, *args: Any, logs: Logs | None = None) -> None:
        batch_or_epoch = "epoch" in hook or "batch" in hook
        given = [*args, *([logs] if len(args) == batch_or_epoch else [])]
        given[-1] = {} if given[-1] is None else given[-1]
        self._listeners.call(hook, *given)


def message(text: str) -> None:
    """Print a line above the bar, if one is being shown."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        print(text, flush=True)
    else:
        tqdm.tqdm.write(text)
