"""Loads the core so that its team of threads behaves: brief waits, one thread after a fork.

Between two parallel regions libgomp's threads spin for some ten milliseconds by default, so that a
small model keeps all cores of a service busy; with no spinning at all, each step of a training loop
pays for waking them.  Half a millisecond serves both.  libgomp reads the setting when it is loaded,
and only then.
"""

from __future__ import annotations

import os
import warnings

_SPINS = "10000"  # some 500 microseconds
_WISHES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_set = not any(name in os.environ for name in _WISHES)
if _set:
    os.environ["GOMP_SPINCOUNT"] = _SPINS
try:
    from .. import _core
finally:
    if _set:
        del os.environ["GOMP_SPINCOUNT"]

_isa = os.environ.get("LSTMCORE_ISA")
if _isa is not None and _isa not in ("auto", *_core.isas()):
    raise ImportError(
        f"LSTMCORE_ISA: expected auto or one of {', '.join(_core.isas())} on this CPU, got {_isa!r}"
    )
_dot = os.environ.get("LSTMCORE_DOT")
if _dot is not None and _dot not in ("auto", *_core.dot_kinds):
    wanted = f"auto, {', '.join(_core.dot_kinds[:-1])} or {_core.dot_kinds[-1]}"
    raise ImportError(f"LSTMCORE_DOT: expected {wanted}, got {_dot!r}")


def _check_num_threads(text: str) -> None:
    """Warn of a LSTMCORE_NUM_THREADS that is no number of threads, and go on without it."""
    digits = text.strip(" ").removeprefix("+")
    number = int(digits[:9]) if digits.isascii() and digits.isdecimal() else 0
    if 1 <= number <= _core.max_threads:
        return
    del os.environ["LSTMCORE_NUM_THREADS"]  # else the core would say it again
    _core.set_num_threads(_core.max_threads if number else None)
    os.environ["LSTMCORE_NUM_THREADS"] = text
    warnings.warn(
        f"LSTMCORE_NUM_THREADS: expected a whole number from 1 to {_core.max_threads}, "
        f"got {text!r}; {_core.get_num_threads()} threads are used",
        RuntimeWarning,
        stacklevel=2,
    )


if os.environ.get("LSTMCORE_NUM_THREADS"):
    _check_num_threads(os.environ["LSTMCORE_NUM_THREADS"])

# Forked children are mostly one of many, each with a core's share; one that is not may set more.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _core.set_num_threads(1))
