"""Layers that reshape: values, gradients, shapes, and what they refuse."""

import json
import warnings

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers
from hypothesis import given
from hypothesis import strategies as st

from lstmcore import Input, Sequential, layers
from lstmcore.layers import (
    LSTM,
    Activation,
    Dense,
    Flatten,
    Permute,
    PReLU,
    RepeatVector,
    Reshape,
)
from lstmcore.utils import set_random_seed

SHAPING = {
    "flatten": (Flatten(), (2, 3, 4)),
    "first": (Flatten("channels_first"), (2, 3, 4)),
    "reshape": (Reshape((4, -1)), (2, 3, 4)),
    "permute": (Permute((2, 1)), (2, 3, 4)),
    "repeat": (RepeatVector(3), (2, 4)),
}


@pytest.mark.parametrize("name", sorted(SHAPING))
def test_shaping_backward(name):
    layer, shape = SHAPING[name]
    check_backward(layer, numbers(*shape))


def test_masks_are_passed_on_where_the_steps_stay():
    x, mask = numbers(2, 3, 4), np.array([[1, 1, 0], [1, 1, 1]], bool)
    for keeps in (Reshape((3, 2, 2)), Reshape((3, -1)), Reshape((-1, 4, 1))):
        assert keeps.run(x, False, mask)[2] is mask
    assert Permute((1, 3, 2)).run(numbers(2, 3, 4, 5), False, mask)[2] is mask
    for ends in (Flatten(), Reshape((4, -1)), Reshape((12,)), Permute((2, 1))):
        with pytest.warns(
            UserWarning, match=r"its input has a mask, which is dropped here"
        ) as told:
            assert [ends.run(x, False, mask)[2] for _ in range(2)] == [None, None]
        assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Flatten().run(x, False, None)


@pytest.mark.parametrize("name", sorted(SHAPING))
def test_rows_lie_side_by_side_however_x_lies(name, dtype):
    layer, (batch, *rest) = SHAPING[name]
    x = numbers(*rest[:1], batch, *rest[1:], 2)[..., :1].astype(dtype).swapaxes(0, 1)
    x = x.reshape(x.shape[:-1]) if len(rest) == 1 else x[..., 0].copy(order="K")
    y, back = layer.forward(x, True)
    assert y.flags.c_contiguous
    np.testing.assert_array_equal(y, layer.forward(np.ascontiguousarray(x))[0])
    dy = np.asfortranarray(y)
    assert back(dy).shape == x.shape
    np.testing.assert_array_equal(back(dy), layer.forward(x.copy(), True)[1](y))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_reshape_finds_what_is_left(sizes, data):
    total = int(np.prod(sizes))
    first = data.draw(st.sampled_from([d for d in range(1, total + 1) if total % d == 0]))
    layer = Reshape((first, -1))
    x = numbers(2, *sizes)
    y = layer(x)
    assert y.shape == layer.compute_output_shape(x.shape) == (2, first, total // first)
    np.testing.assert_array_equal(y.reshape(-1), x.astype(np.float32).reshape(-1))
    with pytest.raises(ValueError, match="samples that go into the shape"):
        Reshape((total + 1, -1))(x)


def test_shapes_of_any_size():
    assert Flatten().compute_output_shape((None, None, 3)) == (None, None)
    assert Flatten().compute_output_shape((None, 4, 3)) == (None, 12)
    assert Flatten().compute_output_shape((None,)) == (None, 1)
    assert Reshape((-1, 2)).compute_output_shape((None, None, 3)) == (None, None, 2)
    assert Reshape((-1, 2)).compute_output_shape((None, 4, 3)) == (None, 6, 2)
    assert Permute((2, 1)).compute_output_shape((None, None, 3)) == (None, 3, None)
    assert RepeatVector(4).compute_output_shape((None, 3)) == (None, 4, 3)


def test_an_encoder_and_a_decoder_train():
    set_random_seed(1)
    model = Sequential(
        [
            Input((5, 2)),
            LSTM(4),
            RepeatVector(5),
            LSTM(4, return_sequences=True),
            Permute((2, 1)),
            Flatten(),
            PReLU(),
            Dense(10),
            Activation("tanh"),
            Reshape((5, 2)),
        ]
    )
    model.compile("adam", "mse")
    x = numbers(30, 5, 2)
    losses = model.fit(x, np.tanh(x), batch_size=5, epochs=40, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    with pytest.raises(ValueError, match=r"RepeatVector\) cannot be streamed"):
        model.stream()


@pytest.mark.parametrize("layer", [layer for layer, _ in SHAPING.values()])
def test_config_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    again = layers.get({"class_name": type(layer).__name__, "config": config})
    assert again.get_config() == layer.get_config()
    assert set(config) == set(type(layer).arguments) - set(layer.init_only)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Flatten("last"), "data_format: expected channels_last or channels_first"),
        (lambda: Reshape((-1, -1)), "target_shape: expected a tuple of sizes, at most one"),
        (lambda: Reshape(4), "target_shape: expected a tuple"),
        (lambda: Reshape((-2, 3)), "target_shape: expected a whole number"),
        (lambda: Reshape((2, 3))(np.ones((2, 5))), r"into the shape \(2, 3\), got .* \(5,\)"),
        (lambda: Permute((1, 3)), "dims: expected each number from 1"),
        (lambda: Permute(2), "dims: expected each number from 1"),
        (lambda: Permute((2, 1))(np.ones((2, 3))), "3 axes, the batch and 2, got shape"),
        (lambda: RepeatVector(0), "n: expected a whole number from 1"),
        (lambda: RepeatVector(2)(np.ones((2, 3, 4))), r"\(batch, features\), got shape"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
