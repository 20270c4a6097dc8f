"""What several test files use."""

import ctypes

import numpy as np
import pytest

from lstmcore import Input, Sequential, _core
from lstmcore.layers import LSTM, Dense, Layer

# AddressSanitizer keeps what is freed for a while, so that its later use is noticed.
memory_counts = pytest.mark.skipif(
    hasattr(ctypes.CDLL(None), "__asan_init"), reason="AddressSanitizer keeps freed memory"
)

# a small regression: the last value of the first feature
X = np.random.default_rng(2).standard_normal((50, 6, 2)).astype(np.float32)
Y = X[:, -1, 0]


def small(**kwargs):
    """A compiled model for X and Y."""
    model = Sequential([Input((6, 2)), LSTM(3), Dense(1)], **kwargs)
    model.compile("adam", "mse")
    return model


class RunningMean(Layer):
    """The mean of the real steps so far, or of all: the simplest layer with a memory."""

    uses_mask = True

    def __init__(self, return_sequences=False, **kwargs):
        super().__init__(**kwargs)
        self.return_sequences = return_sequences

    def compute_output_shape(self, input_shape):
        return input_shape if self.return_sequences else (input_shape[0], input_shape[2])

    def compute_mask(self, x, mask=None):
        return mask if self.return_sequences else None

    def forward(self, x, training=False, mask=None):
        real = np.ones(x.shape[:2], bool) if mask is None else mask
        share = np.tril(real[:, None, :] * np.ones((x.shape[1], 1), x.dtype))  # (batch, t, s)
        share /= np.maximum(share.sum(-1, keepdims=True), 1)
        if not self.return_sequences:
            share = share[:, -1:]
        y = share @ x

        def back(dy, need_dx=True):
            return share.transpose(0, 2, 1) @ dy.reshape(y.shape)

        return y if self.return_sequences else y[:, 0], back if training else None


def numbers(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


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
