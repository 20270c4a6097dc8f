"""Sequential: building, weights on one flat array, names, summary, copies."""

import copy
import json
import pickle

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Model, Sequential, layers, load_model
from lstmcore.layers import LSTM, Dense, Dropout, InputLayer

X = np.random.default_rng(0).standard_normal((9, 5, 2)).astype(np.float32)


def parts():
    return [LSTM(4, return_sequences=True, name="a"), LSTM(3, name="b"), Dense(2, name="c")]


def test_the_ways_to_declare_the_input_agree():
    declared = Sequential([Input((5, 2)), *parts()])
    first = LSTM(4, return_sequences=True, input_shape=(5, 2))
    argument = Sequential([first, LSTM(3), Dense(2)])
    added = Sequential()
    for layer in [InputLayer((5, 2)), *parts()]:
        added.add(layer)
    built = Sequential(parts())
    built.build((None, 5, 2))
    seen = Sequential(parts())
    assert seen.input_shape is None
    assert not seen.built
    seen.predict(X)
    for model in (declared, argument, added, built, seen):
        assert [p.shape for p in model.weights] == [
            (2, 16),
            (4, 16),
            (16,),
            (4, 12),
            (3, 12),
            (12,),
            (3, 2),
            (2,),
        ]
        assert model.input_shape == (None, 5, 2)
        assert model.output_shape == (None, 2)
        assert len(model.layers) == 3
        model.set_weights(declared.get_weights())
        np.testing.assert_array_equal(model.predict(X), declared.predict(X))


def test_weights_are_windows_on_one_array():
    model = Sequential([Input((5, 2)), *parts()])
    flat = model._flat
    assert flat.value.size == model.count_params() == flat.size == 216
    for p in model.weights:
        assert np.shares_memory(p.value, flat.value)
        assert np.shares_memory(p.grad, flat.grad)
    model.layers[0].weights[2].assign(np.full(16, 7))
    assert (flat.value == 7).sum() == 16
    model.layers[1].trainable = False
    model.materialize()
    assert model._flat.size == 120
    assert [p.name for p in model.non_trainable_weights] == ["kernel", "recurrent_kernel", "bias"]
    np.testing.assert_array_equal(model._flat.value[-12:], model.layers[1].weights[2].value)


def test_seeds_draw_the_same_weights_however_the_model_is_made():
    def weights(make):
        lstmcore.utils.set_random_seed(5)
        return make().get_weights()

    def step_by_step():
        model = Sequential([Input((5, 2))])
        for layer in parts():
            model.add(layer)
        return model

    def frozen_front():
        first, *rest = parts()
        first.trainable = False
        return Sequential([Input((5, 2)), first, *rest])

    at_once = weights(lambda: Sequential([Input((5, 2)), *parts()]))
    for make in (step_by_step, frozen_front):
        for a, b in zip(at_once, weights(make), strict=True):
            np.testing.assert_array_equal(a, b)


def test_adding_and_popping_keeps_the_other_weights():
    model = Sequential([Input((5, 2)), *parts()])
    model.compile("adam", "mse")
    model.fit(X, np.zeros((9, 2)), verbose=0)
    before, slot = model.get_weights(), model.optimizer.slots["velocity"].copy()
    assert model.pop().name == "c"
    assert model.output_shape == (None, 3)
    model.add(Dense(1))
    for a, b in zip(before[:6], model.get_weights(), strict=False):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.optimizer.slots["velocity"][:208], slot[:208])
    model.fit(X, np.zeros(9), verbose=0)
    with pytest.raises(ValueError, match="has no layers"):
        Sequential().pop()


def test_a_layer_may_serve_two_models():
    shared = LSTM(3, name="shared")
    one = Sequential([Input((5, 2)), shared, Dense(1)])
    two = Sequential([Input((5, 2)), shared, Dense(2)])
    y = one.predict(X)
    two.compile("sgd", "mse")
    two.fit(X, np.ones((9, 2)), verbose=0)
    assert (one.predict(X) != y).any()
    one.compile("sgd", "mse")
    kernel = shared.get_weights()[0]
    one.fit(X, np.ones(9), verbose=0)
    assert (shared.get_weights()[0] != kernel).any()
    want = two.layers[1](shared(X))
    np.testing.assert_allclose(two.predict(X), want, atol=1e-6)


