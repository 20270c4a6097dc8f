"""Makes keras_regularizers.json: penalties, their gradients and constrained weights.

    python tests/keras/make_keras_regularizers.py

In any environment with Keras 3 and JAX; for tests/test_regularizers.py and test_constraints.py. The
inputs are `wave32`s (tests/support/formulas.py) and are not stored; Keras computes in float64.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import jax
import numpy as np
from formulas import wave32
from keras64 import keras

SHAPES = [(4, 6), (5,), (2, 3, 4)]
REGULARIZERS = [
    ("l1", {}),
    ("l2", {}),
    ("l1_l2", {}),
    ("l1", {"l1": 0.3}),
    ("l2", {"l2": 0.2}),
    ("l1_l2", {"l1": 0.3, "l2": 0.2}),
    ("l1_l2", {"l2": 0.2}),
    ("orthogonal_regularizer", {}),
    ("orthogonal_regularizer", {"factor": 0.5, "mode": "columns"}),
]
CONSTRAINTS = [
    ("max_norm", {}),
    ("max_norm", {"max_value": 1.1}),
    ("max_norm", {"max_value": 1.1, "axis": -1}),
    ("max_norm", {"max_value": 1.1, "axis": [0, 1]}),
    ("min_max_norm", {}),
    ("min_max_norm", {"min_value": 1.2, "max_value": 1.3, "rate": 0.7, "axis": 1}),
    ("unit_norm", {}),
    ("unit_norm", {"axis": [0, 1]}),
    ("non_neg", {}),
]


def main():
    cases = []
    for shape in SHAPES:
        x = jax.numpy.asarray(wave32(shape, 1.3).astype(float))
        for name, options in REGULARIZERS:
            if name.startswith("orthogonal") and len(shape) != 2:
                continue
            value, slope = jax.value_and_grad(getattr(keras.regularizers, name)(**options))(x)
            case = {"kind": "regularizer", "name": name, "options": options, "shape": shape}
            cases.append(case | {"value": float(value), "out": np.ravel(slope).tolist()})
        for name, options in CONSTRAINTS:
            if np.max(options.get("axis", 0)) >= len(shape):
                continue
            out = getattr(keras.constraints, name)(**options)(x)
            case = {"kind": "constraint", "name": name, "options": options, "shape": shape}
            cases.append(case | {"out": np.ravel(out).tolist()})
    text = json.dumps({"keras": keras.__version__, "cases": cases})
    text = text.replace('{"kind', '\n{"kind')  # a line for each case
    (Path(__file__).parent / "data" / "keras_regularizers.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
