"""The library's random generator, and its seed.

A thread that was seeded has its own generator, so that its numbers do not depend on other threads.
All other threads share one, that of the last seed. If one of them, not the main thread, trains a
model, the training draws from a copy that belongs to the model, so that results depend neither on
the order of the threads nor on their number.
"""

from __future__ import annotations

import copy
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

Generator = np.random.Generator


class _Thread(threading.local):
    generator: Generator | None = None  # None: the shared one


_shared = Generator(np.random.SFC64())
_thread = _Thread()
# The copies that belong to models, each with the generator that it was copied from.
_copies: WeakKeyDictionary[Any, tuple[Generator, Generator]] = WeakKeyDictionary()


def set_random_seed(seed: int) -> None:
    """Seed all random numbers, so that a program gives the same results in every run.

    Seeds the library's own generator (initial weights, shuffling, dropout) and, as Keras does,
    Python's ``random`` and NumPy's global generator. The library's generator is that of the
    calling thread and of all threads that were never seeded. Models that are trained in several
    threads, each of them seeded, give the same results as if trained one after the other.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.

    Raises
    ------
    TypeError, ValueError
        If the seed is not an int in that range.
    """
    global _shared
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"set_random_seed: seed: expected an int, got {seed!r}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed: seed: expected 0 to 2**32 - 1, got {seed}")
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 - Keras's users expect their NumPy calls seeded too
    _shared = _thread.generator = Generator(np.random.SFC64(int(seed)))


def generator(seed: int | Sequence[int] | None = None) -> Generator:
    """Return the library's random generator, or a new one if a seed is given."""
    if seed is not None:
        return Generator(np.random.SFC64(seed))
    own = _thread.generator
    return _shared if own is None else own


@contextmanager
def seeded(seed: int | Sequence[int] | None) -> Iterator[None]:
    """Seed the library's generator for a block of code, and restore the present one afterwards.

    Python's ``random``, NumPy's global generator and those of other threads do not change.

    Parameters
    ----------
    seed : int, sequence of int, or None
        None leaves the library's generator in place.
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
    """Train a model in the block with a random generator that no other thread uses.

    In the main thread, and in a seeded one, this is the thread's generator. In any other thread it
    is a copy of the shared one, made when the model is first trained after a seed was set, and
    continued whenever the model is trained again.
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
