"""Makes keras_activations.json: values and gradients, for tests/activations/test_functions.py.

    python tests/keras/make_keras_activations.py

In any environment with Keras 3 and JAX. The inputs are `wave32`s (tests/support/formulas.py) and
are not stored; Keras computes in float64.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import jax
import numpy as np
from formulas import wave32
from keras64 import keras

# glu halves its axis; threshold has no defaults; Keras 3.15's sparsemax does not add up to 1
LEFT_OUT = {"deserialize", "get", "glu", "serialize", "sparsemax", "threshold"}
CASES = [
    *((name, {}) for name in dir(keras.activations) if name[0] != "_" and name not in LEFT_OUT),
    ("relu", {"negative_slope": 0.3}),
    ("relu", {"max_value": 1.1}),
    ("relu", {"max_value": 6}),
    ("relu", {"threshold": 0.7}),
    ("relu", {"threshold": -0.7}),
    ("relu", {"negative_slope": 0.3, "max_value": 1.1}),
    ("relu", {"negative_slope": 0.3, "threshold": 0.7}),
    ("relu", {"negative_slope": 0.3, "max_value": 1.1, "threshold": 0.4}),
    ("relu", {"negative_slope": 0.3, "max_value": 1.1, "threshold": -0.4}),
    ("leaky_relu", {"negative_slope": 0.05}),
    ("elu", {"alpha": 1.7}),
    ("celu", {"alpha": 1.7}),
    ("gelu", {"approximate": True}),
    ("squareplus", {"b": 2}),
    ("soft_shrink", {"threshold": 1.25}),
    ("hard_shrink", {"threshold": 1.25}),
    ("softmax", {"axis": 0}),
    ("softmax", {"axis": [0, 1]}),
    ("log_softmax", {"axis": 1}),
    ("glu", {"axis": 1}),
    ("threshold", {"threshold": 1.25, "default_value": -0.5}),
]


def main():
    x = wave32((3, 4, 5), 1.7).astype(float) * 5
    cases = []
    for name, options in CASES:
        f = keras.activations.get(name)
        arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        y, back = jax.vjp(lambda x, f=f, a=arguments: f(x, **a), x)
        dy = wave32(y.shape, 0.9).astype(float)
        cases.append(
            {
                "name": name,
                "options": options,
                "y": np.asarray(y).ravel().tolist(),
                "dx": np.asarray(back(dy)[0]).ravel().tolist(),
            }
        )
    text = json.dumps({"keras": keras.__version__, "cases": cases})
    text = text.replace('{"name', '\n{"name')  # a line for each case
    (Path(__file__).parent / "data" / "keras_activations.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
