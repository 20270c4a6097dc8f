"""The seed of everything random, and the library's random stream.

A thread that was seeded has a stream of its own, so that it draws the same numbers whatever others
do beside it. The others share one: the stream of the last seed. Where one of them trains a model,
beyond the main thread, the training draws from a copy that the model keeps, so that neither the
order in which threads come nor their number changes a result.
"""

from __future__ import annotations

import copy
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

Generator = np.random.Generator


class _Thread(threading.local):
    generator: Generator | None = None  # None: the shared one


_shared = Generator(np.random.SFC64())
_thread = _Thread()
# The copies that models keep, each with the stream that it was copied from.
_copies: WeakKeyDictionary[Any, tuple[Generator, Generator]] = WeakKeyDictionary()


def set_random_seed(seed: int) -> None:
    """Make everything random from here on repeat itself in every run.

    Seeds the library's own stream (initial weights, shuffling, dropout) and, as Keras does,
    Python's ``random`` and NumPy's global generator. The library's stream is that of the calling
    thread, and of all threads that have not called this: models that are trained in threads of
    their own, each seeded in its thread, come out as if trained one after the other.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.

    Raises
    ------
    TypeError, ValueError
        If the seed is no whole number in that range.
    """
    global _shared
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"set_random_seed: seed: expected an int, got {seed!r}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed: seed: expected 0 to 2**32 - 1, got {seed}")
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 - Keras's users expect their NumPy calls seeded too
    _shared = _thread.generator = Generator(np.random.SFC64(int(seed)))


def generator(seed: int | None = None) -> Generator:
    """Return the library's random stream, or a stream of its own for a given seed."""
    if seed is not None:
        return Generator(np.random.SFC64(seed))
    own = _thread.generator
    return _shared if own is None else own


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Let the library's stream begin anew from a seed for a block of code, and go on behind it.

    Nothing else is touched: neither Python's ``random`` nor NumPy's global generator, nor the
    stream of any other thread.

    Parameters
    ----------
    seed : int or None
        With None the library's stream simply goes on.
    """
    if seed is None:
        yield
        return
    before, _thread.generator = _thread.generator, generator(seed)
    try:
        yield
    finally:
        _thread.generator = before


@contextmanager
def model_generator(model: Any) -> Iterator[None]:
    """Let the training of a model in the block draw what no other thread can change.

    In the main thread, and in one that was seeded, that is the thread's stream. In any other one it
    is a copy of the shared stream, made when the model is first trained after a seed was set, and
    continued whenever it is trained again.
    """
    if _thread.generator is not None or threading.current_thread() is threading.main_thread():
        yield
        return
    origin, own = _copies.get(model, (None, _shared))
    if origin is not _shared:
        own = copy.deepcopy(_shared)
        _copies[model] = _shared, own
    _thread.generator = own
    try:
        yield
    finally:
        if _thread.generator is own:  # the thread was not seeded meanwhile
            _thread.generator = None
