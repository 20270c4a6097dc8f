"""Whole trainings are Keras's: history, weights, evaluate, predict, single batches, shapes."""

from functools import cache

import fit_cases
import numpy as np
import pytest
from keras_numbers import keras_numbers

import lstmcore

FROZEN = keras_numbers("fits")
# relative to max(1, |x|); in float32 each of about 23 steps rounds weights, gradients and outputs
TOLERANCE = {"float64": 1e-12, "float32": 3 * 23 * 2.0**-24}


class Typed:
    """A module of layers that are all made with one dtype."""

    def __init__(self, module, dtype):
        self._module, self._dtype = module, dtype

    def __getattr__(self, name):
        made, dtype = getattr(self._module, name), self._dtype
        return lambda *args, **kwargs: made(*args, **{"dtype": dtype} | kwargs)


class Library:
    """lstmcore in the place of Keras, with the number type that Keras has as a global setting."""

    def __init__(self, dtype):
        self.layers = Typed(lstmcore.layers, dtype)
        self.Input = Typed(lstmcore, dtype).Input

    def __getattr__(self, name):
        return getattr(lstmcore, name)


def off(ours, theirs):
    """The largest difference, relative to max(1, |theirs|)."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape
    return (np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))).max(initial=0)


@cache
def played(name, dtype):
    return fit_cases.play(Library(dtype), fit_cases.CASES[name])


def test_every_case_is_frozen():
    assert set(FROZEN) == set(fit_cases.CASES)


def compare(name, dtype, tolerance):
    ours, theirs = played(name, dtype), FROZEN[name]
    for what in ("weights", "epochs", "output_shape"):
        assert ours[what] == theirs[what], what
    for what in ("history", "evaluate_dict"):
        assert [n for n, _ in ours[what]] == [n for n, _ in theirs[what]], what
        for (n, a), (_, b) in zip(ours[what], theirs[what], strict=True):
            assert off(a, b) <= tolerance, f"{what}: {n}: {a} and not {b}"
    for what in theirs.keys() - {"weights", "epochs", "output_shape", "history", "evaluate_dict"}:
        for i, (a, b) in enumerate(zip(parts(ours[what]), parts(theirs[what]), strict=True)):
            assert off(a, b) <= tolerance, f"{what} {i}: off by {off(a, b):.1e}"


def parts(value):
    """What has several arrays as a list of them."""
    if isinstance(value, list) and value and isinstance(value[0], list) and len(value[0]):
        if isinstance(value[0][0], str):
            return [array for _, array in value]
        if isinstance(value[0][0], list) and isinstance(value[0][0][0], str):
            return [[number for _, number in named] for named in value]
        return value
    return [value]


@pytest.mark.parametrize("name", fit_cases.CASES)
def test_a_training_is_keras_s(name, dtype):
    compare(name, dtype.name, TOLERANCE[dtype.name])


def masked_model():
    layers = lstmcore.layers
    model = lstmcore.Sequential(
        [
            lstmcore.Input((fit_cases.T,), dtype="int64"),
            layers.Embedding(9, 3, mask_zero=True, dtype="float64"),
            layers.LSTM(3, return_sequences=True),
            layers.Dense(1),
        ]
    )
    model.set_weights(list(fit_cases.weights_of(model)))
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    return model


def test_where_the_means_are_not_keras_s():
    """Means over the real steps of all batches; Keras's are means of the batches' means.

    So the loss; and metrics without weights, of which Keras does not mask any step.
    """
    ids, y = fit_cases.PADDED, fit_cases.Y_STEPS
    model, real = masked_model(), ids != 0
    off = (model.predict(ids) - y)[real]
    each = [
        ((model.predict(ids[i : i + 8]) - y[i : i + 8])[real[i : i + 8]] ** 2).mean()
        for i in range(0, len(ids), 8)
    ]
    loss, mae, mse = model.evaluate(ids, y, batch_size=8, verbose=0)
    np.testing.assert_allclose([loss, mse], (off**2).mean(), rtol=1e-12)
    np.testing.assert_allclose(mae, np.abs(off).mean(), rtol=1e-12)
    keras = np.average(each, weights=[8, 8, 6])
    assert abs(loss - keras) > 1e-6  # it does make a difference
