"""Sequences of different lengths: padded per batch, as if each were alone."""

import numpy as np
import pytest
from formulas import wave32
from helpers import RunningMean

from lstmcore import Input, Sequential
from lstmcore.layers import Dense, Embedding, Layer, Masking
from lstmcore.optimizers import SGD
from lstmcore.ragged import as_ragged, is_ragged
from lstmcore.training.batches import Batches
from lstmcore.utils import set_random_seed

LENGTHS = [3, 5, 1, 0, 4, 4, 2]
X = [wave32((n, 2), 0.7 + 0.1 * i) for i, n in enumerate(LENGTHS)]
Y = [wave32((n, 1), 1.3 + 0.1 * i) for i, n in enumerate(LENGTHS)]
ONE = wave32((7,), 0.9)
PADDED = np.zeros((7, 5, 2), np.float32)
Y_PADDED = np.zeros((7, 5, 1), np.float32)
for i, n in enumerate(LENGTHS):
    PADDED[i, :n], Y_PADDED[i, :n] = X[i], Y[i]
MASK = np.arange(5) < np.array(LENGTHS)[:, None]
IDS = [[1, 2, 3], [4], [], [2, 2]]


class Through(Layer):
    """Lets all through, and keeps what it saw."""

    uses_mask = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def forward(self, x, training=False, mask=None):
        self.seen.append((x.copy(), mask))
        return x, lambda dy, need_dx=True: dy


class Reversed(Layer):
    """What a recurrent layer with go_backwards and return_sequences does to the order."""

    def compute_mask(self, x, mask=None):
        return None if mask is None else mask[:, ::-1]

    def forward(self, x, training=False):
        return x[:, ::-1], lambda dy, need_dx=True: dy[:, ::-1]


def model_of(*layers, dtype=None, optimizer="sgd", **kwargs):
    model = Sequential([Input((None, 2)), *layers, Dense(1)], dtype=dtype)
    weights = [wave32(w.shape, 0.9 + 0.1 * i) * 0.5 for i, w in enumerate(model.get_weights())]
    model.set_weights(weights)
    model.compile(optimizer, "mse", **kwargs)
    return model


def last():
    return model_of(Dense(3, "tanh"), RunningMean(), metrics=["mae"])


def steps():
    return model_of(Dense(3, "tanh"), RunningMean(True), metrics=["mae"])


# -- what is ragged ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "ragged"),
    [
        (X, True),
        (tuple(X), True),
        (IDS, True),
        ([X[4], X[5]], False),
        ([[1, 2], [3, 4]], False),
        ([1, 2], False),
        ([], False),
        (PADDED, False),
        (None, False),
        (3, False),
    ],
)
def test_is_ragged(value, ragged):
    assert is_ragged(value) is ragged


def test_padding_is_per_batch():
    through = Through()
    model = model_of(through)
    model.predict(X, batch_size=3, verbose=0)
    shapes = [x.shape for x, _ in through.seen]
    assert shapes == [(3, 5, 2), (3, 4, 2), (1, 2, 2)]
    np.testing.assert_array_equal(through.seen[0][0], PADDED[:3])
    np.testing.assert_array_equal(through.seen[0][1], MASK[:3])
    np.testing.assert_array_equal(through.seen[1][1], MASK[3:6, :4])
    assert through.seen[2][1] is None  # nothing was padded


def test_equal_lengths_are_an_array():
    model = steps()
    y = model.predict([X[4], X[5]], verbose=0)
    assert isinstance(y, np.ndarray)
    np.testing.assert_array_equal(y, model.predict(np.stack([X[4], X[5]]), verbose=0))


def test_a_batch_of_empty_sequences_alone():
    model = steps()
    y = model.predict([X[3], X[3], X[0]], batch_size=2, verbose=0)
    assert [len(a) for a in y] == [0, 0, 3]
    np.testing.assert_allclose(y[2], model.predict(X[0][None])[0], atol=1e-6)
    got = last().predict([X[3], X[3], X[0]], batch_size=2, verbose=0)
    np.testing.assert_array_equal(got[0], got[1])


# -- predict -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_predict_is_each_sequence_alone(size):
    model = steps()
    y = model.predict(X, batch_size=size, verbose=0)
    assert isinstance(y, list)
    assert [a.shape for a in y] == [(n, 1) for n in LENGTHS]
    for x, got in zip(X, y, strict=True):
        if len(x):
            np.testing.assert_allclose(got, model.predict(x[None])[0], atol=1e-6)
    model = last()
    y = model.predict(X, batch_size=size, verbose=0)
    assert y.shape == (7, 1)
    for x, got in zip(X, y, strict=True):
        if len(x):
            np.testing.assert_allclose(got, model.predict(x[None])[0], atol=1e-6)


def test_all_ways_to_predict_agree():
    model = steps()
    want = model.predict(X, verbose=0)
    for got in (model.predict_on_batch(X), model.predict(tuple(x.tolist() for x in X), verbose=0)):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b.reshape(a.shape), atol=1e-6)
    padded = model(X)
    assert padded.shape == (7, 5, 1)
    np.testing.assert_array_equal(padded, model(PADDED, mask=MASK))
    np.testing.assert_allclose(padded[MASK], np.concatenate(want), atol=1e-6)
    np.testing.assert_array_equal(last()(X), last()(PADDED, mask=MASK))
    np.testing.assert_array_equal(RunningMean()(X), RunningMean()(PADDED, mask=MASK))


