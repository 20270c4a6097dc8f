"""The context of a call: everything besides the arguments that a layer's result can depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class CallContext:
    """What surrounds the calls of this thread.

    Parameters
    ----------
    training : bool or None
        How layers behave. True: as in training (dropout, statistics of the batch). False: as at
        inference. None: as in training where a backward function is wanted, which is what `fit`
        does; a call in a graph with an argument ``training=`` of its own sets the other two.
    penalties : list of float or None
        Where activity regularizers put what they add to the loss; None if nobody collects it.
    observer : callable or None
        Called by every layer as ``observer(layer, x, mask, y, back)``; returns the backward
        function to use. `lstmcore.training.nonfinite` looks for the first NaN with it.
    watcher : callable or None
        Called by every recurrent layer as ``watcher(layer, x, mask, initial_state)`` before it
        runs at inference. `lstmcore.inspection` makes traces with it.
    shapes_only : bool
        Weights are declared but get no memory, and nothing is read from paths: a model file is
        being read, and a config alone must not make us take memory.
    custom_objects : mapping of str to object
        Names that every registry knows besides its own, while `custom_objects` lasts.
    """

    training: bool | None = None
    penalties: list[float] | None = None
    observer: Callable[..., Any] | None = None
    watcher: Callable[..., Any] | None = None
    shapes_only: bool = False
    custom_objects: Mapping[str, Any] = field(default_factory=dict)


_NONE = CallContext()  # frozen, so that all threads may share it
_current: ContextVar[CallContext] = ContextVar("lstmcore", default=_NONE)
current = _current.get  # the context of now: ``context.current().training``


def in_training(grad: bool) -> bool:
    """Return whether layers behave as in training, given whether a backward function is wanted."""
    training = _current.get().training
    return grad if training is None else training


@contextmanager
def changed(**fields: Any) -> Iterator[CallContext]:
    """Run a block of code in a context that differs in these fields."""
    token = _current.set(replace(_current.get(), **fields))
    try:
        yield _current.get()
    finally:
        _current.reset(token)
