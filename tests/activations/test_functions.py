"""Activations: Keras's numbers, gradients, precision."""

import numpy as np
import pytest
from formulas import wave32
from gradients import gradient
from helpers import numbers
from keras_numbers import case_name, keras_numbers

from lstmcore import activations

KERAS = keras_numbers("activations")
CASES = KERAS["cases"]


NEEDED = {
    "threshold": {"threshold": 0.3, "default_value": -0.2},
    "clipped": {"function": "tanh", "limit": 1.2},
}
OURS = {"affine", "clipped", "scaled_tanh", "sparsemax"}  # Keras has none of the name, or another


def with_options(name):
    """The activation of this name, with the options that have no defaults."""
    f = activations.get(name)
    return f.using(**NEEDED[name]) if f.lacks() else f


@pytest.mark.parametrize("name", sorted(activations.registry.names()))
def test_activation_gradient(name):
    f = with_options(name)
    x = 2 * numbers(4, 6)
    dy = numbers(*f(x).shape)
    dx = f.gradient(dy, x, f(x))
    want = gradient(lambda: float((f(x) * dy).sum()), x)
    np.testing.assert_allclose(dx, want, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", sorted(activations.registry.names()))
def test_activation_keeps_float32_and_survives_large_numbers(name):
    f = with_options(name)
    x = np.array([[-80, -1, 0, 1, 80, 0.5]], np.float32)
    y = f(x)
    assert y.dtype == np.float32
    assert f.gradient(np.ones_like(y), x, y).dtype == np.float32
    assert np.isfinite(y).all()


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_activations_are_keras(case, dtype):
    """Values and gradients: 1e-10 in float64, some roundings of the numbers in float32."""
    f = activations.get(case["name"]).using(**case["options"])
    x = wave32((3, 4, 5), 1.7).astype(dtype) * 5
    y = f(x)
    dy = wave32(y.shape, 0.9).astype(dtype)
    dx = f.gradient(dy, x, y)
    assert y.dtype == dx.dtype == dtype
    wide = f(x.astype("f8"))
    narrow = 8 * np.finfo("f4").eps * max(1, np.abs(wide).max())
    for ours, theirs in ((y, case["y"]), (dx, case["dx"])):
        theirs = np.reshape(theirs, ours.shape)
        if dtype == "float64":
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=narrow)


def test_every_activation_is_held_to_keras():
    assert {c["name"] for c in CASES} | OURS == set(activations.registry.names())


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sparsemax_is_the_nearest_point_of_the_simplex(axis):
    """Keras 3.15's is another: its numbers need not add up to 1."""
    x, dy = 2 * numbers(4, 3, 5), numbers(4, 3, 5)
    f = activations.sparsemax.using(axis=axis)
    y = f(x)
    np.testing.assert_allclose(y.sum(axis=axis), 1, rtol=1e-12)
    assert (y >= 0).all()
    # what separates the two: a common cut where y > 0, which exceeds x elsewhere
    cut = np.max(x - y, axis=axis, keepdims=True)
    np.testing.assert_allclose(np.maximum(x - cut, 0), y, atol=1e-12)
    want = gradient(lambda: float((f(x) * dy).sum()), x)
    np.testing.assert_allclose(f.gradient(dy, x, y), want, rtol=1e-6, atol=1e-8)


def test_softmax_of_large_numbers():
    np.testing.assert_allclose(activations.softmax([[1e4, 1e4, -1e4]]), [[0.5, 0.5, 0]])


def test_sigmoid_keeps_relative_precision_far_below_zero():
    assert activations.sigmoid(np.float64(-40)) == pytest.approx(np.exp(-40), rel=1e-15)
