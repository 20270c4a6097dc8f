"""Regularizers, activity regularizers and constraints in the training of whole models."""

import numpy as np
import pytest
from formulas import wave32

from lstmcore import Input, Model, Sequential, load_model
from lstmcore.constraints import Constraint, MaxNorm, NonNeg, UnitNorm
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    ActivityRegularization,
    Add,
    Attention,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNormalization,
    LSTMCell,
    MultiHeadAttention,
    SimpleRNN,
    TimeDistributed,
)
from lstmcore.optimizers import SGD, Adam
from lstmcore.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

N, T = 7, 5
X, Y = wave32((N, T, 2), 0.7).astype(float), wave32((N, 1), 1.3).astype(float)


def ready(model, rate=1.0):
    for i, w in enumerate(model.weights):
        array = 0.5 * wave32(w.shape, 0.9 + 0.1 * i).astype(float)
        w.assign(abs(array) + 0.5 if "variance" in w.name else array)
    model.compile(SGD(rate), "mse")
    return model


def chain(*layers):
    return ready(Sequential([Input((T, 2), dtype="float64"), *layers, Dense(1)]))


def cells_alone():
    cell = LSTMCell(3, kernel_regularizer="l2", recurrent_regularizer=L1(0.02))
    return chain(RNN(cell))


def shared_twice():
    a, b = Input((T, 2), dtype="float64"), Input((T, 2), dtype="float64")
    shared = LSTM(3, kernel_regularizer="l2", activity_regularizer=L2(0.03))
    both = Model([a, b], Dense(1)(Add()([shared(a), shared(b)])))
    x = Input((T, 2), dtype="float64")
    return ready(Model(x, both([x, Conv1D(2, 1)(x)])))


def states_too():
    x = Input((T, 2), dtype="float64")
    y, h, c = LSTM(3, return_state=True, activity_regularizer=L2(0.1))(x)
    return ready(Model(x, Dense(1)(Add()([y, h, c]))))


def in_a_model():
    inner = Sequential(
        [Input((T, 2)), GRU(3, recurrent_regularizer=L2(0.1), activity_regularizer="l2")],
        dtype="float64",
    )
    return chain(inner)


def heads():
    x = Input((T, 2), dtype="float64")
    h = MultiHeadAttention(2, 2, kernel_regularizer="l2", activity_regularizer="l2")(x, x)
    h = LayerNormalization(gamma_regularizer=L2(0.1), beta_regularizer=L1(0.1))(h)
    h = Attention(activity_regularizer=L2(0.2))([h, h])
    return ready(Model(x, Dense(1)(Flatten()(h))))


