"""Comparison of the results of two libraries; only equal computations are timed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

# Of the norm. Sums over hundreds of terms and steps differ by 1e-6 in float32; in bfloat16 and int8
# it is the weights and inputs that are rounded.
TOLERANCE = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2, "int8": 0.1}


def difference(one: Path, other: Path) -> float:
    """Return the largest difference of two result files, relative to the norm of each array."""
    with np.load(one) as a, np.load(other) as b:
        if {name: a[name].shape for name in a.files} != {name: b[name].shape for name in b.files}:
            return math.inf
        gaps = [np.linalg.norm(a[name] - b[name]) / np.linalg.norm(a[name]) for name in a.files]
    return float(np.max(gaps))  # NaN where anything is NaN
