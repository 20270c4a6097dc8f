"""Losses without a gradient of their own: functions, and classes with `call`."""

import numpy as np
import pytest
from gradients import loss_gradient
from helpers import numbers

import lstmcore
from lstmcore import Sequential, layers, losses, ops

Y, P = numbers(4, 3, 2), numbers(4, 3, 2)
MASK = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1]], bool)
WEIGHT = np.array([1.0, 2.0, 0.0, 0.5])


def squares(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def spread(y_true, y_pred):
    """One number for the batch, in which every prediction depends on every other."""
    return ops.mean(ops.abs(y_true - y_pred)) + ops.std(y_pred)


class Squares(losses.Loss):
    def call(self, y_true, y_pred):
        return squares(y_true, y_pred)


class Coupled(losses.Loss):
    """A value for each sample, which depends on the others of its batch."""

    def call(self, y_true, y_pred):
        centred = y_pred - ops.mean(y_pred, axis=0, keepdims=True)
        return ops.sum(ops.square(centred) * y_true, axis=(-2, -1))


@pytest.mark.parametrize("loss", [Squares(), losses.get(squares)], ids=["class", "function"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["", "mask"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weight"])
def test_a_derived_loss_is_the_built_in_one(loss, mask, weight):
    want, dwant = losses.MeanSquaredError().forward(Y, P, weight, True, mask)
    value, dy = loss.forward(Y, P, weight, True, mask)
    np.testing.assert_allclose(value, want, rtol=1e-12)
    np.testing.assert_allclose(dy, dwant, rtol=1e-12, atol=1e-15)
    assert loss.forward(Y, P, weight, False, mask) == (value, None)


@pytest.mark.parametrize("loss", [losses.get(spread), Coupled(), Coupled(reduction="sum")])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weight"])
def test_values_that_depend_on_several_predictions(loss, weight):
    p = P.copy()
    _, dy = loss.forward(Y, p, weight)
    want = loss_gradient(loss, Y, p, sample_weight=weight)
    np.testing.assert_allclose(dy, want, rtol=1e-6, atol=1e-9)


def test_masked_steps_do_not_count_not_even_nan():
    p = P.copy()
    p[~MASK] = np.nan
    value, dy = Squares().forward(Y, p, None, True, MASK)
    want, dwant = losses.MeanSquaredError().forward(Y, p, None, True, MASK)
    np.testing.assert_allclose(value, want)
    np.testing.assert_allclose(dy, dwant)
    with pytest.raises(ValueError, match="a value for each step, because steps are masked"):
        losses.get(spread).forward(Y, P, None, True, MASK)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes(dtype):
    y, p = Y.astype(dtype), P.astype(dtype)
    value, dy = losses.get(squares).forward(y, p)
    assert dy.dtype == dtype
    np.testing.assert_allclose(value, losses.MeanSquaredError().forward(y, p)[0], rtol=1e-6)


def test_calls_by_hand():
    loss = losses.get(squares)
    np.testing.assert_allclose(loss(Y, P), losses.MeanSquaredError()(Y, P))
    np.testing.assert_allclose(
        Squares(reduction="none")(Y, P), losses.MeanSquaredError(reduction="none")(Y, P)
    )
    assert losses.MeanSquaredError().call(Y, P).shape == (4, 3)


def test_a_function_with_its_gradient_is_the_fast_way():
    calls = []

    def fast(y_true, y_pred):
        calls.append(type(y_pred))
        d = y_pred - y_true
        return (d**2).mean(axis=-1), d

    value, dy = losses.get(fast).forward(Y, P)
    np.testing.assert_allclose(value, losses.MeanSquaredError().forward(Y, P)[0])
    assert all(kind is np.ndarray for kind in calls)
    np.testing.assert_allclose(dy * 12, P - Y)


def test_training_with_each():
    x, y = numbers(16, 5, 3).astype("f4"), numbers(16, 2).astype("f4")
    found = []
    for loss in ("mse", squares, Squares(), lambda t, p: ops.mean((t - p) ** 2)):
        lstmcore.utils.set_random_seed(0)
        model = Sequential([layers.LSTM(4), layers.Dense(2)])
        model.compile("adam", loss)
        found.append(model.fit(x, y, epochs=3, verbose=0).history["loss"])
    for got in found[1:]:
        np.testing.assert_allclose(got, found[0], rtol=1e-5)


def test_what_is_missing_is_said():
    class Empty(losses.Loss):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty: write call\(self, y_true, y_pred\)"):
        Empty()(Y, P)

    def three(y_true, y_pred):
        return y_pred, y_pred, y_pred

    with pytest.raises(TypeError, match="expected the function to return values, or"):
        losses.get(three).forward(Y, P)
    with pytest.raises(TypeError, match=r"float\(x\) cannot be differentiated"):
        losses.get(lambda t, p: float(p.sum())).forward(Y, P)