RULES = {
    "kernel_regularizer": L2(0.05),
    "recurrent_regularizer": L1L2(0.01, 0.02),
    "bias_regularizer": L2(0.1),
}
MODELS = {
    "lstm": lambda: chain(LSTM(3, **RULES)),
    "gru": lambda: chain(GRU(3, **RULES)),
    "rnn": lambda: chain(SimpleRNN(3, **RULES)),
    "both-ways": lambda: chain(Bidirectional(LSTM(2, **RULES))),
    "cells": cells_alone,
    "dense": lambda: chain(LSTM(3), Dense(4, kernel_regularizer=OrthogonalRegularizer(0.1))),
    "conv": lambda: chain(Conv1D(3, 2, kernel_regularizer="l2", bias_regularizer="l2"), LSTM(2)),
    "activity": lambda: chain(LSTM(3, return_sequences=True, activity_regularizer="l2"), GRU(2)),
    "activity-both-ways": lambda: chain(Bidirectional(GRU(2), activity_regularizer=L2(0.3))),
    "activity-layer": lambda: chain(LSTM(3), ActivityRegularization(l2=0.2)),
    "activity-distributed": lambda: chain(
        TimeDistributed(Dense(2, activity_regularizer=L2(0.4))), LSTM(2)
    ),
    "batch-norm": lambda: chain(
        BatchNormalization(gamma_regularizer=L2(0.2), activity_regularizer="l2", trainable=True),
        LSTM(2),
    ),
    "shared": shared_twice,
    "states": states_too,
    "nested": in_a_model,
    "heads": heads,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_step_is_along_the_gradient_of_what_fit_reports(name):
    """Loss with all that is added to it, against differences, of every weight that is trained."""
    model = MODELS[name]()
    start = model.get_weights()
    loss = model.train_on_batch(X, Y)
    after = model.get_weights()
    gradients = [a - b for a, b in zip(start, after, strict=True)]  # a rate of 1

    def value():
        if name == "batch-norm":  # its own statistics in training: no step, but the loss of one
            model.optimizer.learning_rate = 0.0
            return model.train_on_batch(X, Y)
        return model.evaluate(X, Y, verbose=0)

    rng = np.random.default_rng(1)
    trained = {id(p) for p in model.trainable_weights}
    ways = [
        rng.standard_normal(w.shape) * (id(p) in trained)
        for w, p in zip(start, model.weights, strict=True)
    ]
    ends = []
    for step in (0.0, 1e-6, -1e-6):
        model.set_weights([w + step * way for w, way in zip(start, ways, strict=True)])
        ends.append(value())
    assert ends[0] == pytest.approx(loss, rel=1e-12)
    expected = (ends[1] - ends[2]) / 2e-6
    assert sum(float((s * w).sum()) for s, w in zip(gradients, ways, strict=True)) == pytest.approx(
        expected, rel=1e-6, abs=1e-8
    )


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "both-ways", "conv", "dense"])
def test_the_loss_is_that_of_the_data_and_the_penalties(name):
    model = MODELS[name]()
    data = float(((model.predict(X) - Y) ** 2).mean())
    penalty = sum(w.regularizer(w.value) for w in model.weights if w.regularizer is not None)
    assert penalty > 0.01
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(data + penalty, rel=1e-12)
    assert model.evaluate(X, Y, batch_size=2, verbose=0) == pytest.approx(data + penalty, rel=1e-12)
    model.compile(SGD(0.0), "mse", metrics=["mse"])
    history = model.fit(X, Y, batch_size=2, validation_data=(X, Y), verbose=0).history
    for prefix in ("", "val_"):
        assert history[f"{prefix}loss"][0] == pytest.approx(data + penalty, rel=1e-12)
        assert history[f"{prefix}mse"][0] == pytest.approx(data, rel=1e-12)


def test_activities_count_by_the_sample():
    layer = LSTM(3, return_sequences=True, activity_regularizer=L1L2(0.1, 0.2))
    model = chain(layer, GRU(2))
    h = Sequential([Input((T, 2), dtype="float64"), layer]).predict(X)
    data = float(((model.predict(X) - Y) ** 2).mean())
    penalty = (0.1 * abs(h).sum() + 0.2 * (h * h).sum()) / N
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(data + penalty, rel=1e-12)
    # batches of unlike sizes: each by its own samples, and all by theirs
    assert model.evaluate(X, Y, batch_size=3, verbose=0) == pytest.approx(data + penalty, rel=1e-12)


def test_a_shared_layer_s_outputs_all_count():
    model = shared_twice()
    inner = model.layers[-1]
    shared = next(layer for layer in inner.layers if isinstance(layer, LSTM))
    other = Model(model.input, model.layers[1].output)
    of = Sequential([Input((T, 2), dtype="float64"), shared])
    one, two = of.predict(X), of.predict(other.predict(X))
    data = float(((model.predict(X) - Y) ** 2).mean())
    penalty = 0.03 * float((one**2).sum() + (two**2).sum()) / N
    penalty += 0.01 * float((shared.kernel.value**2).sum())  # the weights once
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(data + penalty, rel=1e-12)


