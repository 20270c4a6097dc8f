"""Preprocessing: Keras's answers, adapt, weights, models, and what is refused."""

import copy
import json
import pickle

import numpy as np
import preprocessing_cases
import pytest
from gradients import check_backward
from helpers import numbers
from keras_numbers import keras_numbers

from lstmcore import Input, Sequential, layers, load_model
from lstmcore.layers import (
    CategoryEncoding,
    Dense,
    Discretization,
    Embedding,
    IntegerLookup,
    Normalization,
    Rescaling,
)

CASES = preprocessing_cases.CASES
FROZEN = keras_numbers("preprocessing")


def test_every_case_is_frozen():
    assert set(CASES) == set(FROZEN)


def alike(ours, theirs, kind, dtype):
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape or not theirs.size == ours.size == 0
    if kind in "OSU":
        assert ours.dtype.kind == "U"
        assert (ours == theirs).all()
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-10 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("name", CASES)
def test_keras_answers(name, dtype):
    one, frozen, dtype = CASES[name], FROZEN[name], dtype.name
    layer = getattr(layers, one["layer"])(**one["config"], dtype=dtype)
    if one["adapt"] is not None:
        layer.adapt(one["adapt"])
    y = layer(one["x"])
    if one["layer"] == "Discretization" and one["adapt"]:  # Keras's boundaries are of float32
        np.testing.assert_allclose(layer.bin_boundaries, frozen["boundaries"], rtol=2e-6)
    alike(y, frozen["y"], frozen["kind"], dtype)
    if y.dtype.kind == "f":
        assert y.dtype == dtype
    elif y.dtype.kind == "i":
        assert y.dtype == (np.int32 if one["layer"] == "Discretization" else np.int64)
    if "vocabulary" in frozen:
        assert layer.get_vocabulary() == frozen["vocabulary"]
        assert layer.vocabulary_size() == frozen["size"]
    if "weights" in frozen:
        assert [p.name for p in layer.weights] == frozen["names"]
        for ours, theirs in zip(layer.get_weights(), frozen["weights"], strict=True):
            alike(ours, theirs, "f", dtype)
        alike(layer.mean, frozen["mean"], "f", dtype)
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(one["x"]), y)
    if one["layer"] != "Normalization":  # whose weights hold what it learned
        np.testing.assert_array_equal(again(one["x"]), y)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rescaling([2.0, 0.5], 1.0, dtype="float64"),
        lambda: Normalization(mean=[0.5, 1.0], variance=[2.0, 0.3], dtype="float64"),
        lambda: Normalization(mean=0.5, variance=2.0, invert=True, dtype="float64"),
    ],
)
def test_backward(make):
    check_backward(make(), numbers(2, 3, 2))


@pytest.mark.parametrize("axis", [-1, None, (1, 2)])
def test_batches_are_the_whole(axis):
    x = numbers(23, 4, 3) * [1, 5, 100] + 1000
    whole, parts = (Normalization(axis, dtype="float64") for _ in range(2))
    whole.adapt(x)
    parts.adapt(x[i : i + 5] for i in range(0, 23, 5))
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    over = {-1: (0, 1), None: (0, 1, 2), (1, 2): (0,)}[axis]
    np.testing.assert_allclose(whole.get_weights()[1], x.var(axis=over), rtol=1e-10)
    y = whole(x)
    np.testing.assert_allclose(y.mean(axis=over), 0, atol=1e-9)
    np.testing.assert_allclose(y.std(axis=over), 1, atol=1e-9)
    parts.adapt([(x[:3], None), (x[3:], None)])  # pairs, as `fit` takes them
    np.testing.assert_allclose(parts.get_weights()[0], whole.get_weights()[0], rtol=1e-10)


def test_float32_data_far_from_zero():
    x = (numbers(1000, 1) + 1e4).astype(np.float32)
    layer = Normalization()
    layer.adapt(x)
    np.testing.assert_allclose(
        layer.variance, x.astype(float).var(axis=0, keepdims=True), rtol=1e-6
    )