def test_an_unbuilt_model_is_built_for_any_length():
    model = Sequential([RunningMean(), Dense(2)])
    assert model.predict(X, verbose=0).shape == (7, 2)
    assert model.input_shape == (None, None, 2)


def test_numbers_of_any_type(dtype):
    model = model_of(RunningMean(True), dtype=dtype)
    x = [np.asfortranarray(np.round(9 * a), t) for a, t in zip(X, "fdbhild", strict=True)]
    for got, alone in zip(model.predict(x, verbose=0), x, strict=True):
        assert got.dtype == dtype
        if len(alone):
            np.testing.assert_allclose(got, model.predict(alone[None])[0], atol=1e-5)


def test_predictions_own_their_memory():
    model = Sequential([Input((None, 2)), Through()])
    x = [a.copy() for a in X]
    for y in model.predict(x, verbose=0):
        assert y.base is None  # it does not keep the padding in memory
        y[:] = 0
    for a, b in zip(x, X, strict=True):
        np.testing.assert_array_equal(a, b)


# -- fit, evaluate -------------------------------------------------------------------------


def same_training(model, other, data, other_data, **kwargs):
    """Both learn the same from the two forms of the data."""
    histories = []
    for m, (x, y) in ((model, data), (other, other_data)):
        set_random_seed(5)
        histories.append(m.fit(x, y, epochs=3, verbose=0, **kwargs).history)
    assert list(histories[0]) == list(histories[1])
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-5, err_msg=name)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def masked(make):
    """The same model for padded arrays: its padding is 9 everywhere."""
    model = make()
    other = Sequential([Input((5, 2)), Masking(9.0), *make().layers])
    other.compile(SGD(0.01), "mse", metrics=["mae"])
    model.compile(SGD(0.01), "mse", metrics=["mae"])
    return model, other


NINES = np.where(MASK[..., None], PADDED, np.float32(9))


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("size", [2, 7])
def test_fit_is_that_of_padded_arrays(shuffle, size):
    kwargs = {"shuffle": shuffle, "batch_size": size}
    same_training(*masked(steps), (X, Y), (NINES, Y_PADDED), **kwargs)
    same_training(*masked(last), (X, ONE), (NINES, ONE), **kwargs)


def test_fit_with_validation_and_weights():
    weight = np.linspace(0.5, 2, 7)
    kwargs = {"batch_size": 2, "sample_weight": weight, "validation_split": 0.4}
    same_training(*masked(steps), (X, Y), (NINES, Y_PADDED), **kwargs)
    same_training(*masked(last), (X, ONE), (NINES, ONE), **kwargs)
    a, b = masked(steps)
    rows = [wave32((n,), 0.3) + 1 for n in LENGTHS]
    weights = np.zeros((7, 5))
    for i, row in enumerate(rows):
        weights[i, : len(row)] = row
    histories = []
    for m, x, y, w in ((a, X, Y, rows), (b, NINES, Y_PADDED, weights)):
        data = (x[2:], y[2:], w[2:])
        histories.append(m.fit(x, y, 3, 2, 0, None, 0.0, data, False, sample_weight=w).history)
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-5, err_msg=name)
    assert {"loss", "mae", "val_loss", "val_mae"} == set(histories[0])


def test_means_are_over_steps_whatever_the_batches():
    model = steps()
    error = np.concatenate(model.predict(X, verbose=0)) - np.concatenate(Y)
    want = [(error**2).mean(), abs(error).mean()]
    for size in (1, 2, 3, 7):
        np.testing.assert_allclose(model.evaluate(X, Y, size, verbose=0), want, rtol=1e-5)
    model.reset_metrics()
    np.testing.assert_allclose(model.test_on_batch(X, Y), want, rtol=1e-5)


def test_train_on_batch_is_a_step_of_fit():
    a, b = steps(), steps()
    a.fit(X, Y, 7, 1, 0, shuffle=False)
    b.train_on_batch(X, Y)
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_class_targets_without_a_last_axis():
    classes = [(3 * (wave32((n,), 0.4) + 0.8) / 1.6).astype(int).clip(0, 2) for n in LENGTHS]
    model = Sequential([Input((None, 2)), RunningMean(True), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(X, classes, 2, verbose=0)
    p, y = np.concatenate(model.predict(X, verbose=0)), np.concatenate(classes)
    assert loss == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), rel=1e-5)
    assert accuracy == pytest.approx((p.argmax(-1) == y).mean())
    flat = steps()
    one_axis = [y[:, 0].tolist() for y in Y]
    assert flat.evaluate(X, one_axis, verbose=0) == flat.evaluate(X, Y, verbose=0)


