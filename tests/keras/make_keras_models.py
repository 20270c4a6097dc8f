"""Freeze what Keras makes of the models of tests/support/random_models.py: keras_models.json.

    python tests/keras/make_keras_models.py [COUNT]

In float64; needs Keras 3 and PyTorch, which compiles nothing. A seed whose model Keras does not
take is left out.
"""

import json
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

os.environ["KERAS_BACKEND"] = "torch"

import keras
import random_models

keras.config.set_floatx("float64")
warnings.simplefilter("ignore")

path = Path(__file__).parent / "data" / "keras_models.json"
frozen, seed, wanted = {}, 0, int(sys.argv[1]) if sys.argv[1:] else 200
while len(frozen) < wanted:
    keras.backend.clear_session()
    try:
        frozen[seed] = random_models.play(keras, seed)
    except Exception as error:
        print(seed, type(error).__name__, str(error).splitlines()[:1], flush=True)
    seed += 1
    if seed % 10 == 0:
        print(seed, flush=True)


def rounded(entry):
    return {k: [float(f"{v:.14g}") for v in e] if k != "shapes" else e for k, e in entry.items()}


lines = (f'"{s}":{json.dumps(rounded(f), separators=(",", ":"))}' for s, f in frozen.items())
path.write_text("{" + ",\n".join(lines) + "}\n")
print(path.name, path.stat().st_size, "bytes,", len(frozen), "models")
