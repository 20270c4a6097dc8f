"""Every activation as operators of ONNX."""

import numpy as np
import pytest
from onnx_exports import exported, same

from lstmcore import Input, Sequential, activations, layers

# far from 0 too: none overflows; and where the functions break
X = np.concatenate([np.linspace(-9, 9, 37), [0, 1, -1, 3, -3, 6, 0.5, -0.5, 90, -90, 1e-3]])
X = np.stack([X, X[::-1]]).reshape(2, 6, 8).astype("float32")
OPTIONS = {
    "relu": {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5},
    "leaky_relu": {"negative_slope": 0.3},
    "elu": {"alpha": 0.5},
    "celu": {"alpha": 0.5},
    "gelu": {"approximate": True},
    "squareplus": {"b": 2},
    "hard_shrink": {"threshold": 1.0},
    "soft_shrink": {"threshold": 1.0},
    "softmax": {"axis": 1},
    "log_softmax": {"axis": 1},
    "sparsemax": {"axis": 1},
    "hard_sigmoid": {"slope": 0.2, "offset": 0.4},
    "affine": {"alpha": 2.0, "beta": 0.5},
    "scaled_tanh": {"alpha": 2.0, "beta": 0.5},
    "threshold": {"threshold": 0.5, "default_value": -2.0},
    "clipped": {"function": "tanh", "limit": 0.5},
}
PLAIN = sorted(
    {f.__name__ for f in vars(activations).values() if isinstance(f, activations.Activation)}
    - {"glu", "threshold", "clipped"}
)


def check(function, x=X):
    model = Sequential([Input((6, 8)), layers.Activation(function)])
    x = np.minimum(x, 9) if function.__name__ == "exponential" else x
    same(exported(model).run([x]), [model.predict(x, verbose=0)])


@pytest.mark.parametrize("name", PLAIN)
def test_activations(name):
    check(getattr(activations, name))


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name):
    check(getattr(activations, name).using(**OPTIONS[name]))
