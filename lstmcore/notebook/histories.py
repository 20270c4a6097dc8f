"""Histories of training in notebooks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import pieces


def history(values: Mapping[str, Sequence[Any]]) -> str:
    """Return loss curves, and of each metric its last and its best value with its epoch."""
    numbers = {name: _numbers(found) for name, found in values.items()}
    known = {name: found for name, found in numbers.items() if len(found)}
    rows: list[list[Any]] = []
    for name, found in known.items():
        row: list[Any] = [name, float(found[-1])]
        for best in (np.nanargmin, np.nanargmax):
            at = 0 if np.isnan(found).all() else int(best(found))
            row += [float(found[at]), at + 1]
        rows.append(row)
    epochs = max(map(len, known.values()), default=0)
    title = f"{epochs} epoch{'' if epochs == 1 else 's'}"
    losses: dict[str, Any] = {name: known[name] for name in ("loss", "val_loss") if name in known}
    head = ["metric", "last", "lowest", "in epoch", "highest", "in epoch"]
    return pieces.chart(losses) + pieces.table(head, rows, title)


def _numbers(values: Sequence[Any]) -> np.ndarray:
    """Return the values of a metric as numbers; none if they are arrays."""
    try:
        found = np.array(values, float)
    except (TypeError, ValueError):
        return np.empty(0)
    return found if found.ndim == 1 else np.empty(0)


def first_and_last(values: Mapping[str, Sequence[Any]]) -> str:
    """Return one line: each metric's first and last value, ``loss: 0.9 to 0.1``."""
    parts = []
    for name, found in values.items():
        numbers = _numbers(found)
        if len(numbers) and not math.isnan(numbers[-1]):
            parts.append(f"{name}: {numbers[0]:.4g} to {numbers[-1]:.4g}")
    return ", ".join(parts)
