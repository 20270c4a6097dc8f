"""Freeze the public names of Keras, module by module: keras_public.json.

    python tests/keras/make_keras_public.py

Each line is a module and its names, those of modules inside it with a slash; then a class and its
attributes. Needs Keras 3 and JAX.
"""

import inspect
import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras


def public(module, path, found):
    """Add the names of a module, and of the modules inside it, to what was found."""
    found[path] = names = []
    for name in (n for n in dir(module) if not n.startswith("_")):
        entry = getattr(module, name)
        if not inspect.ismodule(entry):
            names.append(name)
        elif entry.__name__.startswith("keras") and name != "src":
            names.append(f"{name}/")
            public(entry, f"{path}.{name}".lstrip("."), found)
    return found


CLASSES = {
    "layers": ("Layer", "Dense", "LSTM", "GRU", "Bidirectional", "RNN", "LSTMCell", "Embedding"),
    "models": ("Model", "Sequential"),
    "optimizers": ("Adam", "SGD"),
    "losses": ("MeanSquaredError",),
    "metrics": ("Mean", "MeanSquaredError", "AUC"),
    "callbacks": ("Callback", "EarlyStopping", "ModelCheckpoint"),
    "initializers": ("GlorotUniform",),
    "regularizers": ("L1L2",),
    "constraints": ("MaxNorm",),
}
attributes = {
    f"{module}.{name}": " ".join(n for n in dir(getattr(entry, name)) if not n.startswith("_"))
    for module, names in CLASSES.items()
    for entry in [getattr(keras, module)]
    for name in names
}
frozen = {path: " ".join(names) for path, names in public(keras, "", {}).items()}
path = Path(__file__).parent / "data" / "keras_public.json"
path.write_text(
    json.dumps({"keras": keras.__version__, "modules": frozen, "attributes": attributes}, indent=0)
    + "\n"
)
print(path.name, path.stat().st_size, "bytes")
