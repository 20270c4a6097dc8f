"""Freeze Keras's answers to tests/support/preprocessing_cases.py: keras_preprocessing.json.

    python tests/keras/make_keras_preprocessing.py

Needs Keras 3 and TensorFlow, without which Keras has no text layers.
"""

import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import keras
import numpy as np
import preprocessing_cases

keras.config.set_floatx("float64")


def decoded(array):
    """Bytes as strings."""
    return np.vectorize(lambda v: v.decode() if isinstance(v, bytes) else v)(array)


def freeze(one):
    config = dict(one["config"])
    if isinstance(config.get("ngrams"), list):
        config["ngrams"] = tuple(config["ngrams"])
    layer = getattr(keras.layers, one["layer"])(**config)
    floats = one["layer"] in ("Normalization", "Discretization")
    if one["adapt"] is not None:
        layer.adapt(np.array(one["adapt"]) if floats else one["adapt"])
    y = np.asarray(layer(np.array(one["x"]) if floats else one["x"]))
    y = decoded(y) if y.dtype.kind in "OS" else y
    frozen = {"y": y.tolist(), "kind": y.dtype.kind}
    if hasattr(layer, "get_vocabulary"):
        words = [w.item() if hasattr(w, "item") else w for w in layer.get_vocabulary()]
        frozen["vocabulary"], frozen["size"] = words, layer.vocabulary_size()
    if one["layer"] == "Normalization":
        frozen["weights"] = [np.asarray(w).tolist() for w in layer.weights]
        frozen["names"] = [w.name for w in layer.weights]
        frozen["mean"] = np.asarray(layer.mean).tolist()
    if one["layer"] == "Discretization":
        frozen["boundaries"] = layer.bin_boundaries
    return frozen


frozen = {name: freeze(one) for name, one in preprocessing_cases.CASES.items()}
path = Path(__file__).parent / "data" / "keras_preprocessing.json"
path.write_text(json.dumps(frozen, separators=(",", ":")) + "\n")
print(path.name, path.stat().st_size, "bytes,", len(frozen), "cases")
