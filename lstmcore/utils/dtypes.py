"""Questions about dtypes and symbolic tensors, by Keras's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..config import DTypePolicy, floatx
from ..layers.symbolic import SymbolicTensor

_OF_PYTHON = {int: "int32", bool: "bool", str: "string"}


def is_keras_tensor(x: Any) -> bool:
    """Return True for a symbolic tensor, which `Input` and layers in a graph return."""
    return isinstance(x, SymbolicTensor)


def standardize_dtype(dtype: Any) -> str:
    """Return the name of a dtype: of NumPy, of Python, of a policy or by its name.

    None and Python's float are `lstmcore.config.floatx`, int is "int32", as in Keras.

    Raises
    ------
    ValueError
        If it is no dtype.
    """
    if dtype is None or dtype is float:
        return floatx()
    if isinstance(dtype, DTypePolicy):
        return dtype.compute_dtype
    if isinstance(dtype, type) and dtype in _OF_PYTHON:
        return _OF_PYTHON[dtype]
    if isinstance(dtype, str) and dtype in ("string", "bfloat16"):
        return dtype
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"standardize_dtype: dtype: expected a dtype, got {dtype!r:.80}") from None
    return "string" if found.kind in "UOT" else str(found.name)
