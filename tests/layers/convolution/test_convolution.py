"""Layers over windows of time: gradients, masks, shapes, configs, and what they refuse."""

import copy
import itertools
import warnings

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcore import Input, Model, Sequential, layers, load_model
from lstmcore.layers import LSTM, Conv1D, Dense, Masking

LENGTHS = [7, 3, 5, 1]
MASK = np.arange(7) < np.array(LENGTHS)[:, None]
GLOBAL = [
    *("GlobalMaxPooling1D", "GlobalAveragePooling1D"),
    *("AdaptiveMaxPooling1D", "AdaptiveAveragePooling1D"),
]
MAKERS = {
    "Conv1D": lambda **k: layers.Conv1D(3, 2, activation="tanh", **k),
    "Conv1D causal": lambda **k: layers.Conv1D(2, 3, padding="causal", dilation_rate=2, **k),
    "Conv1D same": lambda **k: layers.Conv1D(4, 3, padding="same", groups=2, **k),
    "Conv1D strides": lambda **k: layers.Conv1D(4, 3, 2, padding="causal", **k),
    "DepthwiseConv1D": lambda **k: layers.DepthwiseConv1D(2, depth_multiplier=3, **k),
    "DepthwiseConv1D same": lambda **k: layers.DepthwiseConv1D(
        3, padding="same", activation="tanh", dilation_rate=2, **k
    ),
    "SeparableConv1D": lambda **k: layers.SeparableConv1D(3, 2, depth_multiplier=2, **k),
    "SeparableConv1D same": lambda **k: layers.SeparableConv1D(
        2, 3, padding="same", use_bias=False, **k
    ),
    "Conv1DTranspose": lambda **k: layers.Conv1DTranspose(3, 3, 2, activation="tanh", **k),
    "Conv1DTranspose gaps": lambda **k: layers.Conv1DTranspose(3, 2, 3, output_padding=2, **k),
    "Conv1DTranspose same": lambda **k: layers.Conv1DTranspose(3, 5, 2, "same", **k),
    "Conv1DTranspose cut": lambda **k: layers.Conv1DTranspose(
        3, 3, 3, "same", output_padding=0, **k
    ),
    "MaxPooling1D": lambda **k: layers.MaxPooling1D(2, **k),
    "MaxPooling1D same": lambda **k: layers.MaxPooling1D(3, 1, "same", **k),
    "AveragePooling1D": lambda **k: layers.AveragePooling1D(2, **k),
    "AveragePooling1D same": lambda **k: layers.AveragePooling1D(3, 1, "same", **k),
    "GlobalMaxPooling1D": lambda **k: layers.GlobalMaxPooling1D(**k),
    "GlobalAveragePooling1D": lambda **k: layers.GlobalAveragePooling1D(keepdims=True, **k),
    "AdaptiveMaxPooling1D": lambda **k: layers.AdaptiveMaxPooling1D(3, **k),
    "AdaptiveAveragePooling1D": lambda **k: layers.AdaptiveAveragePooling1D(4, **k),
    "ZeroPadding1D": lambda **k: layers.ZeroPadding1D((2, 1), **k),
    "Cropping1D": lambda **k: layers.Cropping1D((0, 1), **k),
    "UpSampling1D": lambda **k: layers.UpSampling1D(3, **k),
}
every = pytest.mark.parametrize("name", MAKERS)


@every
@pytest.mark.parametrize("first", [False, True])
def test_backward(name, first):
    if first and name in ("Cropping1D", "UpSampling1D"):
        pytest.skip("Keras's have no data_format")
    options = {"data_format": "channels_first"} if first else {}
    x = numbers(2, 6, 4)
    check_backward(
        MAKERS[name](dtype="float64", **options), x.swapaxes(1, 2).copy() if first else x
    )


@every
def test_backward_with_a_mask(name):
    layer = MAKERS[name](dtype="float64", use_mask=True)
    x = numbers(4, 7, 4)
    layer(x)
    check_backward(layer, x, mask=MASK)
    x[~MASK] = np.nan  # what is masked is not even read
    y, back, mask = layer.run(x, True, MASK)
    dx = back(np.ones_like(y))
    if name in ("ZeroPadding1D", "Cropping1D", "UpSampling1D"):  # which only move what there is
        assert np.isfinite(y[mask]).all()
    else:
        assert np.isfinite(y).all()
        assert np.isfinite(dx).all()
        assert not dx[~MASK].any()


