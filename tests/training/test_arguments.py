"""Arrays of all kinds into a model; data and arguments that are refused."""

import numpy as np
import pytest
from helpers import X, Y, small

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed


def two_lstms(dtype="float32"):
    set_random_seed(1)
    layers = [Input((6, 2)), LSTM(5, return_sequences=True), LSTM(4), Dense(1)]
    model = Sequential(layers, dtype=dtype)
    model.compile(Adam(0.01), "mse")
    return model


def fit(model, **kwargs):
    return model.fit(X, Y, **{"batch_size": 16, "verbose": 0, "shuffle": False} | kwargs)


class Frame:
    """What pandas and polars look like from outside: columns, hence Fortran order."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.asfortranarray(self.array, dtype)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        read_only,
        Frame,
        lambda x: x.tolist(),
        lambda x: x.astype(np.float64),
        lambda x: x.astype(">f4"),
        lambda x: x.astype(">f8"),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1][::-1],
    ],
)
def test_arrays_of_all_kinds(convert):
    model, plain = two_lstms(), two_lstms()
    x, y = (
        convert(X),
        convert(Y[:, None])[:] if convert is not Frame else Y,
    )
    history = model.fit(x, y, 16, 1, 0, shuffle=False).history["loss"]
    assert history == fit(plain).history["loss"]
    np.testing.assert_array_equal(model.predict(x), plain.predict(X))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "bool", "float16"])
def test_other_numbers_are_converted(dtype):
    model = two_lstms()
    x = (X * 3).astype(dtype)
    np.testing.assert_array_equal(model.predict(x), model.predict(x.astype(np.float32)))


def test_a_float64_model_is_float64_from_end_to_end():
    model = two_lstms("float64")
    x = X.astype(np.float64) * (1 + 1e-12)
    y = model.predict(x)
    assert y.dtype == np.float64
    assert (y != model.predict(x.astype(np.float32))).any()
    fit(model)
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float64")}
    assert {s.dtype for s in model.optimizer.slots.values()} == {np.dtype("float64")}


def test_nan_in_nan_out():
    model = two_lstms()
    x = X.copy()
    x[3, 2, 1] = np.nan
    y = model.predict(x)
    assert np.isnan(y[3]).all()
    assert np.isfinite(np.delete(y, 3, axis=0)).all()


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X[:, 0], Y, ValueError, r"expected an array of shape \(batch, 6, 2\), got .*\(50, 2\)"),
        (X[..., :1], Y, ValueError, r"got shape \(50, 6, 1\)"),
        (X[:, :5], Y, ValueError, r"got shape \(50, 5, 2\)"),
        (X[:0], Y[:0], ValueError, "x: expected at least one number"),
        (X, Y[:-1], ValueError, "y: expected 50 samples, as many as x has, got 49"),
        (X, Y[None], ValueError, "y: expected 50 samples"),
        (X, 3.0, ValueError, "y: expected 50 samples, as many as x has, got one number"),
        (X, np.ones((50, 3)), ValueError, r"shape of the output \(50, 1\), got \(50, 3\)"),
        (X, Y.astype(str), TypeError, "y: expected real numbers, got an array of dtype <U"),
        (X, [None] * 50, TypeError, "y: expected real numbers, got an array of dtype object"),
        (X.astype(complex), Y, TypeError, "x: expected real numbers"),
        (np.array([b"a"] * 50), Y, TypeError, "x: expected real numbers"),
        ([[1, [2]], [3]], Y, ValueError, "x: sample 0: expected an array .*inhomogeneous"),
        ([[[1], 2], [3, 4]], Y, ValueError, "x: expected an array of numbers: .*inhomogeneous"),
        (None, Y, TypeError, "x: expected real numbers"),
    ],
)
def test_fit_refuses_data_and_leaves_the_weights(x, y, error, message):
    model = small()
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.fit(x, y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size: expected a whole number >= 1, got 0"),
        ({"batch_size": 2.5}, ValueError, "batch_size"),
        ({"epochs": -1}, ValueError, "epochs"),
        ({"validation_split": 1.0}, ValueError, "validation_split: expected a number from 0 to 1"),
        ({"validation_split": 0.999}, ValueError, "leaves none to train on"),
        ({"validation_data": X}, ValueError, "validation_data: expected"),
        ({"validation_data": (X, Y[:3])}, ValueError, "validation_data: y: expected 50 samples"),
        ({"sample_weight": np.ones(3)}, ValueError, "sample_weight: expected 50 samples"),
        ({"class_weight": {}}, ValueError, "class_weight: expected a dict"),
    ],
)
def test_fit_refuses_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        fit(small(), **arguments)
