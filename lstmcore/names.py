"""Names: spellings, suggestions for misspelt ones, and the recognition of built-in classes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def closest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant; None if none is near."""
    names = list(names)
    close = difflib.get_close_matches(normalized(name), map(normalized, names), n=1)
    return next(n for n in names if normalized(n) == close[0]) if close else None


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the end of an error message: the name that was probably meant, or all names."""
    names = list(names)
    near = closest(name, names)
    if near:
        return f"did you mean {near!r}?"
    return "there is: " + ", ".join(names) if names else "there are none"


def is_builtin(cls: type) -> bool:
    """Return True if a class is the library's own, not a user's."""
    return cls.__module__.startswith(f"{__package__}.")


def snake_case(name: str) -> str:
    """Return a class name in snake case as Keras does: glorot_uniform for ``GlorotUniform``."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def normalized(name: str) -> str:
    """Return the common spelling of ``GlorotUniform``, ``glorot_uniform``, ``glorotuniform``."""
    return name.replace("_", "").lower()
