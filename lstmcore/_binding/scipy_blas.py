"""Finds SciPy's BLAS for the core: the gemm functions and the controls of its thread pool.

SciPy takes half a second to import, so this module is loaded at the first product that is large
enough to want BLAS.
"""

from __future__ import annotations

import ctypes
from typing import Any

# The names have moved from release to release.
_PREFIXES = ("scipy_openblas_", "openblas_")
_SUFFIXES = ("", "64_")


def find() -> tuple[Any, Any, int, int] | None:
    """SciPy's (sgemm, dgemm, set_num_threads, get_num_threads): two capsules, two addresses or 0.

    None if SciPy's BLAS counts with integers of another width than the core's 32 bits.
    """
    from scipy.linalg import cython_blas

    capsules = cython_blas.__pyx_capi__
    if "int *" not in repr(capsules["sgemm"]):
        return None
    return capsules["sgemm"], capsules["dgemm"], *thread_controls(cython_blas.__file__)


def _address(library: ctypes.CDLL, name: str) -> int:
    """Return the address of a function of the library; 0 if it has none of this name."""
    function = getattr(library, name, None)
    return 0 if function is None else ctypes.cast(function, ctypes.c_void_p).value or 0


def thread_controls(module: str) -> tuple[int, int]:
    """Addresses of OpenBLAS's set and get functions as an extension module is linked to them.

    Zeros if it has another BLAS, or none.
    """
    library = ctypes.CDLL(module)  # the one in use; names of all that it links to
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            names = (f"{prefix}{verb}_num_threads{suffix}" for verb in ("set", "get"))
            setter, getter = (_address(library, name) for name in names)
            if setter and getter:
                return setter, getter
    return 0, 0
