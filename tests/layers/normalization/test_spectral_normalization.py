"""SpectralNormalization: the norm, its estimate, gradients, what is kept and what is refused."""

import numpy as np
import pytest
from formulas import wave
from gradients import check_backward
from helpers import numbers

from lstmcore import Input, Sequential
from lstmcore.layers import (
    LSTM,
    Concatenate,
    Conv1D,
    Dense,
    DepthwiseConv1D,
    Embedding,
    Flatten,
    Layer,
    ReLU,
    SpectralNormalization,
)

INNER = {
    "dense": (lambda: Dense(4, "tanh"), (3, 5)),
    "conv": (lambda: Conv1D(4, 2), (2, 5, 3)),
    "depthwise": (lambda: DepthwiseConv1D(2, depth_multiplier=2), (2, 5, 3)),
}


def made(x, inner, *args):
    """The layer, built, with a kernel whose largest singular value is far from the next."""
    layer = SpectralNormalization(inner, *args, dtype="float64")
    layer(x)
    layer.kernel.assign(1 + wave(layer.kernel.shape, 1.1))
    return layer


def largest(kernel):
    return np.linalg.norm(kernel.value.reshape(-1, kernel.shape[-1]), 2)


@pytest.mark.parametrize("inner", INNER)
def test_it_is_the_layer_with_a_kernel_of_norm_1(inner):
    make, shape = INNER[inner]
    x = numbers(*shape)
    layer = made(x, make(), 100)
    y = layer(x)
    plain = make()
    plain.dtype = "float64"
    plain(x)
    kernel, *rest = layer.layer.get_weights()
    plain.set_weights([kernel / largest(layer.kernel), *rest])
    np.testing.assert_allclose(y, plain(x), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(layer.kernel.value, kernel)
    u, divided = layer.normalized_weights()
    np.testing.assert_allclose(divided, kernel / largest(layer.kernel), rtol=1e-9)
    assert u.shape == layer.vector_u.shape
    assert [p.name for p in layer.weights] == ["kernel", "vector_u", "bias"]
    assert [p.name for p in layer.trainable_weights] == ["kernel", "bias"]


@pytest.mark.parametrize("inner", INNER)
def test_gradients_go_through_the_norm(inner):
    make, shape = INNER[inner]
    x = numbers(*shape)
    check_backward(made(x, make(), 100), x, training=True)


def test_training_moves_the_estimate():
    x = numbers(3, 5)
    layer = made(x, Dense(4))
    u = layer.vector_u.numpy()
    layer(x)
    np.testing.assert_array_equal(layer.vector_u.value, u)
    kernel = layer.kernel.value
    v = u @ kernel.T / np.linalg.norm(u @ kernel.T)
    u = v @ kernel / np.linalg.norm(v @ kernel)
    y = layer(x, training=True)
    np.testing.assert_allclose(layer.vector_u.value, u, rtol=1e-12)
    np.testing.assert_allclose(y, x @ (kernel / (v @ kernel @ u.T)), rtol=1e-12)
    for _ in range(100):
        layer(x, training=True)
    np.testing.assert_allclose(layer(x), x @ kernel / largest(layer.kernel), rtol=1e-9)
    layer.trainable, u = False, layer.vector_u.numpy()
    layer.kernel.assign(kernel[::-1])
    layer(x, training=True)
    np.testing.assert_array_equal(layer.vector_u.value, u)


def test_a_kernel_of_zeros_stays():
    layer = SpectralNormalization(Dense(4, kernel_initializer="zeros"), dtype="float64")
    x = numbers(3, 5)
    assert not layer(x).any()
    y, back = layer.forward(x, True)
    assert np.isfinite(back(np.ones_like(y))).all()
    assert np.isfinite(layer.kernel.grad).all()


def test_a_critic_of_norm_1_learns():
    x = numbers(32, 6, 2).astype("float32")
    model = Sequential(
        [
            Input((6, 2)),
            SpectralNormalization(Conv1D(4, 3)),
            ReLU(),
            Flatten(),
            SpectralNormalization(Dense(1), power_iterations=3),
        ]
    )
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, 0, :1], epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


class Scaled(Layer):
    """A layer with a kernel whose `call` is derived."""

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 3), "glorot_uniform", name="kernel")

    def call(self, x):
        return x @ self.kernel


def test_a_layer_with_call():
    x = numbers(4, 5)
    layer = made(x, Scaled(), 100)
    np.testing.assert_allclose(layer(x), x @ layer.kernel.value / largest(layer.kernel), rtol=1e-9)
    check_backward(layer, x, training=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SpectralNormalization(Dense(2), 0), "power_iterations: expected a whole number"),
        (lambda: SpectralNormalization(ReLU())(numbers(2, 3)), "a layer with a kernel or embed"),
        (lambda: SpectralNormalization(LSTM(2))(numbers(2, 3, 1)), "and not a recurrent one"),
        (lambda: SpectralNormalization(Concatenate()), "a layer of one input and one output"),
        (lambda: SpectralNormalization(Embedding), "layer: expected a layer"),
    ],
)
def test_what_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
