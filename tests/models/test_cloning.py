"""clone_model: new layers, compiled as the model is, on other inputs, with calls of one's own."""

import numpy as np
import pytest

from lstmcore import Input, Model, Sequential
from lstmcore.layers import GRU, LSTM, Add, Dense, Dropout, InputLayer
from lstmcore.losses import Huber
from lstmcore.metrics import MeanAbsoluteError
from lstmcore.models import clone_model
from lstmcore.optimizers import Adam

X = np.random.default_rng(0).normal(size=(6, 4, 3)).astype("float32")
Y = np.ones((6, 1), "float32")


def sequential():
    return Sequential([Input((4, 3), name="in"), LSTM(3, name="rnn"), Dense(1, name="out")])


def functional():
    a = Input((4, 3), name="a")
    h = LSTM(3, name="rnn")(a, training=False)
    shared = Dense(3, name="shared")
    return Model(a, Dense(1, name="out")(Add(name="sum")([shared(h), shared(2 * h)])))


def nested():
    x = Input((4, 3), name="x")
    inner = Sequential([Input((4, 3)), GRU(2, name="gru"), Dense(3, name="d")], name="inner")
    graph_in = Input((3,))
    graph = Model(graph_in, Dense(3, name="in_graph")(graph_in), name="graph")
    return Model(x, Dense(1, name="out")(graph(inner(x))))


MODELS = [sequential, functional, nested]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("options", [{}, {"call_function": lambda layer, *a, **k: layer(*a, **k)}])
def test_a_clone_computes_the_same_with_new_weights(make, options):
    model = make()
    if make is sequential and options:
        with pytest.raises(ValueError, match="call_function: expected None for a Sequential"):
            clone_model(model, **options)
        return
    clone = clone_model(model, **options)
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert type(clone) is type(model)
    assert not set(clone.layers) & set(model.layers)
    assert clone.name == model.name
    assert not np.array_equal(clone.predict(X), model.predict(X))
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(X), model.predict(X))


@pytest.mark.parametrize("make", MODELS)
def test_a_compiled_model_gives_a_compiled_one(make):
    model = make()
    assert not clone_model(model).compiled
    metric = MeanAbsoluteError(name="error")
    model.compile(Adam(0.03), Huber(2.0), metrics=[metric])
    model.fit(X, Y, epochs=2, verbose=0)
    clone = clone_model(model)
    assert clone.compiled
    assert clone.optimizer is not model.optimizer
    assert (clone.optimizer.learning_rate, clone.optimizer.iterations) == (0.03, 0)
    clone.set_weights(model.get_weights())
    again = clone.evaluate(X, Y, verbose=0, return_dict=True)
    assert again == model.evaluate(X, Y, verbose=0, return_dict=True)
    clone.fit(X, Y, verbose=0)
    assert set(again) == {"loss", "error"}
    assert metric not in clone.metrics
    assert model.optimizer.iterations == 2


def test_functions_of_users_stay_compiled():
    def loss(y_true, y_pred):
        return (y_pred - y_true) ** 2, 2 * (y_pred - y_true)

    model = sequential()
    model.compile("sgd", loss)
    assert clone_model(model).loss is loss


@pytest.mark.parametrize("make", MODELS)
def test_on_other_inputs(make):
    model = make()
    tensor = Input((4, 3), name="other")
    for given in (tensor, [tensor]):
        clone = clone_model(model, input_tensors=given)
        assert clone.inputs[0] is tensor
        clone.set_weights(model.get_weights())
        np.testing.assert_array_equal(clone.predict(X), model.predict(X))


@pytest.mark.parametrize("make", MODELS)
def test_on_the_output_of_another_layer(make):
    model, start = make(), Input((4, 2), name="start")
    h = Dense(3, name="before")(start)
    clone = clone_model(model, input_tensors=h)
    clone.set_weights(model.get_weights())
    whole = Model(start, clone.output)
    features = Model(start, h).predict(X[..., :2])
    np.testing.assert_allclose(whole.predict(X[..., :2]), model.predict(features), rtol=1e-6)


def test_several_inputs_in_their_structure():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    model = Model({"a": a, "more": [b]}, Add()([a, 2 * b]))
    c, d = Input((3,), name="c"), Input((3,), name="d")
    clone = clone_model(model, input_tensors={"a": c, "more": [d]})
    assert clone.inputs == [c, d]
    with pytest.raises(ValueError, match=r"input_tensors: expected a dict with the keys"):
        clone_model(model, input_tensors=[c, d])
    with pytest.raises(ValueError, match="input_tensors: expected symbolic tensors, got 3"):
        clone_model(model, input_tensors={"a": c, "more": [3]})


def test_layers_of_a_function():
    def without_dropout(layer):
        if isinstance(layer, Dropout):
            return Dropout(0.0, name=layer.name)
        return type(layer).from_config(layer.get_config())

    inner = Sequential([Input((3,)), Dropout(0.5, name="inside")], name="inner")
    model = Sequential([Input((3,)), Dropout(0.9, name="outside"), inner])
    flat = clone_model(model, clone_function=without_dropout)
    assert (flat.layers[0].rate, flat.layers[1].layers[0].rate) == (0.0, 0.5)
    deep = clone_model(model, clone_function=without_dropout, recursive=True)
    assert (deep.layers[0].rate, deep.layers[1].layers[0].rate) == (0.0, 0.0)


def test_every_layer_is_cloned_once_and_inputs_not_by_the_function():
    seen = []

    def clone_function(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    model = nested()
    clone = clone_model(model, clone_function=clone_function, recursive=True)
    assert sorted(seen) == ["d", "gru", "in_graph", "out"]
    seen.clear()
    clone_model(functional(), clone_function=clone_function, call_function=lambda l, x, **k: l(x))
    assert sorted(n for n in seen if "rescaling" not in n) == ["out", "rnn", "shared", "sum"]
    assert isinstance(clone.layers[0], InputLayer)


def test_calls_of_a_function():
    calls = []

    def call(layer, *args, **kwargs):
        calls.append((layer.name, kwargs))
        return layer(*args, **kwargs)

    clone = clone_model(functional(), call_function=call)
    names = [name for name, _ in calls]
    assert names.count("shared") == 2
    assert calls[0] == ("rnn", {"training": False})
    assert set(names) >= {"rnn", "shared", "sum", "out"}
    assert clone.predict(X).shape == (6, 1)


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="clone_model: model: expected a model, got a Dense"):
        clone_model(Dense(1))
