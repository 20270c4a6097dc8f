"""Tutorial: activation, initializer, regularizer and constraint of one's own, as in Keras 3."""

import numpy as np

import lstmcore as keras
from lstmcore import backend as K
from lstmcore import ops
from lstmcore.layers import LSTM, Activation, Dense
from lstmcore.utils import get_custom_objects


def mish(x):
    return x * ops.tanh(ops.softplus(x))


def swish(x, beta=1):
    return x * K.sigmoid(beta * x)


def my_init(shape, dtype=None):
    return keras.random.normal(shape, stddev=0.3, dtype=dtype)


def l1_reg(weight_matrix):
    return 0.01 * ops.sum(ops.absolute(weight_matrix))


class OrthogonalRegularizer(keras.regularizers.Regularizer):
    def __init__(self, strength=0.01):
        self.strength = strength

    def __call__(self, w):
        gram = ops.matmul(ops.transpose(w), w)
        return self.strength * ops.sum(ops.square(gram - ops.eye(w.shape[1])))

    def get_config(self):
        return {"strength": self.strength}


class ExampleInitializer(keras.initializers.Initializer):
    def __init__(self, value):
        self.value = value

    def __call__(self, shape, dtype=None):
        return ops.full(shape, self.value, dtype=dtype)

    def get_config(self):
        return {"value": self.value}


class NonNegWeights(keras.constraints.Constraint):
    def __call__(self, w):
        return w * ops.cast(ops.greater_equal(w, 0.0), dtype=w.dtype)


def weightnorm(w):
    return w / (ops.sqrt(ops.sum(ops.square(w), axis=0)) + 1e-7)


get_custom_objects().update({"swish_own": swish, "mish": mish})
x = np.random.default_rng(0).normal(size=(32, 5, 2))
y = x[:, -1, :1] ** 2
model = keras.Sequential(
    [
        LSTM(
            6,
            input_shape=(5, 2),
            kernel_initializer=my_init,
            kernel_regularizer=l1_reg,
            recurrent_regularizer=OrthogonalRegularizer(0.02),
        ),
        Dense(8, activation=mish, kernel_constraint=NonNegWeights()),
        Dense(8, activation="mish", kernel_constraint=weightnorm),
        Activation(swish),
        Dense(8, activation="swish_own", bias_initializer=ExampleInitializer(0.5)),
        Dense(1, activation=lambda z: ops.log(1 + ops.exp(z))),
    ]
)
assert (model.layers[4].get_weights()[1] == 0.5).all()
kernel, recurrent = model.layers[0].get_weights()[:2]
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
gram = recurrent.T @ recurrent
penalty = 0.01 * np.abs(kernel).sum() + 0.02 * np.sum((gram - np.eye(24)) ** 2)
error = np.mean((model.predict(x, verbose=0) - y) ** 2)
assert np.isclose(model.evaluate(x, y, verbose=0), error + penalty, rtol=1e-4)
history = model.fit(x, y, epochs=5, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
assert (model.layers[1].get_weights()[0] >= 0).all()
assert np.allclose(np.linalg.norm(model.layers[2].get_weights()[0], axis=0), 1, atol=1e-4)
