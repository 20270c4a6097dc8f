"""Keras's numbers, as the makers in tests/keras froze them in tests/keras/data."""

import json
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "keras" / "data"


def keras_numbers(name):
    """The content of ``keras_<name>.json``."""
    return json.loads((DATA / f"keras_{name}.json").read_text(encoding="utf-8"))


def case_name(case):
    """The name of a case for pytest: what is called, its options, and how many axes it is given."""
    options = "".join(f"-{k}={v}" for k, v in case["options"].items())
    axes = f"-{len(case['shape'])}d" if "shape" in case else ""
    return f"{case['name']}{options}{axes}"


def agree(ours, theirs, dtype):
    """Equal to 1e-10 in float64, a few roundings in float32; of max(1, x)."""
    close = 1e-10 if dtype == "float64" else 8 * np.finfo("f4").eps
    np.testing.assert_allclose(ours, theirs, rtol=close, atol=close)