def test_back_and_forth():
    x = numbers(4, 3)
    there, back = Normalization(), Normalization(invert=True)
    there.adapt(x)
    back.adapt(x)
    np.testing.assert_allclose(back(there(x)), x, atol=1e-6)


@pytest.mark.parametrize("called", [False, True])
def test_adapted_before_a_model_of_either_type(called, dtype, tmp_path):
    x = numbers(20, 3).astype(dtype) * 10
    layer = Normalization()
    layer.adapt(x)
    if called:
        layer(x)
    model = Sequential([layer, Dense(1)], dtype=dtype.name)
    y = model(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(layer.get_weights()[0], x.mean(axis=0), rtol=1e-6)
    tight = 1e-12 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(layer.get_weights()[0], x.mean(axis=0, dtype=float), rtol=tight)
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(x, y + 1, epochs=2, verbose=0)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # nothing trains them
    assert model.layers[0].count_params() == 7
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors")(x), model(x))


def test_a_layer_of_a_model_is_not_made_anew():
    layer = Normalization()
    layer.adapt(numbers(5, 3))
    Sequential([layer, Dense(1)])(numbers(2, 3))
    with pytest.raises(ValueError, match="dtype: expected float64"):
        Sequential([layer], dtype="float64")(numbers(2, 3))


def test_adapting_again_and_inside_a_model():
    layer = Normalization()
    model = Sequential([Input((3,)), layer])
    for x in (numbers(5, 3), numbers(7, 3) * 4):
        layer.adapt(x)
        want = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
        np.testing.assert_allclose(model(x.astype(np.float32)), want, atol=1e-5)


def test_categories_in_models(tmp_path):
    numbers_in = np.array([[5, 7, 9], [7, 7, 1]])
    lookup = IntegerLookup(vocabulary=[7, 9, 5], mask_token=0)
    model = Sequential([Input((3,), dtype="int64"), lookup, Embedding(6, 2), layers.LSTM(2)])
    y = model(numbers_in)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.layers[0].get_vocabulary() == [0, -1, 7, 9, 5]
    np.testing.assert_array_equal(again(numbers_in), y)
    model = Sequential([Input((3,)), Discretization([0.0, 1.0]), CategoryEncoding(3, "one_hot")])
    assert model(numbers(2, 3)).shape == (2, 3, 3)
    counts = Sequential([Input((3,), dtype="int64"), CategoryEncoding(10, "count"), Dense(2)])
    counts.compile("sgd", "mse")
    counts.fit(numbers_in, numbers(2, 2), epochs=1, verbose=0)
    assert counts.output_shape == (None, 2)


def test_weights_of_counts():
    layer = CategoryEncoding(4, "count", dtype="float64")
    y = layer([[0, 1, 1], [3, 0, 3]], count_weights=[[1.0, 0.5, 2.0], [4.0, 8.0, 0.25]])
    np.testing.assert_array_equal(y, [[1, 2.5, 0, 0], [8, 0, 0, 4.25]])


def test_shapes():
    assert CategoryEncoding(4).compute_output_shape((None, 7)) == (None, 4)
    assert CategoryEncoding(4, "one_hot").compute_output_shape((None, 7)) == (None, 7, 4)
    assert CategoryEncoding(4, "one_hot").compute_output_shape((None, 1)) == (None, 4)
    assert Discretization([0.0]).compute_output_shape((None, 7)) == (None, 7)
    assert Discretization(num_bins=5, output_mode="count").compute_output_shape((2, 7)) == (2, 5)
    mask = np.ones((2, 3), bool)
    assert CategoryEncoding(4, "one_hot").compute_mask(np.zeros((2, 3)), mask) is mask
    assert CategoryEncoding(4).compute_mask(np.zeros((2, 3)), mask) is None


def test_ranges_of_float32():
    boundaries = [0.1, 0.7, 0.9]
    x = np.array(boundaries, np.float32)
    np.testing.assert_array_equal(Discretization(boundaries)(x), [1, 2, 3])
    np.testing.assert_array_equal(
        Discretization(boundaries, dtype="float64")(boundaries), [1, 2, 3]
    )


def test_learned_ranges_hold_about_as_many():
    x = np.random.default_rng(0).standard_normal(10_000)
    layer = Discretization(num_bins=5)
    layer.adapt(x[i : i + 1000] for i in range(0, 10_000, 1000))
    assert (np.abs(np.bincount(layer(x)) / 10_000 - 0.2) < 0.03).all()
    again = Discretization.from_config(layer.get_config())
    np.testing.assert_array_equal(again(x), layer(x))
    again.adapt(x[:100])  # still one that learns


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Normalization(mean=1.0), "mean and variance: expected both or neither"),
        (lambda: Normalization(mean=[[1.0]], variance=[[1.0]]), "of at most 1 axes"),
        (lambda: Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(numbers(2, 3)), "that fits"),
        (lambda: Normalization(axis=3)(numbers(2, 3)), r"has axis \(3,\), got shape \(2, 3\)"),
        (lambda: Normalization(mean=1.0, variance=1.0).adapt(numbers(2, 3)), "adapt: expected"),
        (lambda: Normalization().adapt([]), "expected at least one number"),
        (lambda: Normalization().adapt(iter([])), "expected at least one batch"),
        (lambda: Sequential([Input((None,)), Normalization()]), "known sizes at axis"),
        (lambda: Rescaling("a"), "scale: expected finite numbers, got 'a'"),
        (lambda: Rescaling([1.0, 2.0])(numbers(2, 3)), r"fits scale \(2,\)"),
        (lambda: Rescaling(numbers(2, 2, 3))(numbers(2, 3)), r"fits scale \(2, 2, 3\)"),
        (lambda: CategoryEncoding(), "num_tokens: expected how many there are"),
        (lambda: CategoryEncoding(3)([[0, 3]]), "whole numbers from 0 to 2, got 3"),
        (lambda: CategoryEncoding(3)([[0, 0.5]]), "expected whole numbers, got 0.5"),
        (lambda: CategoryEncoding(3, "int"), "output_mode: expected 'one_hot'"),
        (lambda: CategoryEncoding(3, sparse=True), "sparse: expected False"),
        (lambda: CategoryEncoding(3)([[1]], count_weights=[[1.0]]), "output_mode='count'"),
        (lambda: Discretization(), "one of them, got neither"),
        (lambda: Discretization([1.0], 2), "one of them, got both"),
        (lambda: Discretization([1.0, 0.0]), "numbers that rise"),
        (lambda: Discretization(num_bins=3)([1.0]), "a call of adapt before"),
        (lambda: Discretization([1.0]).adapt([1.0]), "a layer made with num_bins"),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("layer", [Rescaling(2.0), Normalization(mean=0.0, variance=1.0)])
def test_no_part_of_a_stream(layer):
    model = Sequential([Input((None, 3)), layer, layers.LSTM(2)])
    with pytest.raises(ValueError, match=r"cannot be streamed: .* what goes into the stream"):
        model.stream()


def test_errors_of_sizes():
    layer = Normalization()
    layer.adapt(numbers(4, 3))
    with pytest.raises(ValueError, match=r"sizes \(3,\) at axis \(-1,\), got shape \(4, 2\)"):
        layer(numbers(4, 2))
    with pytest.raises(ValueError, match=r"sizes \(3,\)"):
        layer.adapt(numbers(4, 2))
    with pytest.raises(TypeError, match="expected an array or batches, got a int"):
        layer.adapt(3)
    with pytest.raises(TypeError, match="did you mean 'offset'"):
        Rescaling(1.0, ofset=1.0)
