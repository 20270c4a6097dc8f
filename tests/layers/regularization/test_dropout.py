"""Layers that are random in training: what they draw, their seeds, their backward functions."""

import json
import math

import numpy as np
import pytest

from lstmcore import Input, Sequential, layers
from lstmcore.layers import (
    LSTM,
    ActivityRegularization,
    AlphaDropout,
    Dense,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
)
from lstmcore.utils import set_random_seed

RANDOM = [Dropout, SpatialDropout1D, GaussianNoise, GaussianDropout, AlphaDropout]
WIDE = np.random.default_rng(5).standard_normal((40, 30, 20))


@pytest.mark.parametrize("cls", RANDOM)
def test_inference_and_nothing_to_do_hand_x_on(cls, dtype):
    x = WIDE.astype(dtype)
    y, back = cls(0.4).forward(x, False)
    assert y is x
    assert back is None
    y, back = cls(0.0).forward(x, True)
    assert y is x
    assert back(x) is x


@pytest.mark.parametrize("cls", RANDOM)
def test_seeds(cls):
    x = WIDE.astype(np.float32)
    one, two = (cls(0.4, seed=7) for _ in range(2))
    first = one.forward(x, True)[0]
    np.testing.assert_array_equal(two.forward(x, True)[0], first)
    assert (one.forward(x, True)[0] != first).any()  # the stream goes on
    set_random_seed(3)
    first = cls(0.4).forward(x, True)[0]
    assert (cls(0.4).forward(x, True)[0] != first).any()
    set_random_seed(3)
    np.testing.assert_array_equal(cls(0.4).forward(x, True)[0], first)


@pytest.mark.parametrize("cls", RANDOM)
def test_both_types_draw_the_same(cls):
    x = WIDE.astype(np.float32)
    single, double = (cls(0.4, seed=7).forward(a, True)[0] for a in (x, x.astype(np.float64)))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(single, double, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("cls", RANDOM)
def test_backward(cls, dtype):
    """All are linear in x once the numbers are drawn: dx times x is the change of y."""
    x, r = WIDE.astype(dtype), WIDE[::-1].astype(dtype)
    y, back = cls(0.4, seed=7).forward(x, True)
    at_zero = cls(0.4, seed=7).forward(np.zeros_like(x), True)[0]
    dx = back(r)
    assert dx.dtype == dtype
    np.testing.assert_allclose(dx * x, (y - at_zero) * r, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate):
    set_random_seed(1)
    x = np.ones((100, 40, 30))
    y = Dropout(rate).forward(x, True)[0]
    assert set(np.unique(y)) == {0.0, 1 / (1 - rate)}
    assert (y == 0).mean() == pytest.approx(rate, abs=0.01)
    assert (Dropout(1).forward(x, True)[0] == 0).all()


@pytest.mark.parametrize(
    ("noise_shape", "alike"),
    [((None, 1, None), 1), ([40, None, 1], 2), ((1, 30, 20), 0), ((30, 20), 0), ((None, 30, 1), 2)],
)
@pytest.mark.parametrize("cls", [Dropout, AlphaDropout])
def test_noise_shape(cls, noise_shape, alike):
    layer, x = cls(0.5, noise_shape, seed=2), np.ones_like(WIDE)
    y, back = layer.forward(x, True)
    assert (y == y.take([0], axis=alike)).all()
    assert len(np.unique(y)) == 2
    assert back(x).shape == x.shape
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    assert again.noise_shape == tuple(noise_shape)
    np.testing.assert_array_equal(again.forward(x, True)[0], y)


def test_spatial_dropout_drops_whole_features():
    x = np.ones_like(WIDE)
    y, back = SpatialDropout1D(0.3, seed=4).forward(x, True)
    assert (y == y[:, :1]).all()
    assert (y[:, 0] == 0).mean() == pytest.approx(0.3, abs=0.05)
    np.testing.assert_array_equal(back(x), y)
    assert SpatialDropout1D(0.3, 4, "mine", "float64").get_config()["name"] == "mine"


def test_gaussian_noise():
    y, back = GaussianNoise(0.25, seed=1).forward(WIDE, True)
    assert (y - WIDE).std() == pytest.approx(0.25, rel=0.02)
    assert (y - WIDE).mean() == pytest.approx(0, abs=0.01)
    assert back(WIDE) is WIDE


def test_gaussian_dropout():
    y = GaussianDropout(0.2, seed=1).forward(np.full_like(WIDE, 2.0), True)[0] / 2
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert y.std() == pytest.approx(math.sqrt(0.2 / 0.8), rel=0.02)


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).standard_normal((200, 500))
    y = AlphaDropout(0.3, seed=1).forward(x, True)[0]
    assert y.mean() == pytest.approx(0, abs=0.01)
    assert y.std() == pytest.approx(1, abs=0.01)
    values, counts = np.unique(y.round(6), return_counts=True)
    lowest = -1.7580993408473766
    scale = ((1 - 0.3) * (1 + 0.3 * lowest**2)) ** -0.5
    assert values[counts.argmax()] == pytest.approx(scale * (lowest - 0.3 * lowest), abs=1e-5)
    assert counts.max() / y.size == pytest.approx(0.3, abs=0.01)


