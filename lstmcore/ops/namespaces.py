"""Keras's second paths to ops: ``ops.nn.relu``, ``ops.numpy.mean``; ``ops.linalg`` is a module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


def namespace(
    path: str, ops: dict[str, Callable[..., Any]], *modules: str, more: Sequence[str] = ()
) -> ModuleType:
    """Return a module with the ops that modules of this package define, and some more.

    Parameters
    ----------
    path : str
        Its full name; it can be imported from then on.
    ops : dict of str to callable
    *modules : str
        The last parts of the modules' names.
    more : sequence of str
        Further ops by name.
    """
    made = sys.modules[path] = ModuleType(path, "Ops of `lstmcore.ops` by Keras's second path.")
    for name, op in ops.items():
        if op.__module__.rpartition(".")[2] in modules or name in more:
            setattr(made, name, op)
    made.__all__ = [name for name in ops if hasattr(made, name)]  # type: ignore[attr-defined]
    return made