def test_a_model_in_a_model():
    inner = Sequential([LSTM(4, return_sequences=True), LSTM(3)], name="inner")
    model = Sequential([Input((5, 2)), inner, Dense(1)])
    assert model.output_shape == (None, 1)
    names = [name for name, _, _ in model.named_params()]
    assert names[0] == f"inner/{inner.layers[0].name}/kernel"
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(X, np.ones(9), verbose=0)
    assert all((a != b).any() for a, b in zip(before, inner.get_weights(), strict=True))
    inner.trainable = False
    before = inner.get_weights()
    model.fit(X, np.ones(9), verbose=0)
    for a, b in zip(before, inner.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dtype_comes_from_the_model_or_any_layer():
    assert Sequential([Input((5, 2)), *parts()]).predict(X).dtype == np.float32
    for model in (
        Sequential([Input((5, 2)), *parts()], dtype="float64"),
        Sequential([Input((5, 2), dtype="float64"), *parts()]),
        Sequential([LSTM(3), Dense(1, dtype=np.float64)]),
    ):
        assert model.predict(X).dtype == np.float64
        assert {p.value.dtype for p in model.weights} == {np.dtype("float64")}
    with pytest.raises(ValueError, match="dtype: expected float64, as the model has, got float32"):
        Sequential([Input((5, 2)), LSTM(3, dtype="float32")], dtype="float64")


def test_config_round_trip():
    model = Sequential(
        [Input((None, 2)), LSTM(3, return_sequences=True), Dropout(0.2), Dense(1, "tanh")],
        name="mine",
    )
    config = json.loads(model.to_json())
    again = layers.get(config)
    assert again.get_config() == model.get_config()
    assert again.name == "mine"
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.predict(X[:, :3]).shape == (9, 3, 1)


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_train_on_alike_and_apart(make_copy):
    model = Sequential([Input((5, 2)), *parts()])
    model.compile("adam", "mse", metrics=["mae"])
    y = np.ones((9, 2))
    model.fit(X, y, epochs=2, verbose=0)
    lstmcore.utils.set_random_seed(1)
    draw = lstmcore.utils.generator().random()
    lstmcore.utils.set_random_seed(1)
    other = make_copy(model)
    assert lstmcore.utils.generator().random() == draw
    first = model.fit(X, y, epochs=3, shuffle=False, verbose=0).history
    second = other.fit(X, y, epochs=3, shuffle=False, verbose=0).history
    assert first == second
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert other.optimizer is not model.optimizer


def test_copies_of_models_without_weights():
    assert copy.deepcopy(Sequential(parts())).layers[1].name == "b"


def test_get_layer():
    model = Sequential([Input((5, 2)), *parts()])
    assert model.get_layer("b") is model.layers[1] is model.get_layer(index=-2)
    with pytest.raises(ValueError, match="no layer named 'd'"):
        model.get_layer("d")
    with pytest.raises(ValueError, match="no layer 3: there are 3"):
        model.get_layer(index=3)
    with pytest.raises(ValueError, match="either a name or an index"):
        model.get_layer()


SUMMARY = """\
Model: "demo"
=================================================================
 Layer (type)                  Output Shape              Param #
=================================================================
 a (LSTM)                      (None, 5, 4)                  112
 b (LSTM)                      (None, 3)                      96
 c (Dense)                     (None, 2)                       8
=================================================================
 Total params: 216 (864.00 B)
 Trainable params: 120 (480.00 B)
 Non-trainable params: 96 (384.00 B)
"""


def test_summary(capsys):
    model = Sequential([Input((5, 2)), *parts()], name="demo")
    model.layers[1].trainable = False
    model.summary()
    assert capsys.readouterr().out == SUMMARY
    lines = []
    model.summary(print_fn=lines.append)
    assert lines == SUMMARY.splitlines()
    assert SUMMARY.isascii()


def test_the_last_layer_may_return_its_states(tmp_path):
    lstm = LSTM(3, return_state=True)
    model = Sequential([Input((5, 2)), LSTM(4, return_sequences=True), lstm])
    assert model.output_shape == ((None, 3),) * 3
    assert len(model.output) == len(model.outputs) == 3
    want = lstm(model.layers[0](X))
    for got in (model(X), model.predict(X), model.predict(iter([X]))):
        assert isinstance(got, tuple)
        np.testing.assert_array_equal(got, want)
    model.compile("sgd", "mse")
    history = model.fit(X, [np.ones((9, 3))] * 3, verbose=0).history
    losses = {f"{name}_loss" for name in model.output_names}
    assert set(history) == {"loss", *losses}
    model.save(tmp_path / "m")
    for a, b in zip(lstmcore.load_model(tmp_path / "m").predict(X), model.predict(X), strict=True):
        np.testing.assert_array_equal(a, b)
    cells = [layers.LSTMCell(3), layers.GRUCell(2)]
    y, one, two = Sequential([layers.RNN(cells, return_state=True)]).predict(X)
    assert [y.shape, *(s.shape for s in [*one, *two])] == [(9, 2), (9, 3), (9, 3), (9, 2)]
    assert isinstance(one, list)


def test_one_layer_several_times(tmp_path):
    twice = Dense(2, "tanh", name="twice")
    model = Sequential([Input((5, 2)), twice, LSTM(2, return_sequences=True), twice])
    assert [layer.name for layer in model.layers] == ["twice", model.layers[1].name, "twice"]
    assert len(model.weights) == 5
    want = twice(model.layers[1](twice(X)))
    np.testing.assert_array_equal(model.predict(X), want)
    stream = model.stream(9)
    np.testing.assert_array_equal(stream.feed(X), want)
    model.save(tmp_path / "m")
    for other in (copy.deepcopy(model), lstmcore.load_model(tmp_path / "m")):
        assert other.layers[0] is other.layers[2]
        np.testing.assert_array_equal(other.predict(X), want)
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    assert model.layers[2] is twice


def test_summary_before_and_after_there_are_weights(capsys):
    model = Sequential(parts())
    model.summary()
    out = capsys.readouterr().out
    assert out.count("0 (unbuilt)") == 3
    assert "Total params: 0" in out
    model.compile("adam", "mse")
    model.fit(X, np.ones((9, 2)), verbose=0)
    model.summary()
    assert "Optimizer params: 432 (1.69 KB)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Sequential([LSTM(2), Input((5, 2))]), ValueError, "an Input can only come first"),
        (lambda: Sequential([Dense(2, name="d"), Dense(2, name="d")]), ValueError, "named 'd' al"),
        (lambda: Sequential([LSTM(2, return_state=True), Dense(1)]), ValueError, "be the last"),
        (lambda: Sequential([layers.Add()]), ValueError, "has one path"),
        (lambda: Sequential([np.tanh]), TypeError, "expected a layer"),
        (lambda: Sequential([Input((5, 2)), LSTM(2), LSTM(2)]), ValueError, r"\(None, 2\)"),
        (lambda: Sequential([Input((5, None)), LSTM(2)]), ValueError, "features"),
        (lambda: Sequential(layer=[]), TypeError, "did you mean 'layers'"),
        (lambda: Input(5), ValueError, "input_shape: expected a tuple"),
        (lambda: Sequential().predict(X), ValueError, "has no layers"),
        (lambda: Sequential([LSTM(2)]).predict(X[0]), ValueError, "expected an array of shape"),
    ],
)
def test_models_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_layer_that_does_not_fit_is_not_added():
    model = Sequential([Input((5, 2)), LSTM(3)])
    y = model.predict(X)
    with pytest.raises(ValueError, match=r"\(batch, time, features\), got shape \(None, 3\)"):
        model.add(LSTM(2))
    np.testing.assert_array_equal(model.predict(X), y)
    assert len(model.layers) == 1