def test_activity_regularization(dtype):
    x = WIDE.astype(dtype)
    layer = ActivityRegularization(l1=0.1, l2=0.2)
    y, back, _ = layer.run(x, True)
    assert y is x
    want = (0.1 * np.sign(x) + 0.4 * x) / len(x)
    dx = back(np.zeros_like(x))
    assert dx.dtype == dtype
    np.testing.assert_allclose(dx, want, rtol=1e-5, atol=1e-7)
    assert layer.run(x, False)[1] is None


def test_a_model_with_all_of_them_trains_and_streams():
    def regular(layer):
        return [layer, Dropout(0.2), SpatialDropout1D(0.2), GaussianNoise(0.1)]

    model = Sequential(
        [
            Input((6, 2)),
            *regular(LSTM(3, return_sequences=True)),
            *[GaussianDropout(0.1), AlphaDropout(0.1), ActivityRegularization(1e-3, 1e-3)],
            Dense(2),
        ]
    )
    model.compile("adam", "mse")
    x = WIDE[:, :6, :2]
    losses = model.fit(x, x, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    stream = model.stream()
    np.testing.assert_array_equal(stream.feed(x[:1].astype("f4")), model.predict(x[:1], verbose=0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dropout("0.5"), "rate: expected a number from 0 to 1, got '0.5'"),
        (lambda: Dropout(-0.1), "rate: expected a number from 0 to 1"),
        (lambda: Dropout(float("nan")), "rate: expected a number from 0 to 1"),
        (lambda: Dropout(0.5, noise_shape=3), "noise_shape: expected a tuple"),
        (lambda: Dropout(0.5, noise_shape=(0, 1)), "noise_shape: expected a whole number"),
        (lambda: Dropout(0.5, (None, 2)).forward(np.ones((4, 3)), True), r"size of x \(4, 3\)"),
        (lambda: Dropout(0.5, (None, 1, 3)).forward(np.ones((4, 3)), True), "noise_shape: exp"),
        (lambda: SpatialDropout1D(0.5)(np.ones((4, 3))), r"\(batch, time, features\)"),
        (lambda: GaussianNoise(1.5), "stddev: expected a number from 0 to 1"),
        (lambda: GaussianNoise(0.1, seed="a"), "seed: expected an int"),
        (lambda: GaussianDropout(1.0), "rate: expected a number from 0 to below 1"),
        (lambda: AlphaDropout(1), "rate: expected a number from 0 to below 1"),
        (lambda: ActivityRegularization(l1="much"), "l1"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize(
    "layer",
    [
        Dropout(0.2, (None, 1), 3),
        SpatialDropout1D(0.2, 3),
        GaussianNoise(0.2, 3),
        GaussianDropout(0.2, 3),
        AlphaDropout(0.2, (None, 1), 3, name="mine"),
        ActivityRegularization(0.1, 0.2),
    ],
)
def test_config_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    again = layers.get({"class_name": type(layer).__name__, "config": config})
    assert again.get_config() == layer.get_config()
    assert set(config) == set(type(layer).arguments) - set(layer.init_only)
    assert "activity_regularizer" not in config or not isinstance(layer, ActivityRegularization)


def test_dropout():
    set_random_seed(1)
    layer, x = Dropout(0.25), np.ones((200, 50), np.float32)
    assert layer.forward(x, False)[0] is x
    y, back = layer.forward(x, True)
    kept = y != 0
    assert kept.mean() == pytest.approx(0.75, abs=0.02)
    np.testing.assert_allclose(y[kept], 1 / 0.75, rtol=1e-6)
    np.testing.assert_array_equal(back(x), y)
    assert (layer.forward(x, True)[0] != y).any()
    assert (Dropout(1.0).forward(x, True)[0] == 0).all()
    assert Dropout(0.0).forward(x, True)[0] is x


def test_dropout_seeds():
    x = np.ones((50, 50), np.float32)
    same = [Dropout(0.5, seed=4).forward(x, True)[0] for _ in range(2)]
    assert (same[0] == same[1]).all()
    set_random_seed(9)
    first = Dropout(0.5).forward(x, True)[0]
    set_random_seed(9)
    assert (Dropout(0.5).forward(x, True)[0] == first).all()
