"""How samples may be given: a last axis of 1 that is missing or too many, lists, None."""

import numpy as np
import pytest

from lstmcore import Input, Model, Sequential
from lstmcore.layers import LSTM, Dense, Embedding, GlobalAveragePooling1D, Subtract

X = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
Y = np.ones((6, 2), "float32")


def sequential():
    return Sequential([Input((5, 1)), LSTM(2)])


def first_data():
    model = Sequential([LSTM(2)])
    model.build((None, 5, 1))
    return model


def functional():
    inputs = Input((5, 1))
    return Model(inputs, LSTM(2)(inputs))


def nested():
    return Sequential([sequential(), Dense(2)])


MODELS = [sequential, first_data, functional, nested]
FORMS = {
    "missing": X,
    "as declared": X[..., None],
    "too many": X[..., None, None],
    "in a list": [X],
    "whole in a list": [X[..., None]],
    "float64": X.astype("float64"),
    "nested list": X.tolist(),
    "list of rows": list(X),
}


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("form", FORMS)
def test_a_last_axis_of_one_may_be_missing_or_too_many(make, form):
    model, x = make(), FORMS[form]
    want = model.predict(X[..., None])
    for got in (model.predict(x), model(x), model.predict_on_batch(x)):
        np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.concatenate(list(model.predict_iter(x, 4))), want)


@pytest.mark.parametrize("make", MODELS)
def test_training_takes_them_too(make):
    model = make()
    weights = model.get_weights()

    def losses(x):
        model.set_weights(weights)
        model.compile("sgd", "mse")
        options = {"verbose": 0, "shuffle": False}
        first = model.fit(x, Y, 3, epochs=2, validation_data=(x, Y), **options).history
        second = model.fit(((x, Y) for _ in range(2)), steps_per_epoch=2, **options).history
        return [
            first,
            second,
            model.evaluate(x, Y, verbose=0),
            model.evaluate([(x, Y)].__iter__(), verbose=0),
            model.train_on_batch(x, Y),
            model.test_on_batch(x, Y),
        ]

    wanted = losses(X[..., None])
    assert wanted[0]["loss"][0] != wanted[0]["loss"][1]
    assert losses(X) == losses(X[..., None, None]) == wanted


def test_a_model_built_by_data_takes_other_numbers_of_steps():
    model, x = first_data(), np.ones((2, 7), "float32")
    np.testing.assert_array_equal(model.predict(x), model.predict(x[..., None]))


def test_a_sample_may_be_one_number():
    model = Sequential([Input((1,)), Dense(2)])
    want = model.predict(X[:, :1])
    for x in (X[:, 0], [X[:, 0]], X[:, 0].tolist(), X[:, :1, None]):
        np.testing.assert_array_equal(model.predict(x), want)


def test_several_inputs():
    a, b = Input((5, 1), name="a"), Input((3,), name="b")
    model = Model([a, b], Subtract()([LSTM(2)(a), Dense(2)(b)]))
    want = model.predict([X[..., None], X[:, :3]])
    np.testing.assert_array_equal(model.predict([X, X[:, :3, None]]), want)
    np.testing.assert_array_equal(model.predict({"b": X[:, :3, None], "a": X}), want)


def test_sequences_of_numbers():
    model = Sequential([Input((None, 1)), LSTM(2, return_sequences=True)])
    plain = [X[0, :3], X[1], X[2, :1]]
    want = model.predict([row[:, None] for row in plain])
    for got, wanted in zip(model.predict(plain), want, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_token_sequences_with_an_axis_too_many():
    model = Sequential([Input((None,)), Embedding(9, 2), GlobalAveragePooling1D()])
    rows = [np.array([1, 2, 3]), np.array([4])]
    want = model.predict(rows)
    np.testing.assert_array_equal(model.predict([row[:, None] for row in rows]), want)


@pytest.mark.parametrize("make", [sequential, functional, nested])
@pytest.mark.parametrize("shape", [(6, 7), (6, 5, 2), (6, 5, 1, 2), (6,), (6, 7, 1)])
def test_what_does_not_fit_is_refused_by_its_own_shape(make, shape):
    with pytest.raises(ValueError, match=f"got shape .{', '.join(map(str, shape))}"):
        make().predict(np.ones(shape))


def test_none_is_refused_by_the_name_of_the_input():
    with pytest.raises(ValueError, match="x: expected samples, got None"):
        sequential().predict(None)
    a, b = Input((2,), name="a"), Input((2,), name="b")
    model = Model([a, b], Subtract()([a, b]))
    with pytest.raises(ValueError, match=r"x\[1\]: expected samples for input 'b', got None"):
        model.predict([X[:, :2], None])
    with pytest.raises(ValueError, match=r"x\['a'\]: expected samples for input 'a', got None"):
        model.predict({"a": None, "b": X[:, :2]})
