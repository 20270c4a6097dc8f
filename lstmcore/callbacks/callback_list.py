"""Calling callbacks: those of one call of `fit`, and CallbackList for loops of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ..names import nearest
from .base import HOOKS, OLD_NAMES, Callback, History, Logs
from .progress import ProgbarLogger, progress


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
