"""Keras's numbers, as the makers in tests/keras froze them in tests/keras/data."""

import json
from pathlib import Path

DATA = Path(__file__).parents[1] / "keras" / "data"


def keras_numbers(name):
    """The content of ``keras_<name>.json``."""
    return json.loads((DATA / f"keras_{name}.json").read_text(encoding="utf-8"))
