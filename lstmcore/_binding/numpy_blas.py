"""Products by NumPy's BLAS, on no more threads than the library's own calls.

NumPy's OpenBLAS has a pool of its own, as large as the machine, which knows nothing of our team and
its limit. Its threads spin against ours, and on a busy machine a small factorization waits seconds
for them. Float64 products, dot products and LAPACK also round differently with another number of
threads, so these run on one: results do not depend on the number of threads.

Only OpenBLAS can be held, the BLAS of NumPy's wheels but for some on macOS; any other one runs as
it likes.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .scipy_blas import thread_controls

Array = NDArray[Any]


class _Pool:
    """The thread pool of NumPy's BLAS: as small as the smallest call under way wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[int] = []  # of the calls under way
        self._size = 1  # before the first of them
        self._controls: tuple[Any, Any] | None = None

    def enter(self, limit: int) -> None:
        with self._lock:
            if self._controls is None:
                self._controls = _numpy_controls()
            put, get = self._controls
            if not self._limits:
                self._size = get()
            self._limits.append(limit)
            self._hold(put, get)

    def leave(self, limit: int) -> None:
        with self._lock:
            assert self._controls is not None
            self._limits.remove(limit)
            self._hold(*self._controls)

    def _hold(self, put: Any, get: Any) -> None:
        size = min([self._size, *self._limits])
        if size != get():
            put(size)


_pool = _Pool()


def _after_fork() -> None:
    """In a forked child, forget what other threads of the parent held."""
    global _pool
    if _pool._limits:
        assert _pool._controls is not None
        _pool._controls[0](_pool._size)
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _numpy_controls() -> tuple[Any, Any]:
    """OpenBLAS's set and get functions; for another BLAS, a pool of one thread that never grows."""
    from numpy.linalg import _umath_linalg

    put, get = thread_controls(_umath_linalg.__file__)
    if not put or not get:
        return lambda size: None, lambda: 1
    return ctypes.CFUNCTYPE(None, ctypes.c_int)(put), ctypes.CFUNCTYPE(ctypes.c_int)(get)


@contextmanager
def held(limit: int = 1) -> Iterator[None]:
    """Let NumPy's BLAS use at most so many threads in the block, whichever thread calls it."""
    pool = _pool
    pool.enter(limit)
    try:
        yield
    finally:
        pool.leave(limit)


def _limit(dtype: Any) -> int:
    """Return how many threads a product of this type may use: float32 rounds alike on any."""
    if dtype != np.float32:
        return 1
    limit = _core.limit_threads(0)  # of this thread alone, so nobody sees the 0
    _core.limit_threads(limit)
    team = _core.get_num_threads()
    return min(limit, team) if limit else team


def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return ``np.matmul(a, b, out)``, of float32 on as many threads as the core may use."""
    with held(_limit(a.dtype)):
        product: Array = np.matmul(a, b, out=out)
        return product


def dot(a: Array, b: Array) -> float:
    """Return ``float(np.dot(a, b))`` of two vectors, on one thread."""
    with held():
        return float(np.dot(a, b))