def test_a_build_that_failed_can_be_repeated():
    model = Sequential([LSTM(2), Dense(1)])
    with pytest.raises(ValueError, match="expected an array of shape"):
        model.predict(X[0])
    assert model.predict(X).shape == (9, 1)


# -- parts of it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("made", ["new", "trained", "loaded", "copied", "built by data"])
def test_the_output_of_a_layer_is_there_before_that_of_the_model(made, tmp_path):
    x, y = np.ones((4, 5, 3), "float32"), np.ones((4, 1), "float32")
    stack = [layers.LSTM(3), layers.Dense(4), layers.Dense(1)]
    model = Sequential(stack if made == "built by data" else [Input((5, 3)), *stack])
    if made in ("trained", "built by data"):
        model.compile("sgd", "mse")
        model.fit(x, y, verbose=0)
    if made == "loaded":
        model.save(tmp_path / "m.safetensors")
        model = load_model(tmp_path / "m.safetensors")
    if made == "copied":
        model = copy.deepcopy(model)
    features = model.layers[-2].output
    assert features.shape == (None, 4)
    part = Model(model.input, features)
    want = model.layers[-1](part.predict(x))
    np.testing.assert_allclose(want, model.predict(x), rtol=1e-5)
    more = Model(model.inputs, layers.Dense(2)(features))
    assert more.predict(x).shape == (4, 2)
    assert model.layers[0].input is model.input


def test_a_layer_of_no_built_model_has_no_output():
    model = Sequential([layers.LSTM(3), layers.Dense(1)])
    with pytest.raises(AttributeError, match="no input before it is built"):
        _ = model.layers[0].output
    with pytest.raises(AttributeError, match="was never called in a graph"):
        _ = layers.Dense(1).output
    removed = model.pop()
    with pytest.raises(AttributeError, match="was never called in a graph"):
        _ = removed.output


def test_build_without_a_shape_takes_the_declared_one():
    model = Sequential([Input((5, 3)), layers.LSTM(2)])
    before = model.get_weights()
    model.build()
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="input_shape: expected a tuple of sizes"):
        Sequential([layers.LSTM(2)]).build()