def test_frozen_weights_are_no_part_of_the_loss():
    """As in Keras; their activities are."""
    model = chain(LSTM(3, kernel_regularizer=L2(1.0)), Dropout(0.0))
    data = float(((model.predict(X) - Y) ** 2).mean())
    assert model.evaluate(X, Y, verbose=0) > data + 0.1
    model.layers[0].trainable = False
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(data, rel=1e-12)
    before = model.layers[0].get_weights()
    assert model.train_on_batch(X, Y) == pytest.approx(data, rel=1e-12)
    for a, b in zip(before, model.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_penalties_are_of_several_outputs_once():
    x = Input((T, 2), dtype="float64")
    h = LSTM(3, kernel_regularizer=L2(0.5))(x)
    model = ready(Model(x, [Dense(1, name="a")(h), Dense(1, name="b")(h)]))
    model.compile("sgd", "mse", loss_weights=[0.5, 2.0])
    total, a, b = model.evaluate(X, [Y, -Y], verbose=0)
    penalty = 0.5 * float((model.layers[1].kernel.value ** 2).sum())
    assert total == pytest.approx(0.5 * a + 2 * b + penalty, rel=1e-12)


def test_float32_stays_and_is_close():
    model, exact = (
        ready(Sequential([Input((T, 2), dtype=d), LSTM(3, **RULES), Dense(1)]), 0.1)
        for d in ("float32", "float64")
    )
    for one in (model, exact):
        one.fit(X, Y, epochs=5, batch_size=3, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), exact.get_weights(), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_an_embedding_s_table():
    table = Embedding(6, 3, embeddings_regularizer=L2(0.1), embeddings_constraint=UnitNorm(axis=1))
    model = Sequential([Input((T,)), table, LSTM(2), Dense(1)], dtype="float64")
    ready(model)
    ids = np.arange(N * T).reshape(N, T) % 4  # 4 and 5 never
    start = table.embeddings.numpy()
    model.fit(ids, Y, batch_size=3, verbose=0)
    after = table.embeddings.value
    np.testing.assert_allclose((after**2).sum(1), 1, rtol=1e-6)
    decayed = start[4:] / np.sqrt((start[4:] ** 2).sum(1, keepdims=True))
    np.testing.assert_allclose(after[4:], decayed, rtol=1e-6)  # by the regularizer alone


# -- constraints ---------------------------------------------------------------------------------


class Halved(Constraint):
    """Says how often it was asked."""

    calls = 0

    def __call__(self, w):
        Halved.calls += 1
        return w / 2


def test_constraints_hold_after_every_step():
    held = []

    def look(*args):
        kernel = layer.kernel.value
        held.append(float(np.sqrt((kernel**2).sum(0)).max()))
        assert (layer.bias.value >= 0).all()

    layer = LSTM(
        3,
        kernel_constraint=MaxNorm(0.3),
        recurrent_constraint=lambda w: np.clip(w, -0.1, 0.1),
        bias_constraint=NonNeg(),
    )
    model = chain(layer)
    for _ in range(5):
        model.train_on_batch(X, Y)
        look()
        assert abs(layer.recurrent_kernel.value).max() <= 0.1
    assert max(held) <= 0.3 * (1 + 1e-6)
    free = chain(LSTM(3))
    free.train_on_batch(X, Y)
    assert np.sqrt((free.layers[0].kernel.value ** 2).sum(0)).max() > 0.3


def test_a_step_is_that_of_the_optimizer_then_the_constraint():
    Halved.calls = 0
    model, plain = chain(Dense(2, kernel_constraint=Halved()), LSTM(2)), chain(Dense(2), LSTM(2))
    for one in (model, plain):
        one.compile(Adam(0.01), "mse")
        one.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.layers[0].kernel.value, plain.layers[0].kernel.value / 2)
    for a, b in zip(model.get_weights()[1:], plain.get_weights()[1:], strict=True):
        np.testing.assert_array_equal(a, b)
    assert Halved.calls == 1
    model.evaluate(X, Y, verbose=0)
    model.predict(X)
    assert Halved.calls == 1
    # what is predicted next is made of the weights as they are held
    plain.set_weights(model.get_weights())
    np.testing.assert_array_equal(plain.predict(X), model.predict(X))


def test_frozen_weights_are_not_held():
    model = chain(LSTM(3, kernel_constraint=MaxNorm(1e-3)))
    model.layers[0].trainable = False
    before = model.layers[0].kernel.numpy()
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.layers[0].kernel.value, before)


def test_rules_of_users_and_of_files(tmp_path):
    class Cubes(Regularizer):
        def __call__(self, x):
            return float((abs(x) ** 3).sum())

        def gradient(self, x):
            return 3 * x * abs(x)

    class Derived(Regularizer):
        def __call__(self, x):
            return (abs(x) ** 3).sum()

    for mine in (Cubes(), Derived(), lambda w: (w**2).sum()):
        MODELS["mine"] = lambda mine=mine: chain(LSTM(3, kernel_regularizer=mine))
        try:
            test_a_step_is_along_the_gradient_of_what_fit_reports("mine")
        finally:
            del MODELS["mine"]
    model = chain(LSTM(3, **RULES, activity_regularizer="l2", kernel_constraint=MaxNorm(0.7)))
    model.save(tmp_path / "rules.lstm")
    again = load_model(tmp_path / "rules.lstm")
    for one in (model, again):
        one.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
