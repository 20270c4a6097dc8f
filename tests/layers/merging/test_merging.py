"""Merging layers: masks as Keras has them, gradients, shapes that do not fit."""

import json

import mask_cases
import numpy as np
import pytest
from gradients import check_backward, gradient
from helpers import numbers
from hypothesis import given
from hypothesis import strategies as st
from keras_numbers import keras_numbers
from layer_cases import target_of

from lstmcore import Input, Model, layers

FROZEN = keras_numbers("masks")
POINTWISE = ("Add", "Average", "Multiply", "Maximum", "Minimum")


def test_every_case_is_frozen():
    assert set(FROZEN) == set(mask_cases.CASES)


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_masks_are_keras_s(name, dtype):
    one, frozen = mask_cases.CASES[name], FROZEN[name]
    layer = getattr(layers, one["layer"])(**one["config"])
    x, masks = [a.astype(dtype) for a in mask_cases.inputs_of(one)], mask_cases.masks_of(one)
    several = layer.several_inputs
    layer.build_for([a.shape for a in x] if several else x[0].shape, dtype.name)
    y, back, mask = layer.run(x if several else x[0], True, masks if several else masks[0])
    dx = back(target_of(y.shape, 0).astype(dtype))
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    pairs = [(y, frozen["y"]), *zip(dx if several else [dx], frozen["dx"], strict=True)]
    for got, want in pairs:
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    if several:
        assert (mask is None) == (frozen["mask"] is None)
        if mask is not None:
            np.testing.assert_array_equal(mask, frozen["mask"])


@pytest.mark.parametrize("name", [*POINTWISE, "Subtract", "Concatenate"])
def test_backward(name):
    check_backward(getattr(layers, name)(), [numbers(2, 3, 2), numbers(2, 3, 2) * 1.1])


@pytest.mark.parametrize("name", [*POINTWISE, "Subtract"])
@pytest.mark.parametrize("shapes", [[(2, 1, 3), (2, 4, 1)], [(2, 3), (2, 4, 3)]])
def test_backward_of_what_is_spread(name, shapes):
    check_backward(getattr(layers, name)(), [numbers(*s) + i for i, s in enumerate(shapes)])


def test_multiply_by_zero_has_a_gradient():
    x = [numbers(2, 3), np.zeros((2, 3)), numbers(2, 3)]
    check_backward(layers.Multiply(), x)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    ("axes", "shapes"),
    [(1, [(2, 3), (2, 3)]), (-1, [(2, 4, 3), (2, 3)]), ((1, 2), [(2, 3, 2, 2), (2, 2, 3)])],
)
def test_dot_backward(axes, shapes, normalize):
    check_backward(layers.Dot(axes, normalize), [numbers(*s) for s in shapes])


def test_the_cosine_of_nothing_is_0():
    zero = np.zeros((1, 3), np.float32)
    layer = layers.Dot(1, normalize=True)
    assert layer([zero, zero + 1]) == 0
    _, back = layer.forward([zero, zero + 1], True)
    assert all(np.isfinite(d).all() for d in back(np.ones((1, 1), np.float32)))


shapes = st.lists(st.sampled_from([1, 3, 5]), min_size=0, max_size=3)


@given(shapes, shapes, st.sampled_from(POINTWISE))
def test_shapes_spread_as_in_numpy(one, other, name):
    layer = getattr(layers, name)()
    a, b = np.ones((2, *one)), np.full((2, *other), 3.0)
    try:
        want = (2, *np.broadcast_shapes(tuple(one), tuple(other)))
    except ValueError:
        with pytest.raises(ValueError, match=r"inputs of one shape, or with 1 where they differ"):
            layer([a, b])
        return
    y = layer([a, b])
    assert y.shape == want == layer.compute_output_shape([a.shape, b.shape])
    dx = layer.forward([a, b], True)[1](np.ones(want))
    assert [d.shape for d in dx] == [a.shape, b.shape]


@pytest.mark.parametrize(
    ("layer", "shapes", "want"),
    [
        (layers.Add(), [(None, 3), (None, 3)], (None, 3)),
        (layers.Add(), [(None, None, 3), (2, 5, 1)], (2, None, 3)),
        (layers.Concatenate(), [(None, 5, 3), (None, None, 2)], (None, 5, 5)),
        (layers.Concatenate(1), [(None, 5, 3), (None, None, 3)], (None, None, 3)),
        (layers.Dot(-1), [(None, 5, 3), (None, 3)], (None, 5)),
        (layers.Dot(1), [(None, 3), (None, 3)], (None, 1)),
    ],
)
def test_shapes_of_any_size(layer, shapes, want):
    assert layer.compute_output_shape(shapes) == want


def test_functions():
    a, b = numbers(2, 3, 2), numbers(2, 3, 2) + 1
    for name in ("add", "average", "multiply", "maximum", "minimum", "subtract"):
        layer = getattr(layers, name.capitalize())(dtype="float64")
        got = getattr(layers, name)([a, b], dtype="float64", name="mine")
        np.testing.assert_array_equal(got, layer([a, b]))
    got = layers.concatenate([a, b], axis=1, dtype="float64")
    np.testing.assert_array_equal(got, np.concatenate([a, b], 1))
    got = layers.dot([a, b], axes=2, normalize=True, dtype="float64")
    np.testing.assert_array_equal(got, layers.Dot(2, True, dtype="float64")([a, b]))


