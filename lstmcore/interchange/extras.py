"""Packages that are extras: imported when a file needs them, with the way to install them."""

from __future__ import annotations

import importlib
from typing import Any


def needed(module: str, extra: str) -> Any:
    """Return a module of an extra; raise ImportError that says how to install it.

    Parameters
    ----------
    module : str
        Such as ``"h5py"``.
    extra : str
        The extra of this library that has it: ``"keras"``.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"lstmcore[{extra}] is needed for this: pip install 'lstmcore[{extra}]'"
        ) from error
