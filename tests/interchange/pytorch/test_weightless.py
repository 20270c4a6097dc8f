"""Modules without arrays: their numbers by the formulas of PyTorch's documentation."""

import numpy as np
import pytest
from scipy.special import erf, expit
from torch_files import module, sequential

from lstmcore import from_torch

X = np.random.default_rng(4).uniform(-9, 9, (2, 8, 4)).astype(np.float32)
X[0, 0] = 0, 3, -3, 0.5


def softplus(x):
    return np.logaddexp(x, 0)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


ACTIVATIONS = [
    ("ReLU", {}, lambda x: np.maximum(x, 0)),
    ("ReLU6", {}, lambda x: np.clip(x, 0, 6)),
    ("Tanh", {}, np.tanh),
    ("Sigmoid", {}, expit),
    ("LogSigmoid", {}, lambda x: -softplus(-x)),
    ("SiLU", {}, lambda x: x * expit(x)),
    ("Mish", {}, lambda x: x * np.tanh(softplus(x))),
    ("SELU", {}, lambda x: 1.0507010 * np.where(x > 0, x, 1.6732632 * np.expm1(np.minimum(x, 0)))),
    ("Softsign", {}, lambda x: x / (1 + np.abs(x))),
    ("Hardsigmoid", {}, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    ("Hardswish", {}, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    ("Tanhshrink", {}, lambda x: x - np.tanh(x)),
    ("Softplus", {"beta": 1.0, "threshold": 20.0}, softplus),
    ("Hardtanh", {"min_val": -1.0, "max_val": 1.0}, lambda x: np.clip(x, -1, 1)),
    ("Hardtanh", {"min_val": 0.0, "max_val": 6.0}, lambda x: np.clip(x, 0, 6)),
    ("GELU", {"approximate": "none"}, lambda x: x * (1 + erf(x / np.sqrt(2))) / 2),
    (
        "GELU",
        {"approximate": "tanh"},
        lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    ("Threshold", {"threshold": 0.5, "value": -7}, lambda x: np.where(x > 0.5, x, -7)),
    ("ELU", {"alpha": 0.7}, lambda x: np.where(x > 0, x, 0.7 * np.expm1(np.minimum(x, 0)))),
    ("CELU", {"alpha": 2}, lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2))),
    ("LeakyReLU", {"negative_slope": 0.05}, lambda x: np.where(x > 0, x, 0.05 * x)),
    ("Softshrink", {"lambd": 1.5}, lambda x: np.sign(x) * np.maximum(np.abs(x) - 1.5, 0)),
    ("Hardshrink", {"lambd": 1.5}, lambda x: np.where(np.abs(x) > 1.5, x, 0)),
    ("Identity", {}, lambda x: x),
    ("Dropout", {"p": 0.5}, lambda x: x),
    ("AlphaDropout", {"p": 0.5}, lambda x: x),
    ("Dropout1d", {"p": 0.5}, lambda x: x),
    # dim counts PyTorch's axes; alone, the model takes what PyTorch takes
    ("Softmax", {"dim": -1}, lambda x: softmax(x, -1)),
    ("Softmax", {"dim": 1}, lambda x: softmax(x, 1)),
    ("LogSoftmax", {"dim": 2}, lambda x: np.log(softmax(x, 2))),
    ("GLU", {"dim": 1}, lambda x: x[:, :4] * expit(x[:, 4:])),
]


@pytest.mark.parametrize(("name", "options", "formula"), ACTIVATIONS)
def test_activations(name, options, formula):
    with np.errstate(over="ignore"):
        want = formula(X.astype(float))
    np.testing.assert_allclose(from_torch(module(name, **options))(X), want, rtol=2e-6, atol=2e-6)


def windows(size, stride, padding, fill):
    """The windows of (batch, time, 4) along time."""
    wide = np.pad(X, ((0, 0), (padding, padding), (0, 0)), constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(wide, size, axis=1)[:, ::stride]


def pool(name, size, stride, padding, **options):
    given = {"kernel_size": size, "stride": stride, "padding": padding, "ceil_mode": False}
    given |= {"dilation": 1, "return_indices": False} if name == "MaxPool1d" else {}
    given |= {"count_include_pad": True} if name == "AvgPool1d" else {}
    return module(name, **(given | options))


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, 2, 0), (3, 2, 0), (3, 1, 1), (5, 1, 2)]
)
def test_pooling(size, stride, padding):
    got = from_torch(pool("MaxPool1d", (size,), (stride,), padding))(X)
    np.testing.assert_array_equal(got, windows(size, stride, padding, -np.inf).max(-1))
    model = from_torch(pool("AvgPool1d", (size,), (stride,), (padding,)), input_shape=(8, 4))
    want = windows(size, stride, padding, 0).mean(-1)
    np.testing.assert_allclose(model.predict(X, verbose=0), want, atol=2e-6)