def test_words():
    model = Sequential([Embedding(5, 3), RunningMean(), Dense(1)])
    model.compile("adam", "mse")
    y = model.predict(IDS, verbose=0)
    assert y.shape == (4, 1)
    for ids, got in zip(IDS, y, strict=True):
        if ids:
            np.testing.assert_allclose(got, model.predict([ids], verbose=0)[0], atol=1e-6)
    model.fit(IDS, [1, 2, 3, 4], verbose=0)
    tagger = Sequential([Embedding(5, 3), RunningMean(True), Dense(2)])
    assert [a.shape for a in tagger.predict(IDS, verbose=0)] == [(3, 2), (1, 2), (0, 2), (2, 2)]
    with_zero = Sequential([Embedding(5, 3, mask_zero=True), RunningMean(), Dense(1)])
    a, b = with_zero.predict([[1, 2, 0, 0, 3], [2]]), with_zero.predict([[1, 2, 3], [2]])
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_shuffled_batches_keep_samples_together():
    set_random_seed(2)
    columns = [[as_ragged(X, "f4", "x")], [as_ragged(Y, "f4", "y")], [ONE]]
    batches = Batches(*columns, 3, shuffle=True)
    seen = []
    for batch in batches:
        x, y, weight, mask = (column for (column,) in batch)
        unmasked = np.ones(x.shape[:2], bool) if mask is None else mask
        for i in range(len(x)):
            sample = int(np.flatnonzero(weight[i] == ONE)[0])
            np.testing.assert_array_equal(x[i][unmasked[i]], X[sample])
            np.testing.assert_array_equal(y[i][unmasked[i]], Y[sample])
            seen.append(sample)
    assert sorted(seen) == list(range(7))
    assert seen != sorted(seen)


# -- what is refused -----------------------------------------------------------------------

ODD = [*X[:3], np.zeros((2, 3)), *X[4:]]


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X, [*Y[:2], Y[0], *Y[3:]], ValueError, "^y: sample 2: expected 1 steps, as .* got 3"),
        (X, Y[:-1], ValueError, "^y: expected 7 samples, as many as x has, got 6"),
        (X, ONE, ValueError, r"^y: expected a list of 7 sequences, as x is, got shape \(7,\)"),
        (X, Y_PADDED, ValueError, r"^y: expected a list of 7 sequences, .* shape \(7, 5, 1\)"),
        (X, None, ValueError, "^y: expected targets for output"),
        (X, ONE.tolist(), ValueError, "^y: expected a list of 7 sequences, as x is, got numbers"),
        (X, list(Y_PADDED), ValueError, "^y: sample 0: expected 3 steps, as .* got 5"),
        (PADDED, Y, ValueError, r"^y: .*output of shape \(7, 5, 1\), got sequences of different"),
        (ODD, Y, ValueError, r"^x: sample 3: expected shape \(steps, 2\), as sample 1 .*\(2, 3\)"),
        ([*X[:6], [["a"]]], Y, TypeError, "^x: sample 6: expected real numbers, got .*<U1"),
        ([*X[:6], [[1, 2], [3]]], Y, ValueError, "^x: sample 6: expected an array of numbers"),
        ([a[:, :1] for a in X], Y, ValueError, r"\(batch, any, 2\), got shape \(7, None, 1\)"),
        (X, [np.ones((n, 2)) for n in LENGTHS], ValueError, r"shape of the output \(19, 1\)"),
    ],
)
def test_refusals_and_the_weights_stay(x, y, error, message):
    model = steps()
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.fit(x, y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_more_refusals():
    with pytest.raises(ValueError, match=r"^y: .*got sequences of different lengths"):
        last().fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match=r"^sample_weight: sample 0: expected 3 steps"):
        steps().fit(X, Y, verbose=0, sample_weight=[y[1:, 0] for y in Y])
    with pytest.raises(ValueError, match=r"^sample_weight: expected an array, got sequences"):
        last().fit(PADDED, ONE, verbose=0, sample_weight=[y[:, 0] for y in Y])
    with pytest.raises(ValueError, match=r"^validation_data: y: sample 0: expected 3 steps"):
        steps().fit(X, Y, verbose=0, validation_data=(X, [y[1:] for y in Y]))
    with pytest.raises(ValueError, match=r"x: expected no mask beside sequences of different"):
        steps()(X, mask=MASK)
    with pytest.raises(ValueError, match=r"sample 1: expected whole numbers, got 0\.5"):
        Embedding(5, 2)([[1, 2], [0.5]])
    fixed = Sequential([Input((5, 2)), RunningMean(), Dense(1)])
    with pytest.raises(ValueError, match=r"\(batch, 5, 2\), got shape \(7, None, 2\)"):
        fixed.predict(X)


def test_an_output_in_another_order_is_refused_by_fit():
    model = model_of(Reversed())
    for x, y in zip(X, model.predict(X, verbose=0), strict=True):
        want = model.predict(x[None], verbose=0)[0] if len(x) else np.zeros((0, 1))
        np.testing.assert_allclose(y, want, rtol=1e-6)
    with pytest.raises(ValueError, match="expected an output in the order of the input"):
        model.fit(X, Y, verbose=0)
    both = model_of(Reversed(), RunningMean(True), Reversed())
    assert [len(y) for y in both.predict(X, verbose=0)] == LENGTHS
