"""Activation functions of ONNX's recurrent operators."""

import numpy as np
import pytest
from onnx_graphs import FUNCTIONS

from lstmcore import _core
from lstmcore.interchange.onnx.functions import Function, functions_of
from lstmcore.reference import ACTIVATIONS

X = np.linspace(-4, 4, 33)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_formulas(name, dtype):
    f = Function(name.lower(), 0.3, 0.7)
    y = f(X.astype(dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y, FUNCTIONS[name](X, 0.3, 0.7), atol=1e-6)
    big = np.array([-1e4, 1e4], dtype)  # without overflow
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(f(big)).all()


@pytest.mark.parametrize(
    "f",
    [Function("elu", 1.0), Function("affine", 1.0, 0.0)]
    + [Function(n) for n in ("relu", "tanh", "sigmoid", "softsign")],
)
def test_the_kernels_have_the_same(f):
    np.testing.assert_allclose(f(X), ACTIVATIONS[f.kernel_form](X), atol=1e-12)


@pytest.mark.parametrize("f", [Function("elu", 0.5), Function("softplus"), Function("affine", 2.0)])
def test_the_kernels_have_others_not(f):
    assert f.kernel_form is None


def test_the_kernels_take_any_hard_sigmoid():
    assert Function("hardsigmoid", 0.3, 0.4).kernel_form == ("hard_sigmoid", 0.3, 0.4)
    y = X.astype(np.float32)
    _core.activate(("hard_sigmoid", 0.3, 0.4), y)
    np.testing.assert_allclose(y, Function("hardsigmoid", 0.3, 0.4)(X), atol=1e-6)


def test_numbers_are_consumed_in_order_by_those_that_take_any():
    made = functions_of(["Sigmoid", "LeakyRelu", "HARDSIGMOID", "Elu"], [0.5, 0.3], [0.1])
    assert made == [
        ("sigmoid", 0, 0),
        ("leakyrelu", 0.5, 0),
        ("hardsigmoid", 0.3, 0.1),
        ("elu", 1.0, 0),
    ]
    assert functions_of(["ThresholdedRelu", "HardSigmoid"], [], []) == [
        ("thresholdedrelu", 1.0, 0),
        ("hardsigmoid", 0.2, 0.5),
    ]


@pytest.mark.parametrize(
    ("names", "alphas", "betas", "message"),
    [
        (["Swish"], [], [], "activations: expected Relu, Tanh, .* got 'Swish'"),
        (["Affine"], [1.0], [], "activation_beta: expected a number for Affine"),
        (["ScaledTanh"], [], [1.0], "activation_alpha: expected a number for ScaledTanh"),
        (["Tanh", "Elu"], [1.0, 2.0], [], r"activation_alpha: .* \[2.0\] are left"),
        (["Tanh"], [], [0.5], r"activation_beta: .* \[0.5\] are left"),
        (["Elu"], [float("nan")], [], "activation_alpha: expected a finite number"),
    ],
)
def test_what_cannot_be_meant(names, alphas, betas, message):
    with pytest.raises(ValueError, match=message):
        functions_of(names, alphas, betas)