def test_average_pooling_without_the_zeros():
    layer = from_torch(pool("AvgPool1d", (3,), (1,), (1,), count_include_pad=False))
    want = np.nanmean(windows(3, 1, 1, np.nan), -1)
    np.testing.assert_allclose(layer(X), want, atol=2e-6)


def test_pooling_to_a_number_of_windows():
    for size in (1, (3,)):
        count = size if isinstance(size, int) else size[0]
        ends = [(i * 8 // count, -(-(i + 1) * 8 // count)) for i in range(count)]
        for name, reduce in (("AdaptiveAvgPool1d", np.mean), ("AdaptiveMaxPool1d", np.max)):
            want = np.stack([reduce(X[:, a:b], axis=1) for a, b in ends], 1)
            layer = from_torch(module(name, output_size=size))
            np.testing.assert_allclose(layer(X), want, atol=2e-6)


def test_padding():
    padded = from_torch(module("ZeroPad1d", padding=(1, 2)))(X)
    np.testing.assert_array_equal(padded, np.pad(X, ((0, 0), (1, 2), (0, 0))))


def test_axes_after_channels_are_moved():
    """After a pooling (batch, channels, time) is (batch, time, channels) here."""
    start = pool("MaxPool1d", 1, 1, 0)
    for dim, axis in ((1, 2), (-2, 2), (2, 1), (-1, 1)):
        model = from_torch(sequential(start, module("Softmax", dim=dim)), input_shape=(8, 4))
        np.testing.assert_allclose(model.predict(X, verbose=0), softmax(X, axis), atol=2e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            module("Softmax", dim=None),
            "dim: expected an axis but that of the batch, got None",
        ),
        (module("GLU", dim=0), "GLU: dim: expected an axis but that of the batch, got 0"),
        (module("Softplus", beta=2, threshold=20), "Softplus: beta: expected 1, got 2"),
        (module("Softplus", beta=1, threshold=2), "threshold: expected 20 or more, got 2"),
        (module("Hardtanh", min_val=-2, max_val=2), r"min_val -1 and max_val 1, got \(-2, 2\)"),
        (module("GELU", approximate="fast"), "approximate: expected 'none' or 'tanh', got 'fast'"),
        (pool("MaxPool1d", 3, 2, 1), "padding: expected 0 where windows overlap, got 1"),
        (pool("MaxPool1d", 2, 2, 0, dilation=2), "dilation: expected 1, got 2"),
        (pool("MaxPool1d", 2, 2, 0, ceil_mode=True), "ceil_mode: expected False, got True"),
        (pool("MaxPool1d", 2, 2, 0, return_indices=True), "return_indices: expected False"),
        (pool("MaxPool1d", (2, 2), 2, 0), r"kernel_size: expected a whole number, got \(2, 2\)"),
        (
            pool("AvgPool1d", 3, 2, 1, count_include_pad=False),
            "0 without its zeros, got 1",
        ),
        (pool("AvgPool1d", 3, 2, 1, ceil_mode=True), "ceil_mode: expected False"),
        (module("AdaptiveAvgPool1d", output_size=None), "output_size: expected a whole number"),
        (
            sequential(pool("MaxPool1d", 1, 1, 0), module("Softmax", dim=3)),
            r"expected an axis of \(batch, channels, time\), got 3",
        ),
    ],
)
def test_options_that_layers_do_not_have_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        from_torch(given)
