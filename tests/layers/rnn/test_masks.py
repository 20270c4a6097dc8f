"""Masks through the LSTM and whole models of it: Keras's numbers, and each sequence as if alone."""

import numpy as np
import pytest
from formulas import wave32
from gradients import gradient
from helpers import numbers
from masked_series import CLASSES, IDS, LENGTHS, REAL, X, Y

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense, Embedding, Masking
from lstmcore.optimizers import SGD
from lstmcore.utils import set_random_seed

pytestmark = pytest.mark.skipif(not LSTM.uses_mask, reason="this LSTM takes no mask")

ROWS = [x[:n] for x, n in zip(X, LENGTHS, strict=True)]
ROWS_Y = [y[:n] for y, n in zip(Y, LENGTHS, strict=True)]

# Keras 3.15.1 on JAX: 3 epochs of SGD(0.05, 0.9), one batch, no shuffling; then `evaluate`.
# (The metrics of its `fit` lose the mask of an output on the way through jit: not compared.)
KERAS = [
    (
        lambda: [Masking(), LSTM(4, return_sequences=True), LSTM(3), Dense(1)],
        (X, Y[:, 0]),
        ("mse", "mae"),
        [0.3292965, 0.3278927, 0.3257055],
        [0.32349715, 0.45511055],
        [0.065135],
    ),
    (
        lambda: [Masking(), LSTM(4, return_sequences=True), Dense(1)],
        (X, Y),
        ("mse", "mae"),
        [0.3276373, 0.3237095, 0.3178021],
        [0.31232658, 0.49427429],
        [0.03423, -0.002398, -0.057852, -0.074247, -0.019632, -0.019632],
    ),
    (
        lambda: [
            Embedding(10, 3, mask_zero=True),
            LSTM(4, return_sequences=True),
            Dense(3, "softmax"),
        ],
        (IDS, CLASSES),
        ("sparse_categorical_crossentropy", "accuracy"),
        [1.0634743, 1.0632032, 1.0627056],
        [1.06203735, 0.47222224],
        [0.306379, 0.4194, 0.274221, 0.306345, 0.420602, 0.273053],
    ),
]


def seed_weights(model):
    weights = [wave32(w.shape, 0.9 + 0.1 * i) * 0.5 for i, w in enumerate(model.get_weights())]
    model.set_weights(weights)


@pytest.mark.parametrize(("layers", "data", "told", "history", "test", "predicted"), KERAS)
def test_training_is_keras(layers, data, told, history, test, predicted, dtype):
    (x, y), (loss, metric) = data, told
    model = Sequential(layers(), dtype=dtype)
    model.build((None, *x.shape[1:]))
    seed_weights(model)
    model.compile(SGD(0.05, 0.9), loss, metrics=[metric])
    fitted = model.fit(x, y, 12, 3, 0, shuffle=False).history
    np.testing.assert_allclose(fitted["loss"], history, atol=2e-6)
    np.testing.assert_allclose(model.evaluate(x, y, 12, 0), test, atol=2e-6)
    p = model.predict(x, verbose=0)[1].ravel()
    np.testing.assert_allclose(p[: len(predicted)], predicted, atol=2e-6)


def many(last=False):
    layers = [LSTM(5, return_sequences=True), LSTM(4, return_sequences=not last), Dense(1)]
    model = Sequential([Input((None, 2)), *layers])
    seed_weights(model)
    model.compile(SGD(0.1), "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("size", [1, 5, 12])
def test_a_sequence_in_a_batch_is_the_sequence_alone(isa, size):
    per_step, per_sample = many(), many(last=True)
    steps = per_step.predict(ROWS, batch_size=size, verbose=0)
    ends = per_sample.predict(ROWS, batch_size=size, verbose=0)
    for x, y, end in zip(ROWS, steps, ends, strict=True):
        assert y.shape == (len(x), 1)
        if len(x):
            np.testing.assert_allclose(y, per_step.predict(x[None])[0], atol=1e-6)
            np.testing.assert_allclose(end, per_sample.predict(x[None])[0], atol=1e-6)


def test_ragged_training_is_that_of_a_masked_array():
    a, b = many(), Sequential([Input((6, 2)), Masking(9.0), *many().layers])
    b.compile(SGD(0.1), "mse", metrics=["mae"])
    nines = np.where(REAL[..., None], X, np.float32(9))
    histories = []
    for model, x, y in ((a, ROWS, ROWS_Y), (b, nines, Y)):
        set_random_seed(3)
        fitted = model.fit(x, y, 5, 3, 0, validation_split=0.25)
        histories.append(fitted.history)
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-5, err_msg=name)
    for p, q in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-4, atol=1e-6)


def test_gradient_of_a_model_with_a_mask():
    layers = [LSTM(3, return_sequences=True), LSTM(2), Dense(1)]
    model = Sequential([Input((6, 2)), *layers], dtype="float64")
    x, r = numbers(12, 6, 2), numbers(12, 1)
    mask = REAL.copy()
    mask[6, 1] = False  # a gap
    dx = model.run(x, True, mask)[1](r)
    numeric = gradient(lambda: float((model.run(x, False, mask)[0] * r).sum()), x)
    np.testing.assert_allclose(dx, numeric, rtol=1e-6, atol=1e-8)
    assert (dx[~mask] == 0).all()
    grads = [p.grad.copy() for p in model.weights]
    for p, grad in zip(model.weights, grads, strict=True):
        kept = p.numpy()

        def loss(p=p, kept=kept):
            p.assign(kept)
            return float((model.run(x, False, mask)[0] * r).sum())

        np.testing.assert_allclose(grad, gradient(loss, kept), rtol=1e-6, atol=1e-8)
        p.assign(kept)


def test_frozen_words_and_masks_learn_to_count():
    """The number of words that are 1: only possible if padding is skipped."""
    set_random_seed(1)
    rng = np.random.default_rng(0)
    ids = [rng.integers(1, 4, rng.integers(1, 9)) for _ in range(300)]
    y = np.array([(i == 1).sum() for i in ids])
    model = Sequential([Embedding(4, 3), LSTM(12), Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.learning_rate = 0.02
    model.fit(ids, y, epochs=30, verbose=0)
    assert model.evaluate(ids, y, verbose=0) < 0.1 * y.var()


def test_reset_states():
    model = Sequential([Input((None, 2)), LSTM(3, stateful=True), Dense(1)])
    x = wave32((4, 6, 2), 0.7)
    first = model.predict(x, verbose=0)
    assert (model.predict(x, verbose=0) != first).any()
    model.reset_states()
    np.testing.assert_array_equal(model.predict(x, verbose=0), first)
    with pytest.raises(ValueError, match=r"expected 4 rows as in the call before"):
        model.predict(x, batch_size=3, verbose=0)
