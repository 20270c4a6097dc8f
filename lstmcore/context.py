"""The context of a call: everything that a layer's result depends on besides its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NamedTuple


class CallContext(NamedTuple):
    """The settings for calls of layers in this thread.

    Parameters
    ----------
    training : bool or None
        The behaviour of layers. True: as in training (dropout, statistics of the batch). False:
        as at inference. None, which `fit` uses: as in training if a backward function is wanted.
        A call in a graph with its own argument ``training=`` sets True or False.
    penalties : list of float or None
        A list for the penalties of activity regularizers; None if they are not collected.
    observer : callable or None
        Called by every layer as ``observer(layer, x, mask, y, back)``; returns the backward
        function to use. `lstmcore.training.nonfinite` finds the first NaN with it.
    watcher : callable or None
        Called by every recurrent layer as ``watcher(layer, x, mask, initial_state)`` before a
        call at inference. `lstmcore.inspection` collects traces with it.
    shapes_only : bool
        Weights are declared but not materialized, and no file is opened: a model file is being
        read, and an untrusted config must not make us allocate memory.
    custom_objects : mapping of str to object
        Names that every registry knows besides its own, within `custom_objects`.
    tape : Tape or None
        The recording of a user's own function that is under way; see `lstmcore.autodiff.tape`.
    trial : bool
        A layer's own `call` is tried on zeros, for the shapes of its outputs: no variable is
        assigned, no warning is given.
    policy : DTypePolicy or None
        That of the layer or model that is being built, or whose `call` is running, for layers in it
        that state none.
    cell_steps : mapping of Cell to callable
        Steps that were begun for a whole sequence, for cells with a `call` that extends theirs:
        their dropout masks are the same at all steps.
    """

    training: bool | None = None
    penalties: list[float] | None = None
    observer: Callable[..., Any] | None = None
    watcher: Callable[..., Any] | None = None
    shapes_only: bool = False
    custom_objects: Mapping[str, Any] = MappingProxyType({})
    tape: Any = None
    trial: bool = False
    policy: Any = None
    cell_steps: Mapping[Any, Callable[..., Any]] = MappingProxyType({})


_DEFAULT = CallContext()  # a tuple, so that all threads may share it
_current: ContextVar[CallContext] = ContextVar("lstmcore", default=_DEFAULT)
current = _current.get  # the present context: ``context.current().training``


def in_training(grad: bool) -> bool:
    """Return True if layers behave as in training; `grad`: a backward function is wanted."""
    training = _current.get().training
    return grad if training is None else training


@contextmanager
def changed(**fields: Any) -> Iterator[CallContext]:
    """Run a block of code in a context that differs in these fields."""
    token = _current.set(_current.get()._replace(**fields))
    try:
        yield _current.get()
    finally:
        _current.reset(token)
