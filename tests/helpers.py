"""What several test files use."""

import numpy as np

from lstmcore import Input, Sequential, _core
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


# The core's plain LSTM with its arrays by name.
PLAIN = _core.Cell("lstm")


def lstm_pack(kernel, recurrent_kernel, bias=None, **options):
    return _core.pack(PLAIN, (kernel, recurrent_kernel, bias), **options)


def lstm_forward(packed, x, h0=None, c0=None, **options):
    states = None if h0 is None and c0 is None else (h0, c0)
    y, (h, c), tape = _core.forward(packed, x, states, **options)
    return y, h, c, tape


def lstm_backward(
    packed, x, tape, dy=None, dh=None, dc=None, *, dkernel, drecurrent, dbias=None, **options
):
    grads = (dkernel, drecurrent, dbias)
    dx, (dh0, dc0) = _core.backward(packed, x, tape, dy, (dh, dc), grads=grads, **options)
    return dx, dh0, dc0