@every
def test_a_padded_sequence_is_the_sequence_alone(name, dtype):
    layer = MAKERS[name](use_mask=True, dtype=dtype.name)
    x = numbers(4, 7, 4).astype(dtype)
    layer(x)
    y, _, mask = layer.run(x, False, MASK)
    assert y.dtype == dtype
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    for i, length in enumerate(LENGTHS):
        if mask is not None:
            ours = y[i][mask[i]]
        else:
            assert name in GLOBAL
            ours = y[i]
        if name == "Cropping1D":  # its end is cut from the longest
            np.testing.assert_array_equal(ours, x[i, : min(length, 6)])
            continue
        try:
            alone = layer.forward(x[i : i + 1, :length])[0][0]
        except ValueError:
            assert len(ours) == 0  # no window fits
            continue
        if name == "ZeroPadding1D":
            alone = alone[2:-1]
        np.testing.assert_allclose(ours, alone, atol=tolerance)


@every
def test_a_mask_is_dropped_with_a_warning(name):
    layer = MAKERS[name](use_mask=False)
    x = numbers(4, 7, 4).astype(np.float32)
    layer(x)
    with pytest.warns(UserWarning, match="has a mask, which is dropped"):
        again, _, mask = layer.run(x, False, MASK)
    assert mask is None
    layer.run(x, False, MASK)  # it says so once
    np.testing.assert_array_equal(again, layer.forward(x)[0])


