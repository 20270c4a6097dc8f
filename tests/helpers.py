"""What several test files use."""

import numpy as np

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense

# a small regression: the last value of the first feature
X = np.random.default_rng(2).standard_normal((50, 6, 2)).astype(np.float32)
Y = X[:, -1, 0]


def small():
    model = Sequential([Input((6, 2)), LSTM(3), Dense(1)])
    model.compile("adam", "mse")
    return model


def numbers(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def gradient(f, x, eps=1e-6):
    """The gradient of a real function at x, by central differences."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        at = x[i]
        x[i] = at + eps
        up = f()
        x[i] = at - eps
        down = f()
        x[i] = at
        g[i] = (up - down) / (2 * eps)
    return g