def test_functions_in_a_graph():
    a, b = Input((3, 2)), Input((3, 2))
    assert layers.concatenate([a, b]).shape == (None, 3, 4)
    assert layers.add([a, b]).shape == (None, 3, 2)
    assert layers.dot([a, b], axes=2).shape == (None, 3, 3)
    with pytest.raises(ValueError, match="x: expected a list of inputs"):
        layers.add(a)
    with pytest.raises(ValueError, match="inputs of one shape"):
        layers.multiply([a, Input((4, 2))])


def test_in_a_model_with_masks():
    """Every merging layer in one graph, some inputs used twice; dx against differences."""
    a, b = Input((4, 2), dtype="float64"), Input((4, 2), dtype="float64")
    real = layers.Masking()(a)
    h, g = (layers.LSTM(3, return_sequences=True)(s) for s in (real, b))
    extreme = layers.maximum([h, g, layers.minimum([h, g])])
    summed = layers.add([h, g, extreme])
    product = layers.multiply([summed, h, h])
    mean = layers.average([layers.subtract([product, g]), h])
    cosines = layers.dot([mean, summed], axes=2, normalize=True)
    joined = layers.concatenate([product, cosines, mean])
    y = layers.Softmax()(layers.Dense(3)(layers.Flatten()(joined)))
    model = Model([a, b], [y, layers.TimeDistributed(layers.Dense(2))(joined)])
    x = [numbers(3, 4, 2), numbers(3, 4, 2) * 1.1]
    x[0][1, 2:] = 0
    outputs, back, masks = model.run(x, True)
    assert masks == [None, None]  # all steps of b are real
    r = [numbers(*part.shape) for part in outputs]

    def loss():
        return float(sum((p * w).sum() for p, w in zip(model.run(x)[0], r, strict=True)))

    dx = back(tuple(r), need_dx=True)
    at = np.ones((3, 4, 2), bool)
    at[1, 2:] = False  # a difference there would make the steps real
    np.testing.assert_allclose(dx[0][at], gradient(loss, x[0])[at], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(dx[1], gradient(loss, x[1]), rtol=1e-5, atol=1e-8)
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    for one, other in zip(again.run(x)[0], outputs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (layers.Add(name="a"), [(2, 3), (2, 4)], r"'a' \(Add\): x: .* shapes \(2, 3\), \(2, 4\)"),
        (layers.Add(), [(2, 3), (3, 3)], "inputs of one number of samples"),
        (layers.Add(), [(1, 3), (3, 3)], "inputs of one number of samples"),
        (layers.Subtract(), [(2, 3)], "a list of 2 inputs, got 1"),
        (layers.Subtract(), [(2, 3)] * 3, "a list of 2 inputs, got 3"),
        (layers.Maximum(), [], "at least 1 inputs, got 0"),
        (layers.Concatenate(), [(2, 3, 4), (2, 2, 4)], r"agree in all axes but -1, got shapes"),
        (layers.Concatenate(), [(2, 3, 4), (2, 4)], "agree in all axes but -1"),
        (layers.Concatenate(3), [(2, 3, 4), (2, 3, 4)], "inputs with an axis 3"),
        (layers.Concatenate(1), [(2, 3), (3, 3)], "agree in all axes but 1"),
        (layers.Dot(2), [(2, 3, 4), (2, 3)], "inputs with the axes 2"),
        (layers.Dot((1, 2)), [(2, 3, 4), (2, 3, 4)], "one size along the axes 1 and 2"),
        (layers.Dot(1), [(2, 3), (3, 3)], "one number of samples"),
        (layers.Dot(1), [(2, 3)], "a list of 2 inputs"),
    ],
)
def test_shapes_that_do_not_fit(layer, shapes, message):
    with pytest.raises(ValueError, match=message):
        layer([np.ones(s) for s in shapes])


def test_shapes_are_checked_after_the_first_call_too():
    for layer in (layers.Add(), layers.Concatenate(), layers.Dot(1)):
        layer([np.ones((2, 3)), np.ones((2, 3))])
        with pytest.raises(ValueError, match="x: expected inputs"):
            layer([np.ones((2, 3)), np.ones((4, 5))])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Concatenate("1"), "axis: expected an int"),
        (lambda: layers.Dot(0), "axes: expected an int or two"),
        (lambda: layers.Dot((1, 2, 3)), "axes: expected an int or two"),
        (lambda: layers.Dot((1, "2")), "axes: expected an int or two"),
        (lambda: layers.Add()(np.ones(3)), "a list of arrays, got a ndarray"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "layer",
    [
        layers.Add(name="mine"),
        layers.Concatenate(1),
        layers.Dot((1, 2), normalize=True, dtype="float64"),
        layers.Maximum(trainable=False),
    ],
)
def test_config_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert again.get_config() == layer.get_config()
    assert set(config) == set(type(layer).arguments) - set(layer.init_only)
