"""The seed of everything random, and a report of what the library runs on."""

from __future__ import annotations

import platform
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from . import _core
from ._version import __version__

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
def num_threads(n: int) -> Iterator[None]:
    """Let the calls that this thread makes in the block use at most n threads.

    Other threads, and what `set_num_threads` has set, stay as they are; no result changes.

    Parameters
    ----------
    n : int

    Examples
    --------
    >>> import lstmcore
    >>> with lstmcore.num_threads(1):
    ...     y = lstmcore.layers.LSTM(4)([[[1.0]]])
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"num_threads: n: expected a whole number >= 1, got {n!r}")
    before = _core.limit_threads(min(int(n), 1 << 20))
    try:
        yield
    finally:
        _core.limit_threads(before)


def show_config(print_fn: Callable[[str], object] = print) -> None:
    """Print what the library runs on: versions, instruction set, threads, BLAS.

    Parameters
    ----------
    print_fn : callable, default print
        Called with one line at a time.
    """
    rows = {
        "lstmcore": __version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "instruction set": f"{_core.isa()} (available: {', '.join(_core.isas())})",
        "threads": f"{_core.get_num_threads()} ({'OpenMP' if _core.has_openmp else 'no OpenMP'})",
        "BLAS": "SciPy's, in use" if _core.blas_loaded() else "not needed yet",
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        print_fn(f"{name:<{width}}  {value}")
