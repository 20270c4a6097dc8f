"""Activations and initializers: values, gradients, moments, names."""

import numpy as np
import pytest
from helpers import gradient, numbers

from lstmcore import activations, initializers
from lstmcore.utils import set_random_seed


@pytest.mark.parametrize("name", sorted(activations.registry.names()))
def test_activation_gradient(name):
    f = activations.get(name)
    x, dy = 2 * numbers(4, 5), numbers(4, 5)
    dx = f.gradient(dy, x, f(x))
    want = gradient(lambda: float((f(x) * dy).sum()), x)
    np.testing.assert_allclose(dx, want, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", sorted(activations.registry.names()))
def test_activation_keeps_float32_and_survives_large_numbers(name):
    f = activations.get(name)
    x = np.array([[-80, -1, 0, 1, 80]], np.float32)
    y = f(x)
    assert y.dtype == np.float32
    assert f.gradient(np.ones_like(x), x, y).dtype == np.float32
    assert np.isfinite(y).all()


def test_activation_values():
    # Keras 3.15.1
    x = np.array([-2.0, -0.5, 0.0, 1.5])
    known = {
        "elu": [-0.86466472, -0.39346934, 0, 1.5],
        "selu": [-1.52016649, -0.69175819, 0, 1.57605149],
        "leaky_relu": [-0.4, -0.1, 0, 1.5],
        "hard_sigmoid": [0.16666667, 0.41666667, 0.5, 0.75],
        "softplus": [0.12692801, 0.47407698, 0.69314718, 1.70141328],
        "exponential": [0.13533528, 0.60653066, 1, 4.48168907],
        "tanh": [-0.96402758, -0.46211717, 0, 0.90514821],
        "softsign": [-0.66666667, -0.33333333, 0, 0.6],
        "silu": [-0.23840584, -0.18877033, 0, 1.22636171],
        "sigmoid": [0.11920292, 0.37754067, 0.5, 0.81757448],
    }
    for name, y in known.items():
        np.testing.assert_allclose(activations.get(name)(x), y, atol=2e-8, err_msg=name)
    np.testing.assert_allclose(
        activations.softmax(x[None]), [[0.02174566, 0.09745727, 0.16067987, 0.72011721]], atol=1e-8
    )


def test_softmax_of_large_numbers():
    np.testing.assert_allclose(activations.softmax([[1e4, 1e4, -1e4]]), [[0.5, 0.5, 0]])


def test_sigmoid_keeps_relative_precision_far_below_zero():
    assert activations.sigmoid(np.float64(-40)) == pytest.approx(np.exp(-40), rel=1e-15)


# -- initializers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "deviation", "limit"),
    [
        ("glorot_uniform", np.sqrt(2 / 500), np.sqrt(6 / 500)),
        ("glorot_normal", np.sqrt(2 / 500), 2 / 0.8796 * np.sqrt(2 / 500)),
        ("he_uniform", np.sqrt(2 / 300), np.sqrt(6 / 300)),
        ("he_normal", np.sqrt(2 / 300), 2 / 0.8796 * np.sqrt(2 / 300)),
        ("lecun_uniform", np.sqrt(1 / 300), np.sqrt(3 / 300)),
        ("lecun_normal", np.sqrt(1 / 300), 2 / 0.8796 * np.sqrt(1 / 300)),
        ("random_normal", 0.05, np.inf),
        ("truncated_normal", 0.05 * 0.8796, 0.1),
        ("random_uniform", 0.05 / np.sqrt(3), 0.05),
    ],
)
def test_random_initializers_have_keras_moments(name, deviation, limit):
    set_random_seed(1)
    x = initializers.get(name)((300, 200), "float64")
    assert x.std() == pytest.approx(deviation, rel=0.02)
    assert abs(x.mean()) < 4 * deviation / np.sqrt(x.size)
    assert abs(x).max() <= limit * 1.0001
    assert abs(x).max() > min(limit, 3 * deviation) * 0.98


@pytest.mark.parametrize("shape", [(6, 24), (24, 6), (3, 4, 5)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2)(shape, "float64").reshape(-1, shape[-1])
    q = q if q.shape[0] <= q.shape[1] else q.T
    np.testing.assert_allclose(q @ q.T, 4 * np.eye(len(q)), atol=1e-12)


def test_orthogonal_matrices_point_everywhere():
    corners = [initializers.Orthogonal(seed=i)((2, 2))[0, 0] > 0 for i in range(60)]
    assert 15 < sum(corners) < 45


def test_fans_of_many_axes():
    set_random_seed(0)
    x = initializers.get("he_uniform")((5, 30, 40), "float64")
    assert abs(x).max() == pytest.approx(np.sqrt(6 / 150), rel=0.01)


def test_a_seeded_initializer_repeats_itself_and_a_plain_one_does_not():
    seeded, plain = initializers.GlorotUniform(seed=3), initializers.GlorotUniform()
    assert (seeded((4, 4)) == seeded((4, 4))).all()
    assert (plain((4, 4)) != plain((4, 4))).any()


def test_initializer_names_and_errors():
    assert isinstance(initializers.get("GlorotUniform"), initializers.GlorotUniform)
    assert initializers.get({"class_name": "Constant", "config": {"value": 2}})((2,))[0] == 2
    with pytest.raises(ValueError, match="did you mean 'GlorotUniform'"):
        initializers.get("glorot_unifrom")
    with pytest.raises(TypeError, match="has no argument 'sede': did you mean 'seed'"):
        initializers.GlorotUniform(sede=1)
    with pytest.raises(ValueError, match="distribution: expected one of"):
        initializers.VarianceScaling(distribution="cauchy")
