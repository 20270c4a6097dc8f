"""Dense: values, gradients, Keras's arguments."""

import json

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers

from lstmcore import activations
from lstmcore.constraints import MaxNorm, NonNeg
from lstmcore.layers import Dense
from lstmcore.regularizers import L1, L2


@pytest.mark.parametrize("activation", [None, "tanh", "softmax"])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)])
def test_dense_backward(activation, shape):
    check_backward(Dense(3, activation=activation, dtype="float64"), numbers(*shape))
    check_backward(Dense(2, use_bias=False, dtype="float64"), numbers(*shape))


def test_dense_value():
    layer = Dense(2, activation="relu")
    layer(np.ones((1, 3)))
    layer.set_weights([[[1, -1], [2, -2], [3, -3]], [0.5, 0.5]])
    np.testing.assert_allclose(layer([[1, 0, 2]]), [[7.5, 0]])


def test_a_function_is_an_activation_with_its_gradient_or_without():
    x = numbers(2, 4)
    layer = Dense(3, activation=np.tanh, dtype="float64")
    check_backward(layer, x)
    named = Dense(3, activation="tanh", dtype="float64")
    named.build((None, 4))
    named.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), named(x), rtol=1e-12)
    square = activations.Activation("square", lambda x: x * x, lambda dy, x, y: 2 * x * dy)
    check_backward(Dense(3, activation=square, dtype="float64"), numbers(2, 4))


def test_dense_takes_keras_s_arguments_in_keras_s_order():
    layer = Dense(
        3, "tanh", True, "ones", "zeros", "l1", L2(0.5), "l2", MaxNorm(2), NonNeg(), name="d"
    )
    layer(np.ones((2, 4)))
    kernel, bias = layer.weights
    assert isinstance(kernel.regularizer, L1)
    assert bias.regularizer.l2 == 0.5
    assert isinstance(layer.activity_regularizer, L2)
    assert isinstance(kernel.constraint, MaxNorm)
    assert isinstance(bias.constraint, NonNeg)
    again = Dense.from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()
    with pytest.raises(TypeError, match="Dense has no argument 'lora_rank'"):
        Dense(3, lora_rank=2)


def test_dense_s_activity_counts(dtype):
    layer = Dense(3, activity_regularizer=L2(0.1), dtype=dtype)
    x = numbers(4, 2).astype(dtype)
    y = layer(x)
    _, back, _ = layer.run(x, True)
    back(np.zeros_like(y))
    want = x.T @ (0.2 * y / 4)
    np.testing.assert_allclose(layer.weights[0].grad, want, rtol=1e-5, atol=1e-7)
