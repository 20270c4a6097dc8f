"""Embedding: look-up, gradient, masks, what it takes and what it refuses."""

import copy

import numpy as np
import pytest
from gradients import gradient
from helpers import numbers

from lstmcore import Input, Sequential, layers, load_model
from lstmcore.layers import LSTM, Dense, Embedding
from lstmcore.utils import set_random_seed

IDS = np.array([[1, 2, 2, 0], [4, 1, 0, 0]])


def test_it_looks_up():
    table = numbers(5, 3).astype(np.float32)
    layer = Embedding(5, 3, weights=[table])
    np.testing.assert_array_equal(layer(IDS), table[IDS])
    np.testing.assert_array_equal(layer(IDS[0]), table[IDS[0]])
    np.testing.assert_array_equal(layer(IDS[:, None]), table[IDS[:, None]])
    np.testing.assert_array_equal(layer(IDS.tolist()), table[IDS])
    assert layer.compute_output_shape((None, 4)) == (None, 4, 3)
    assert [p.name for p in layer.weights] == ["embeddings"]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "bool", "f4", "f8", ">i4"])
def test_whole_numbers_of_any_type(dtype):
    layer, ids = Embedding(5, 3), IDS.clip(0, 1) if dtype == "bool" else IDS
    want = layer(ids)
    np.testing.assert_array_equal(layer(ids.astype(dtype)), want)
    assert want.dtype == np.float32


@pytest.mark.parametrize(("vocabulary", "units"), [(5, 3), (40, 70_000), (1, 1)])
def test_gradient_is_the_sum_over_all_places(vocabulary, units):
    layer = Embedding(vocabulary, units, dtype="float64")
    ids = np.arange(24).reshape(4, 6) * 7 % vocabulary
    layer(ids)
    dy = numbers(4, 6, units)
    y, back = layer.forward(ids, True)
    assert y.shape == dy.shape
    layer.weights[0].grad[...] = 1
    assert back(dy) is None
    want = np.ones((vocabulary, units))
    for i, d in zip(ids.ravel(), dy.reshape(-1, units), strict=True):
        want[i] += d
    np.testing.assert_allclose(layer.weights[0].grad, want, rtol=1e-12)


def test_gradient_of_many_places_is_the_same_in_every_run():
    layer = Embedding(50, 16)
    ids = np.random.default_rng(0).integers(0, 50, (40, 300))
    layer(ids)
    dy, grads = numbers(40, 300, 16).astype(np.float32), []
    for _ in range(3):
        layer.weights[0].grad[...] = 0
        layer.forward(ids, True)[1](dy)
        grads.append(layer.weights[0].grad.copy())
    want = np.zeros((50, 16))
    np.add.at(want, ids.ravel(), dy.reshape(-1, 16).astype(np.float64))
    np.testing.assert_allclose(grads[0], want, rtol=1e-3, atol=1e-3)
    for grad in grads[1:]:
        np.testing.assert_array_equal(grad, grads[0])


def test_gradient_of_a_model():
    model = Sequential([Input((4,), dtype="int32"), Embedding(5, 3), LSTM(2), Dense(1)], dtype="f8")
    r = numbers(2, 1)
    y, back = model.forward(IDS, True)
    assert y.dtype == np.float64
    assert back(r) is None
    table = model.layers[0].embeddings
    kept = table.numpy()

    def loss():
        table.assign(kept)
        return float((model(IDS) * r).sum())

    np.testing.assert_allclose(table.grad, gradient(loss, kept), rtol=1e-6, atol=1e-9)


def test_masks():
    x, mask = IDS, np.array([[1, 0, 1, 1], [1, 1, 1, 1]], bool)
    assert Embedding(5, 3).compute_mask(x) is None
    np.testing.assert_array_equal(Embedding(5, 3).compute_mask(x, mask), mask)
    zero = Embedding(5, 3, mask_zero=True)
    np.testing.assert_array_equal(zero.compute_mask(x), x != 0)
    np.testing.assert_array_equal(zero.compute_mask(x, mask), (x != 0) & mask)


def test_a_model_learns_which_word_it_is():
    set_random_seed(1)
    ids = np.random.default_rng(1).integers(0, 6, (200, 5))
    model = Sequential([Embedding(6, 4), LSTM(8), Dense(6, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    model.fit(ids, ids[:, -1], epochs=25, verbose=0)
    assert model.evaluate(ids, ids[:, -1], verbose=0)[1] > 0.95


def test_config_copies_and_files(tmp_path):
    table = numbers(5, 3).astype(np.float32)
    layer = Embedding(5, 3, mask_zero=True, weights=table, input_length=4, input_shape=(4,))
    config = layer.get_config()
    assert set(type(layer).arguments) - set(config) == set(Embedding.init_only)
    assert layers.get({"class_name": "Embedding", "config": config}).get_config() == config
    model = Sequential([layer, LSTM(2), Dense(1)])
    y = model.predict(IDS)
    np.testing.assert_array_equal(layer.get_weights()[0], table)
    model.save(tmp_path / "m.safetensors")
    for again in (copy.deepcopy(model), load_model(tmp_path / "m.safetensors")):
        np.testing.assert_array_equal(again.predict(IDS), y)
        assert again.layers[0].mask_zero


def test_the_input_says_int():
    model = Sequential([Input((None,), dtype="int32"), Embedding(5, 3), LSTM(2)])
    assert model.dtype == "float32"
    assert model.predict(IDS).dtype == np.float32
    plain = Sequential([Input((None, 2), dtype="int64"), LSTM(2)])
    assert plain.predict(np.ones((3, 4, 2), int)).dtype == np.float32


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (IDS + 1, ValueError, r"'e' \(Embedding\): x: expected whole numbers from 0 to 4, got 5"),
        (IDS - 1, ValueError, r"'e' \(Embedding\): x: expected whole numbers from 0 to 4, got -1"),
        (IDS + 0.5, ValueError, "'e': x: expected whole numbers, got 1.5"),
        (IDS * np.nan, ValueError, "'e': x: expected whole numbers, got nan"),
        (IDS * 1e300, ValueError, r"'e': x: expected whole numbers, got 1e\+300"),
        (IDS.astype(str), TypeError, "'e': x: expected real numbers"),
    ],
)
def test_it_refuses(x, error, message):
    with pytest.raises(error, match=message):
        Embedding(5, 3, name="e")(x)


def test_a_model_refuses_what_is_not_whole():
    model = Sequential([Embedding(5, 3, name="e"), LSTM(2), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"^x: expected whole numbers, got 1\.5"):
        model.fit(IDS + 0.5, [1, 2], verbose=0)
    with pytest.raises(ValueError, match=r"'e'.*from 0 to 4, got 5"):
        model.predict(IDS + 1, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_dim": 0}, "input_dim: expected a whole number"),
        ({"output_dim": 1.5}, "output_dim: expected a whole number"),
        ({"weights": np.ones((4, 3))}, r"weights: expected numbers of shape \(5, 3\), got .*4, 3"),
        ({"weights": [["a"] * 3] * 5}, r"weights: expected numbers of shape"),
    ],
)
def test_constructor_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Embedding(**{"input_dim": 5, "output_dim": 3} | arguments)