def test_the_mean_over_time_knows_masks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = layers.GlobalAveragePooling1D()(numbers(2, 3, 1), mask=[[1, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(y[0], numbers(2, 3, 1)[0, :2].mean(axis=0), rtol=1e-6)
    assert y[1] == 0  # nothing real: no NaN


def test_equal_numbers():
    """As in Keras on JAX: of a window the first has the gradient; of all steps, each a share."""
    x = np.array([[[1.0], [1.0], [1.0], [0.0]]])
    _, back = layers.MaxPooling1D(2, dtype="float64").forward(x, True)
    np.testing.assert_array_equal(back(np.array([[[1.0], [2.0]]]))[0, :, 0], [1, 0, 2, 0])
    _, back = layers.GlobalMaxPooling1D(dtype="float64").forward(x, True)
    np.testing.assert_allclose(back(np.array([[3.0]]))[0, :, 0], [1, 1, 1, 0])


def by_hand(x, kernel, bias, stride, dilation, groups, before, after):
    """The convolution, number by number."""
    x = np.pad(x, ((0, 0), (before, after), (0, 0)))
    size, part, filters = kernel.shape
    count = (x.shape[1] - (size - 1) * dilation - 1) // stride + 1
    y = np.zeros((len(x), count, filters))
    for b, t, f in itertools.product(range(len(x)), range(count), range(filters)):
        first = f // (filters // groups) * part
        for k in range(size):
            step = x[b, t * stride + k * dilation, first : first + part]
            y[b, t, f] += step @ kernel[k, :, f]
    return y + bias


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_convolution(data):
    whole = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    steps, size, groups = whole(1, 9), whole(1, 4), whole(1, 2)
    stride, dilation = data.draw(st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)]))
    padding = data.draw(st.sampled_from(["valid", "same", "causal"]))
    span = (size - 1) * dilation + 1
    layer = Conv1D(
        2 * groups,
        size,
        stride,
        padding,
        dilation_rate=dilation,
        groups=groups,
        bias_initializer="ones",
        dtype="float64",
    )
    x = numbers(2, steps, 3 * groups)
    if padding == "valid" and steps < span:
        with pytest.raises(ValueError, match=f"at least {span} steps"):
            layer(x)
        return
    y = layer(x)
    before = after = 0
    if padding == "causal":
        before = span - 1
    if padding == "same":
        total = max((-(-steps // stride) - 1) * stride + span - steps, 0)
        before, after = total // 2, total - total // 2
    weights = (layer.kernel.value, layer.bias.value)
    want = by_hand(x, *weights, stride, dilation, groups, before, after)
    if padding == "causal":
        want = want[:, : (steps - 1) // stride + 1]
    assert y.shape == layer.compute_output_shape(x.shape)
    np.testing.assert_allclose(y, want, atol=1e-13)


def spread_by_hand(x, kernel, stride, dilation):
    """The transposed convolution, number by number, before anything is cut off."""
    size, filters, _ = kernel.shape
    y = np.zeros((len(x), (x.shape[1] - 1) * stride + (size - 1) * dilation + 1, filters))
    for b, t, k, f, i in itertools.product(*map(range, (*x.shape[:2], *kernel.shape))):
        y[b, t * stride + k * dilation, f] += x[b, t, i] * kernel[k, f, i]
    return y


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 1), (1, 2)])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_transposed_convolution_by_hand(size, stride, dilation):
    layer = layers.Conv1DTranspose(2, size, stride, dilation_rate=dilation, dtype="float64")
    x = numbers(2, 4, 3)
    y = layer(x)
    want = spread_by_hand(x, layer.kernel.value, stride, dilation)
    np.testing.assert_allclose(y[:, : want.shape[1]], want, atol=1e-14)
    assert y.shape[1] == max(want.shape[1], 4 * stride)
    assert not y[:, want.shape[1] :].any()


def test_a_transposed_convolution_is_the_gradient_of_a_convolution():
    x, dy = numbers(2, 9, 3), numbers(2, 4, 5)
    forth, back = (
        Conv1D(5, 3, 2, use_bias=False, dtype="float64"),
        layers.Conv1DTranspose(3, 3, 2, use_bias=False, dtype="float64"),
    )
    forth(x)
    back(dy)
    back.set_weights([forth.kernel.value])
    dx = forth.forward(x, True)[1](dy)
    np.testing.assert_allclose(back(dy), dx, atol=1e-14)


def test_a_separable_convolution_is_a_convolution():
    x = numbers(2, 9, 3)
    layer = layers.SeparableConv1D(4, 3, depth_multiplier=2, dtype="float64")
    y = layer(x)
    depthwise, pointwise = layer.depthwise_kernel.value, layer.pointwise_kernel.value
    whole = Conv1D(4, 3, dtype="float64")
    whole(x)
    kernel = np.einsum("kim,imf->kif", depthwise, pointwise[0].reshape(3, 2, 4))
    whole.set_weights([kernel, layer.bias.value])
    np.testing.assert_allclose(y, whole(x), atol=1e-14)


@every
def test_shapes_configs_copies(name, dtype):
    layer = MAKERS[name](dtype=dtype.name)
    x = numbers(2, 7, 4).astype(dtype)
    y = layer(x)
    assert y.dtype == dtype
    assert y.flags.c_contiguous
    assert layer.compute_output_shape((2, 7, 4)) == y.shape
    open_shape = layer.compute_output_shape((None, None, 4))
    assert open_shape[0] is None
    assert open_shape[-1] == y.shape[-1]
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(copy.deepcopy(layer)(x), y)


def test_aliases():
    for name, alias in (
        ("GlobalAveragePooling1D", "GlobalAvgPool1D"),
        ("GlobalMaxPooling1D", "GlobalMaxPool1D"),
        ("MaxPooling1D", "MaxPool1D"),
        ("AveragePooling1D", "AvgPool1D"),
        ("Conv1D", "Convolution1D"),
        ("Conv1DTranspose", "Convolution1DTranspose"),
        ("SeparableConv1D", "SeparableConvolution1D"),
    ):
        assert getattr(layers, alias) is getattr(layers, name)
        assert layers.registry.find(alias) is getattr(layers, name)


def test_in_a_model(tmp_path):
    x = numbers(8, 12, 3).astype(np.float32)
    x[3:, 8:] = 0
    model = Sequential(
        [
            Input((None, 3)),
            Masking(),
            Conv1D(8, 3, padding="causal", activation="relu", use_mask=True),
            layers.MaxPooling1D(2, use_mask=True),
            LSTM(4, return_sequences=True),
            layers.GlobalAveragePooling1D(),
            Dense(1),
        ]
    )
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, 0, 0], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(model.predict(x[3:, :8], verbose=0), y[3:], atol=1e-6)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(x, verbose=0), y)


def test_in_a_graph(tmp_path):
    x = numbers(4, 8, 3).astype(np.float32)
    start = Input(shape=(8, 3))
    h = layers.MaxPooling1D(2)(Conv1D(4, 3, padding="same", activation="relu")(start))
    ends = [layers.GlobalMaxPooling1D()(h), layers.GlobalAveragePooling1D()(h)]
    model = Model(start, Dense(1)(layers.Concatenate()(ends)))
    assert h.shape == (None, 4, 4)
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, 0, :1], epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    y = model.predict(x, verbose=0)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(x, verbose=0), y)


