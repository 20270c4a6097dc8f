"""Users' texts and labels, checked."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np

from ..data import DataError
from ..validation import plain_array

Array = np.ndarray[Any, Any]


def as_texts(texts: Any) -> list[str]:
    """Return texts as a list; raise DataError unless all are str."""
    if isinstance(texts, str):
        raise DataError("texts: expected a list of texts, got one; put it into a list")
    found = list(texts)
    if not found:
        raise DataError("texts: expected at least one, got none")
    for i, text in enumerate(found):
        if not isinstance(text, str):
            raise DataError(f"texts: expected str, got {type(text).__name__} (text {i})")
    return found


def as_labels(labels: Any) -> Array:
    """Return labels as an array of str or int, or raise DataError."""
    found = plain_array(labels, "labels")
    if found.dtype.kind == "O" and all(isinstance(label, str) for label in found):
        found = found.astype(np.str_)
    if found.ndim != 1 or found.dtype.kind not in "Uiub":
        got = f"{found.dtype} of shape {found.shape}"
        raise DataError(f"labels: expected a str or a whole number for each text, got {got}")
    return found


def warn_of_twins(labels: Array) -> None:
    """Warn if labels differ from each other only by case or blanks, such as "pos" and "POS "."""
    if labels.dtype.kind != "U":
        return
    counts = Counter(labels.tolist())
    alike: dict[str, list[str]] = {}
    for label in sorted(counts):
        alike.setdefault(" ".join(label.split()).casefold(), []).append(label)
    groups = [group for group in alike.values() if len(group) > 1]
    if groups:
        shown = "; ".join(
            ", ".join(f"{label!r} ({counts[label]})" for label in group) for group in groups[:5]
        )
        warnings.warn(
            f"labels differ only by case or blanks, and are classes of their own: {shown}",
            UserWarning,
            stacklevel=3,
        )
