"""The seed of everything random, and the library's random stream."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_generator = np.random.Generator(np.random.SFC64())


def set_random_seed(seed: int) -> None:
    """Make everything random from here on repeat itself in every run.

    Seeds the library's own stream (initial weights, shuffling, dropout) and, as Keras does,
    Python's ``random`` and NumPy's global generator.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.

    Raises
    ------
    TypeError, ValueError
        If the seed is no whole number in that range.
    """
    global _generator
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"set_random_seed: seed: expected an int, got {seed!r}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed: seed: expected 0 to 2**32 - 1, got {seed}")
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 - Keras's users expect their NumPy calls seeded too
    _generator = np.random.Generator(np.random.SFC64(int(seed)))


def generator(seed: int | None = None) -> np.random.Generator:
    """Return the library's random stream, or a stream of its own for a given seed."""
    if seed is not None:
        return np.random.Generator(np.random.SFC64(seed))
    return _generator


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Let the library's stream begin anew from a seed for a block of code, and go on behind it.

    Nothing else is touched: neither Python's ``random`` nor NumPy's global generator.

    Parameters
    ----------
    seed : int or None
        With None the library's stream simply goes on.
    """
    global _generator
    if seed is None:
        yield
        return
    before, _generator = _generator, generator(seed)
    try:
        yield
    finally:
        _generator = before
