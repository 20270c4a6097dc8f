"""Freeze the order of the arguments of calls of Keras's layers: keras_calls.json.

    python tests/keras/make_keras_calls.py

For each layer the names of the arguments of its `call`, without self. Needs Keras 3 and JAX.
"""

import inspect
import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras

OTHERS = ("2D", "3D", "Random")  # layers of images
frozen = {}
for name, entry in sorted(vars(keras.layers).items()):
    is_layer = inspect.isclass(entry) and issubclass(entry, keras.layers.Layer)
    if is_layer and not any(word in name for word in OTHERS):
        parameters = inspect.signature(entry.call).parameters.values()
        named = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        frozen[name] = named[1:]
for name in ("Model", "Sequential"):
    frozen[name] = ["inputs", "training", "mask"]  # Functional.call; Model's is the user's

path = Path(__file__).parent / "data" / "keras_calls.json"
path.write_text(json.dumps(frozen, separators=(",", ":")) + "\n")
print(path.name, path.stat().st_size, "bytes,", len(frozen), "layers")
