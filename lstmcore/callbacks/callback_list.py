"""Calling of callbacks: Listeners for `fit`, and CallbackList for custom training loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ..names import nearest
from ..validation import entries
from .base import HOOKS, OLD_NAMES, Callback, History, Logs
from .progress import ProgbarLogger, progress


def listed(callbacks: Any) -> list[Any]:
    """The callbacks that a method was given: none, one alone or several."""
    if isinstance(callbacks, Callback):
        return [callbacks]
    return [] if callbacks is None else entries("callbacks", callbacks, "Callback objects")


class Listeners:
    """The callbacks of one call, grouped by the hooks they override.

    Parameters
    ----------
    callbacks : iterable of Callback
    model : Model
    params : dict
        The value of `Callback.params`.

    Raises
    ------
    TypeError
        If one of them is not a `Callback`.
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
        """Return True if a callback overrides this hook; otherwise its logs need not be made."""
        return hook in self._listeners

    def call(self, hook: str, *args: Any) -> None:
        """Call a hook of all callbacks that override it."""
        for listener in self._listeners.get(hook, ()):
            listener(*args)

    def close(self) -> None:
        """Close all, in reverse order."""
        for callback in reversed(self.callbacks):
            callback.close()


class CallbackList:
    """Callbacks for a custom training loop.

    It has the hooks of `Callback` as methods, which call those of all callbacks.

    Parameters
    ----------
    callbacks : list of Callback, optional
    add_history : bool, default False
        Add a `History` if there is none.
    add_progbar : bool, default False
        Add the progress bar or lines for ``params["verbose"]`` if there is no `ProgbarLogger`.
    model : Model, optional
    **params
        The value of `Callback.params`: ``epochs``, ``steps``, ``verbose``.
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
        self.callbacks = listed(callbacks)
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks += progress(params.get("verbose", "auto"))
        if add_history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        self.model, self.params = model, params
        self._group()

    def _group(self) -> None:
        self._listeners = Listeners(self.callbacks, self.model, self.params)

    def append(self, callback: Callback) -> None:
        """Add a callback."""
        self.callbacks.append(callback)
        self._group()

    def set_params(self, params: dict[str, Any]) -> None:
        """Set new `params` on all callbacks."""
        self.params = params
        self._group()

    def set_model(self, model: Any) -> None:
        """Set another model on all callbacks."""
        self.model = model
        self._group()

    def close(self) -> None:
        """Close all, in reverse order."""
        self._listeners.close()

    def __getattr__(self, name: str) -> Callable[..., None]:
        hook = next((new for new, old in OLD_NAMES.items() if old == name), name)
        if hook in HOOKS:
            return partial(self._call_hook, hook)
        raise AttributeError(f"CallbackList has no attribute {name!r}: {nearest(name, HOOKS)}")

    def _call_hook(self, hook: str, *args: Any, logs: Logs | None = None) -> None:
        batch_or_epoch = "epoch" in hook or "batch" in hook
        given = [*args, *([logs] if len(args) == batch_or_epoch else [])]
        given[-1] = {} if given[-1] is None else given[-1]
        self._listeners.call(hook, *given)
