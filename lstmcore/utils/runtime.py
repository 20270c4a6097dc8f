"""The limit of threads for a block of code, and a report of the configuration."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from .. import _core
from .._version import __version__


@contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Limit the number of threads of all calls by this thread in a block of code.

    Other threads and the setting of `set_num_threads` are not affected; no result changes.

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
    """Print the configuration: versions, instruction set, dot products, threads, BLAS.

    The dot products are those that multiply weights in fewer bytes, ``vector`` or ``tiles`` (AMX);
    those of bfloat16 are what mixed precision needs.

    Parameters
    ----------
    print_fn : callable, default print
        Called with one line at a time.
    """
    dots = [f"{name}: {_core.dot_product(name) or 'none'}" for name in ("bfloat16", "int8")]
    rows = {
        "lstmcore": __version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "instruction set": f"{_core.isa()} (available: {', '.join(_core.isas())})",
        "dot products": ", ".join(dots),
        "threads": f"{_core.get_num_threads()} ({'OpenMP' if _core.has_openmp else 'no OpenMP'})",
        "BLAS": "SciPy's, in use" if _core.blas_loaded() else "not needed yet",
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        print_fn(f"{name:<{width}}  {value}")
