"""The kernels compute what they have; NumPy computes the same."""

import numpy as np
import pytest
from onnx import helper
from onnx_graphs import random_arrays

from lstmcore.interchange.onnx import time_loops
from lstmcore.interchange.onnx.recurrent_node import RecurrentNode


def node(kind, **attributes):
    return RecurrentNode.of(helper.make_node(kind, ["X", "W", "R"], ["Y"], "cell", **attributes))


IN_THE_KERNELS = [
    ("LSTM", {}),
    ("LSTM", {"input_forget": 1}),
    ("LSTM", {"activations": ["Sigmoid", "Tanh", "Relu"]}),
    ("LSTM", {"activations": ["Softsign", "Relu", "Relu"]}),
    ("LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_alpha": [0.3]}),
    ("GRU", {}),
    ("GRU", {"linear_before_reset": 1}),
    ("GRU", {"activations": ["Sigmoid", "Elu"]}),
    ("RNN", {"activations": ["Relu"]}),
    ("RNN", {"activations": ["Affine"], "activation_alpha": [1.0], "activation_beta": [0.0]}),
]


@pytest.mark.parametrize("peephole", [True, False])
@pytest.mark.parametrize(("kind", "attributes"), IN_THE_KERNELS)
def test_kernels_and_numpy_agree(kind, attributes, peephole):
    one = node(kind, **attributes)
    arrays = random_arrays(np.random.default_rng(0), kind, 1)
    p = arrays.get("P") if peephole else None
    weights = time_loops.Weights(arrays["W"], arrays["R"], arrays["B"], p)
    assert time_loops.core_cell(one, 0, peephole) is not None
    x = np.ascontiguousarray(arrays["X"].swapaxes(0, 1))
    mask = np.arange(4) < np.array([[4], [2], [0]])
    states = [arrays[n][0] for n in ("initial_h", "initial_c") if n in arrays]
    found = [
        compute(x, mask, [s.copy() for s in states])
        for compute in (
            time_loops.direction_of(one, 0, weights),
            time_loops._NumPyLoop(one, 0, weights),
        )
    ]
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-6)
    for a, b in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    "attributes",
    [
        {"clip": 1.0},
        {"activations": ["Softplus", "Tanh", "Tanh"]},
    ],
)
def test_what_the_kernels_do_not_have(attributes):
    assert time_loops.core_cell(node("LSTM", **attributes), 0, False) is None