def test_rules_of_the_weights():
    layer = Conv1D(
        2, 2, kernel_regularizer="l2", bias_constraint="non_neg", activity_regularizer="l1"
    )
    layer(numbers(1, 4, 3))
    assert layer.kernel.regularizer is layer.kernel_regularizer
    assert layer.bias.constraint is layer.bias_constraint
    assert layer.activity_regularizer is not None
    limit = np.sqrt(6 / (2 * 3 + 2 * 2))  # glorot: a window's inputs, a step's outputs
    many = Conv1D(200, 2)
    many(numbers(1, 4, 300))
    wide = np.sqrt(6 / (2 * 300 + 2 * 200))
    assert wide * 0.99 < np.abs(many.kernel.value).max() <= wide
    assert np.abs(layer.kernel.value).max() <= limit


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Conv1D(0, 3), "filters: expected a whole number from 1"),
        (lambda: Conv1D(4, 0), "kernel_size: expected a whole number from 1"),
        (lambda: Conv1D(4, (3, 3)), r"kernel_size: expected a whole number, got \(3, 3\)"),
        (lambda: Conv1D(4, "3"), "kernel_size: expected a whole number, got '3'"),
        (lambda: Conv1D(4, 3, padding="full"), "padding: expected 'valid' or 'same' or 'causal'"),
        (lambda: Conv1D(4, 3, 2, dilation_rate=2), "dilation_rate: expected 1 where strides > 1"),
        (lambda: Conv1D(4, 3, groups=3), "groups: expected a divisor of filters=4, got 3"),
        (lambda: Conv1D(4, 3, groups=2)(numbers(1, 5, 3)), "a multiple of groups=2, got 3"),
        (lambda: Conv1D(4, 3, data_format="last"), "data_format: expected channels_last or"),
        (
            lambda: Conv1D(4, 3)(numbers(2, 5)),
            "shape .batch, time, features., got shape .2, 5.",
        ),
        (lambda: Conv1D(4, 5, dilation_rate=2)(numbers(1, 5, 1)), "at least 9 steps, got 5"),
        (
            lambda: layers.DepthwiseConv1D(3, padding="causal"),
            "padding: expected 'valid' or 'same'",
        ),
        (
            lambda: layers.DepthwiseConv1D(3, depth_multiplier=0),
            "depth_multiplier: expected a whole",
        ),
        (lambda: layers.SeparableConv1D(0, 3), "filters: expected a whole number from 1"),
        (
            lambda: layers.Conv1DTranspose(4, 3, 2, output_padding=2),
            "output_padding: expected less than strides=2, got 2",
        ),
        (lambda: layers.AdaptiveMaxPooling1D(0), "output_size: expected a whole number from 1"),
        (lambda: layers.AdaptiveMaxPooling1D((2, 3)), "output_size: expected a whole number, got"),
        (lambda: layers.MaxPooling1D(8)(numbers(1, 5, 1)), "at least 8 steps, got 5"),
        (lambda: layers.MaxPooling1D(2, padding="causal"), "padding: expected 'valid' or 'same'"),
        (lambda: layers.MaxPooling1D(2, 0), "strides: expected a whole number from 1"),
        (lambda: layers.Cropping1D(3)(numbers(1, 5, 1)), "at least 7 steps, got 5"),
        (lambda: layers.ZeroPadding1D((1, 2, 3)), "a whole number or 2 of them"),
        (lambda: layers.ZeroPadding1D(-1), "padding: expected a whole number"),
        (lambda: layers.UpSampling1D(0), "size: expected a whole number from 1"),
        (lambda: layers.GlobalMaxPooling1D()(numbers(2, 5)), "return_sequences=True"),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_an_unknown_argument():
    with pytest.raises(TypeError, match="did you mean 'kernel_size'"):
        Conv1D(4, kernel_sizes=3)


def test_features_that_changed():
    layer = Conv1D(4, 2)
    layer(numbers(1, 4, 3))
    with pytest.raises(ValueError, match="features of x: expected 3, got 2"):
        layer(numbers(1, 4, 2))
