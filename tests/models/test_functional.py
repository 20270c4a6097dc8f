"""Functional models: structure, forms of data, features, copies, ragged inputs, threads, errors."""

import copy
import pickle
import threading

import numpy as np
import pytest
from formulas import wave32
from gradients import gradient
from helpers import numbers

from lstmcore import Input, Model, Sequential, layers, load_model, num_threads, optimizers
from lstmcore.callbacks import Callback
from lstmcore.layers import (
    GRU,
    LSTM,
    Add,
    Attention,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Layer,
    Subtract,
)
from lstmcore.optimizers import SGD
from lstmcore.utils import set_random_seed

N, T = 9, 5
SERIES, FACTS = wave32((N, T, 2), 0.7), wave32((N, 3), 0.53)
PRICE, KIND = wave32((N, 1), 1.3), np.eye(3, dtype=np.float32)[np.arange(N) * 7 % 3]


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(5)


def weighted(model):
    """The model with weights by formula, which do not depend on their order."""
    arrays = [0.5 * wave32(w.shape, 0.9 + 0.01 * sum(w.shape)) for w in model.weights]
    pairs = zip(arrays, model.weights, strict=True)
    model.set_weights([abs(a) + 0.5 if "variance" in w.name else a for a, w in pairs])
    return model


def two_by_two(form=list, dtype=None):
    """Two inputs, two outputs, of which the second alone needs both inputs."""
    series = Input((T, 2), name="series", dtype=dtype)
    facts = Input((3,), name="facts", dtype=dtype)
    h = LSTM(4)(series)
    price = Dense(1, name="price")(h)
    kind = Dense(3, "softmax", name="kind")(Concatenate()([h, Dense(2, "tanh")(facts)]))
    if form is dict:
        outputs = {"price": price, "kind": kind}
        return weighted(Model({"series": series, "facts": facts}, outputs))
    return weighted(Model([series, facts], [price, kind]))


def compiled(model, **options):
    losses = ["mse", "categorical_crossentropy"]
    if isinstance(model.output, dict):
        losses = {"price": "mse", "kind": "categorical_crossentropy"}
    model.compile(SGD(0.1), losses, **options)
    return model


def one_input(*options, **named):
    """A graph with branches: one input, one output."""
    x = Input((T, 2), **named)
    h = LSTM(4, return_sequences=True)(x)
    return weighted(Model(x, Dense(1)(Concatenate()([h, Attention()([h, h])]))))


# -- structure -----------------------------------------------------------------------------------


def a_symbol(*shape):
    return Input(shape)


def lost():
    used, other = Input((3,)), Input((3,), name="elsewhere")
    return Model(used, Add()([Dense(2)(used), Dense(2)(other)]))


def two_of_a_name():
    x = Input((3,))
    return Model(x, Dense(1, name="same")(Dense(2, name="same")(x)))


X3, X4 = Input((3,), name="x3"), Input((4,), name="x4")
BOTH = Model([X3, X4], Concatenate()([X3, X4]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lost, ValueError, "made of the inputs, but they depend on 'elsewhere'"),
        (two_of_a_name, ValueError, "different names, got twice: {'same'}"),
        (lambda: Model([X3, X3], Dense(1)(X3)), ValueError, "inputs: expected each symbol once"),
        (
            lambda: Model(np.zeros(3), Dense(1)(X3)),
            TypeError,
            "inputs: expected symbols from Input",
        ),
        (lambda: Model(X3, [Dense(1)(X3), None]), TypeError, "outputs: expected symbols"),
        (lambda: Model(X3, []), TypeError, "outputs: expected symbols"),
        (lambda: Model(), TypeError, r"Model\(inputs, outputs\)"),
        (
            lambda: Dense(1)([X3, X4]),
            ValueError,
            "'dense.*: x: expected one input, got a list of 2",
        ),
        (lambda: Bidirectional(LSTM(2))([X3, X4]), ValueError, "expected one input"),
        (lambda: Sequential([Dense(1)])([X3, X4]), ValueError, "'sequential.*expected one input"),
        (lambda: Add()(X3), ValueError, "'add.*: x: expected a list"),
        (lambda: Add()([X3, np.zeros((2, 3))]), ValueError, "symbols from Input or layers only"),
        (lambda: BOTH(X3), ValueError, "expected a list of 2 inputs"),
        (lambda: BOTH([X3, X4, X4]), ValueError, "list of 2 inputs .*, got a list of 3"),
        (lambda: BOTH([X4, X3]), ValueError, r"'x3' .*expected an array of shape \(batch, 3\)"),
        (lambda: BOTH({"x3": X3}), ValueError, r"a dict with \['x3', 'x4'\], got .*\['x3'\]"),
        (lambda: Dense(1)(X3, fo=2), TypeError, "'dense.*the call has no argument 'fo'"),
        (
            lambda: LSTM(1)(Input((5, 2)), initial_sate=[X3]),
            TypeError,
            "no argument 'initial_sate': did you mean 'initial_state'",
        ),
        (lambda: LSTM(2)(X3), ValueError, r"expected an array of shape \(batch, time, features\)"),
        (lambda: np.asarray(X3), TypeError, "has no numbers"),
        (lambda: len(X3), TypeError, "has no length"),
        (
            lambda: Model(Input((2,), dtype="float64"), Dense(1, dtype="float32")(Input((2,)))),
            ValueError,
            "made of the inputs",
        ),
        (
            lambda: Model(X3, Dense(1, dtype="float32")(Dense(1, dtype="float64")(X3))),
            ValueError,
            "dtype",
        ),
    ],
)
def test_structures_that_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_layers_by_name_and_their_symbols():
    model = two_by_two()
    assert model.get_layer("price") is model.layers[-2]
    assert model.get_layer(index=-1).name == "kind"
    with pytest.raises(ValueError, match="no layer named 'kinds': did you mean 'kind'"):
        model.get_layer("kinds")
    dense = model.get_layer("kind")
    assert dense.input.shape == (None, 6)
    assert dense.output is model.outputs[1]
    assert [s.name for s in model.inputs] == model.input_names == ["series", "facts"]
    assert model.output_names == ["price", "kind"]
    assert model.input_shape == [(None, T, 2), (None, 3)]
    assert model.output_shape == [(None, 1), (None, 3)]
    with pytest.raises(AttributeError, match="never called in a graph"):
        _ = Dense(1).output


def test_layers_are_in_keras_s_order():
    """By their distance from the outputs; Keras's, for the weights of `set_weights`."""
    x, z = Input((T, 2), name="x"), Input((3,), name="z")
    near = Dense(2, name="near")(z)
    h = Dense(2, name="b")(LSTM(2, name="a")(x))
    model = Model([z, x], [Add(name="sum")([near, h]), Dense(1, name="other")(h)])
    assert [layer.name for layer in model.layers] == ["x", "z", "a", "near", "b", "sum", "other"]


def test_an_input_that_nothing_needs():
    x, unused = Input((3,)), Input((2,), name="unused")
    model = Model([x, unused], Dense(1)(x))
    assert model.predict([FACTS, FACTS[:, :2]]).shape == (N, 1)
    assert "unused" in [layer.name for layer in model.layers]


def test_an_input_that_is_an_output():
    x = Input((3,))
    model = Model(x, [x, Dense(1)(x)])
    np.testing.assert_array_equal(model.predict(FACTS)[0], FACTS)
    model.compile("sgd", [None, "mse"])
    model.fit(FACTS, [None, PRICE], verbose=0)


# -- forms of data -------------------------------------------------------------------------------


def history_of(form, x, y, **more):
    model = compiled(two_by_two(form), metrics=None)
    fitted = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, **more)
    return fitted.history, model.get_weights()


def test_all_forms_of_data_are_the_same():
    weight = np.linspace(0, 2, N)
    plain, weights = history_of(list, [SERIES, FACTS], [PRICE, KIND], sample_weight=weight)
    by_name = {"facts": FACTS, "series": SERIES}
    forms = [
        (list, (SERIES, FACTS), (PRICE, KIND), [weight, weight]),
        (list, by_name, {"kind": KIND, "price": PRICE}, {"kind": weight, "price": weight}),
        (dict, by_name, {"kind": KIND, "price": PRICE}, weight),
        (dict, [FACTS, SERIES], [KIND, PRICE], weight),  # a dict is in the order of its keys
    ]
    for form, x, y, w in forms:
        again, same = history_of(form, x, y, sample_weight=w)
        assert again.keys() == plain.keys()
        for name in plain:
            np.testing.assert_allclose(again[name], plain[name], rtol=1e-6)
        shapes = [a.shape for a in same]
        if form is list:
            for a, b in zip(same, weights, strict=True):
                np.testing.assert_array_equal(a, b)
        assert sorted(shapes) == sorted(a.shape for a in weights)


def test_outputs_have_the_form_of_the_model():
    listed = two_by_two().predict([SERIES, FACTS])
    assert isinstance(listed, list)
    assert [y.shape for y in listed] == [(N, 1), (N, 3)]
    model = two_by_two(dict)
    x = {"series": SERIES, "facts": FACTS}
    for call in (
        model.predict,
        model.predict_on_batch,
        model,
        lambda x: next(model.predict_iter(x)),
    ):
        named = call(x)
        assert list(named) == ["price", "kind"]
        assert named["kind"].shape == (N, 3)
    s = Input((3,))
    assert list(Model(s, {"y": Dense(1)(s)}).predict(FACTS)) == ["y"]
    assert Model([s], [Dense(1)(s)]).predict([FACTS]).shape == (N, 1)


def test_one_loss_counts_only_the_outputs_that_have_it():
    model = two_by_two(dict)
    model.compile("sgd", {"price": "mse"}, metrics={"kind": ["accuracy"]})
    history = model.fit([FACTS, SERIES], {"price": PRICE, "kind": KIND}, verbose=0).history
    assert set(history) == {"loss", "kind_accuracy"}
    before = model.get_weights()
    model.compile("sgd", {"price": "mse"})
    model.fit([FACTS, SERIES], {"price": PRICE}, verbose=0)
    kind = [i for i, w in enumerate(model.weights) if w.shape in ((6, 3), (3, 2))]
    for i, (a, b) in enumerate(zip(before, model.get_weights(), strict=True)):
        if i in kind:
            np.testing.assert_array_equal(a, b)


BAD_DATA = [
    (SERIES, [PRICE, KIND], "x: expected a list of 2 inputs"),
    ([SERIES], [PRICE, KIND], "list of 2 inputs .*got a list of 1"),
    ([SERIES, FACTS[:4]], [PRICE, KIND], r"x\[1\]: expected 9 samples"),
    ([FACTS, SERIES], [PRICE, KIND], r"'series' .*shape \(batch, 5, 2\), got shape \(9, 3\)"),
    ([SERIES[:, :3], FACTS], [PRICE, KIND], r"expected an array of shape \(batch, 5, 2\)"),
    ({"series": SERIES, "fact": FACTS}, [PRICE, KIND], r"a dict with \['series', 'facts'\]"),
    ([SERIES, FACTS], PRICE, "y: expected a list of 2 or a dict, for the outputs"),
    ([SERIES, FACTS], [PRICE, None], r"y\['kind'\]: expected targets"),
    (
        [SERIES, FACTS],
        {"price": PRICE, "kin": KIND},
        "no output is named 'kin': did you mean 'kind'",
    ),
    ([SERIES, FACTS], [PRICE[:3], KIND], r"y\['price'\]: expected 9 samples"),
    ([SERIES, FACTS], [PRICE, KIND[:, :2]], r"expected .*\(9, 3\)"),
]


@pytest.mark.parametrize(("x", "y", "message"), BAD_DATA)
def test_data_that_does_not_fit(x, y, message):
    model = compiled(two_by_two())
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_and_plans_that_do_not_fit():
    model, data = two_by_two(), ([SERIES, FACTS], [PRICE, KIND])
    compiled(model)
    with pytest.raises(ValueError, match=r"sample_weight\['kind'\]: expected 9 samples"):
        model.fit(*data, sample_weight=[np.ones(N), np.ones(3)])
    with pytest.raises(ValueError, match="class_weight: expected a model with one output"):
        model.fit(*data, class_weight={0: 1.0})
    for options, message in [
        ({"loss": ["mse"]}, "loss: expected 2, for the outputs"),
        ({"loss": {"prise": "mse"}}, "no output is named 'prise': did you mean 'price'"),
        ({"loss": "mse", "loss_weights": [1]}, "loss_weights: expected 2"),
        ({"loss": "mse", "metrics": {"kinds": "mse"}}, "did you mean 'kind'"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.compile("sgd", **options)
    with pytest.raises(ValueError, match="out: expected None for 2 outputs"):
        model.predict(data[0], out=np.empty((N, 1), np.float32))


# -- parts of models, models in models -----------------------------------------------------------


def test_features_are_those_of_the_whole_model():
    model = one_input()
    features = Model(model.inputs, model.layers[1].output)
    assert features.predict(SERIES).shape == (N, T, 4)
    assert features.layers[1] is model.layers[1]
    model.compile(SGD(0.1), "mse")
    before = features.predict(SERIES)
    model.fit(SERIES, wave32((N, T, 1), 1.1), verbose=0)
    after = features.predict(SERIES)  # the same weights, wherever they were laid
    assert (before != after).any()
    part = Sequential([Input((T, 2)), model.layers[1]])
    np.testing.assert_array_equal(part.predict(SERIES), after)


def test_the_top_of_a_model_alone():
    model = one_input()
    hidden = model.layers[1].output
    top = Model(hidden, model.output)
    h = Model(model.inputs, hidden).predict(SERIES)
    np.testing.assert_array_equal(top.predict(h), model.predict(SERIES))
    with pytest.raises(ValueError, match="its inputs are outputs of other layers"):
        top.get_config()


def test_symbols_of_a_sequential():
    first = Sequential([Input((T, 2)), LSTM(3, return_sequences=True), LSTM(2), Dense(1)])
    features = Model(first.input, first.layers[1].output)
    assert features.predict(SERIES).shape == (N, 2)
    more = Model(first.inputs, Dense(4)(first.layers[0].output))
    assert more.predict(SERIES).shape == (N, T, 4)


def test_a_model_called_with_a_dict_takes_its_names():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    inner = Model({"a": a, "b": b}, {"less": Subtract()([a, b]), "all": Add()([a, b])})
    x, z = Input((3,)), Input((3,))
    y = inner({"b": z, "a": x})
    assert set(y) == {"less", "all"}
    outer = Model([x, z], y)
    for values in (outer.predict([FACTS, 2 * FACTS]), outer([FACTS, 2 * FACTS])):
        np.testing.assert_allclose(values["less"], -FACTS)
        np.testing.assert_allclose(values["all"], 3 * FACTS)
    np.testing.assert_allclose(inner({"b": 2 * FACTS, "a": FACTS})["less"], -FACTS)


def test_a_layer_of_two_models_trains_with_both():
    shared = LSTM(3)
    x, z = Input((T, 2)), Input((T, 2))
    one = Model(x, Dense(1)(shared(x)))
    two = Model(z, Dense(1)(shared(z)))
    for model in (one, two, one):
        model.compile(SGD(0.1), "mse")
        before = shared.get_weights()
        model.fit(SERIES, PRICE, verbose=0)
        assert (shared.get_weights()[0] != before[0]).any()
        for other in (one, two):
            np.testing.assert_array_equal(other.layers[1].get_weights()[0], shared.get_weights()[0])


def test_gradients_of_a_graph_with_everything():
    """Shared layers, states, a model inside, two inputs and two outputs, against differences."""
    inside = Input((None, 3), dtype="float64")
    inner = Model(inside, GRU(3, return_sequences=True)(inside))
    a, b = Input((T, 3), dtype="float64"), Input((4, 3), dtype="float64")
    shared = LSTM(3, return_sequences=True, return_state=True)
    first, h, c = shared(inner(a))
    second, _, _ = shared(inner(Concatenate(axis=1)([b, b])), initial_state=[h, c])
    joined, scores = Attention()([first, second], return_attention_scores=True)
    model = weighted(Model([a, b], [Dense(2)(joined), layers.Flatten()(scores), h]))
    x = [numbers(2, T, 3), numbers(2, 4, 3)]
    ways = [numbers(*shape) for shape in ((2, T, 2), (2, T * 8), (2, 3))]

    def value():
        return sum(float((y * w).sum()) for y, w in zip(model.run(x)[0], ways, strict=True))

    _, back, _ = model.run(x, True)
    for param in model.weights:
        param.grad[...] = 0
    dx = back(tuple(ways), need_dx=True)
    for ours, array in zip(dx, x, strict=True):
        np.testing.assert_allclose(ours, gradient(value, array), atol=1e-8)
    for param in model.weights:
        start = param.numpy()
        way = numbers(*param.shape)
        values = []
        for step in (1e-6, -1e-6):
            param.assign(start + step * way)
            values.append(value())
        param.assign(start)
        assert (param.grad * way).sum() == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-7)


# -- arguments of calls --------------------------------------------------------------------------


def with_noise(options, noise):
    x = Input((T, 2))
    h = LSTM(4, dropout=noise, recurrent_dropout=noise, return_sequences=True)(x, **options)
    h = Dropout(noise)(h, **options)
    h = Bidirectional(GRU(2, return_sequences=True, dropout=noise))(h, **options)
    h = layers.MultiHeadAttention(1, 2, dropout=noise)(h, h, **options)
    h = Attention(dropout=noise)([h, h], **options)
    h = layers.RNN(layers.LSTMCell(3, dropout=noise))(h, **options)
    return weighted(Model(x, Dense(1)(h)))


def test_layers_told_not_to_train_have_gradients_all_the_same():
    """training=False: what they compute is that of inference, and what is below them learns."""
    results = []
    for options, noise in (({"training": False}, 0.5), ({}, 0.0)):
        model = with_noise(options, noise)
        model.compile(SGD(0.1), "mse")
        model.fit(SERIES, PRICE, epochs=2, batch_size=4, shuffle=False, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
    noisy = with_noise({}, 0.5)
    noisy.compile(SGD(0.1), "mse")
    noisy.fit(SERIES, PRICE, epochs=2, batch_size=4, shuffle=False, verbose=0)
    assert (noisy.get_weights()[0] != results[0][0]).any()


def test_a_model_told_not_to_train_keeps_its_averages():
    inner = Sequential([Input((3,)), Dense(3), BatchNormalization(), Dropout(0.5)])
    x = Input((3,))
    model = Model(x, Dense(1)(inner(x, training=False)))
    model.compile(SGD(0.1), "mse")
    before = inner.get_weights()
    first = model.evaluate(FACTS, PRICE, verbose=0)
    history = model.fit(FACTS, PRICE, batch_size=N, epochs=5, verbose=0).history["loss"]
    assert history[0] == pytest.approx(first, rel=1e-6)
    after = inner.get_weights()
    assert (after[0] != before[0]).any()  # the kernel is trained
    names = [w.name for w in inner.weights]
    for name, a, b in zip(names, after, before, strict=True):
        if "moving" in name:
            np.testing.assert_array_equal(a, b)
    inner.trainable = False  # Keras: of the layers inside too
    assert not inner.layers[1].trainable
    model.fit(FACTS, PRICE, verbose=0)
    for a, b in zip(inner.get_weights(), after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_told_to_train_drops_at_inference():
    x = Input((3,))
    inner = Model(x, Dropout(0.5)(x))
    always, never = Input((3,)), Input((3,))
    model = Model(always, inner(always, training=True))
    assert (model.predict(FACTS) == 0).any()
    assert (Model(never, inner(never)).predict(FACTS) != 0).all()
    z = Input((3,))
    quiet = Model(
        z, Dropout(0.9)(Model(always, Dropout(0.5)(always, training=True))(z), training=False)
    )
    y, back, _ = quiet.run(FACTS, True)
    assert (y == 0).any()
    assert (y == 0).mean() < 0.8
    np.testing.assert_array_equal(back(np.ones_like(y)) == 0, y == 0)


# -- copies --------------------------------------------------------------------------------------


def rich(dtype=None):
    """A graph with all that a config has to say."""
    source, target = Input((T, 2), name="source", dtype=dtype), Input((None, 2), name="target")
    shared = LSTM(3, return_sequences=True, return_state=True, name="shared")
    h, *states = shared(source)
    y, _, _ = shared(target, initial_state=states)
    inside = Input((None, 3))
    inner = Model(inside, [GRU(2, return_sequences=True)(inside), Dense(2)(inside)], name="inner")
    one, other = inner(y)
    attended, scores = Attention(name="look")([one, other], return_attention_scores=True)
    noisy = Dropout(0.5, seed=3, name="noise")(attended, training=True)
    chain = Sequential([Input((None, 2)), Dense(2), LSTM(2)], name="chain")
    ends = {"y": Dense(1, name="end")(chain(noisy)), "scores": scores, "h": h}
    return weighted(Model({"source": source, "target": target}, ends, name="rich"))


RICH = {"source": SERIES, "target": wave32((N, 4, 2), 0.41)}


def saved(model, path):
    model.save(path)
    return load_model(path)


@pytest.mark.parametrize("way", ["config", "file", "deepcopy", "pickle"])
def test_copies_of_graphs(way, tmp_path):
    model = rich()
    model.compile("adam", {"y": "mse", "h": "mse"}, loss_weights={"y": 1.0, "h": 0.5})
    y = {"y": PRICE, "h": wave32((N, T, 3), 0.3)}
    model.fit(RICH, y, verbose=0)
    if way == "config":
        again = type(model).from_config(model.get_config())
        again.set_weights(model.get_weights())
        assert again.get_config() == model.get_config()
    else:
        ways = {
            "file": lambda m: saved(m, tmp_path / "rich.lstm"),
            "deepcopy": copy.deepcopy,
            "pickle": lambda m: pickle.loads(pickle.dumps(m)),
        }
        again = ways[way](model)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert again.input_names == model.input_names
    assert again.output_shape == model.output_shape
    assert again.count_params() == model.count_params()
    lines, same = [], []
    model.summary(print_fn=lines.append, expand_nested=True)
    again.summary(print_fn=same.append, expand_nested=True)
    if way == "config":
        assert [line.split()[:2] for line in lines[:-1]] == [line.split()[:2] for line in same]
        return
    assert lines == same
    set_random_seed(1)
    first = model.fit(RICH, y, epochs=2, verbose=0, shuffle=False).history
    set_random_seed(1)
    second = again.fit(RICH, y, epochs=2, verbose=0, shuffle=False).history
    assert first.keys() == second.keys()
    # the dropout's own stream goes on in the one and begins again in the other
    np.testing.assert_allclose(first["h_loss"][0], second["h_loss"][0], rtol=1e-2)


def test_copies_share_nothing():
    model = two_by_two()
    again = copy.deepcopy(model)
    again.set_weights([w + 1 for w in again.get_weights()])
    assert (model.get_weights()[0] != again.get_weights()[0]).all()
    x = [SERIES, FACTS]
    for a, b in zip(model.predict(x), copy.deepcopy(model).predict(x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_by_file(tmp_path):
    one, two = two_by_two(), two_by_two()
    two.set_weights([0 * w for w in two.get_weights()])
    path = tmp_path / "graph.weights.safetensors"
    one.save_weights(path)
    two.load_weights(path)  # automatic names count from where they are
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# -- sequences of different lengths --------------------------------------------------------------

LENGTHS = [3, 5, 1, 4, 4, 2, 5, 2, 3]
RAGGED = [SERIES[i, :n] for i, n in enumerate(LENGTHS)]
OTHER = [wave32((6 - n, 2), 0.31 + 0.1 * n) for n in LENGTHS]


def test_ragged_inputs_are_as_if_each_were_alone():
    a, b = Input((None, 2)), Input((None, 2))
    shared = LSTM(3, return_sequences=True)
    both = Add()([LSTM(3)(shared(a)), GRU(3)(shared(b))])
    model = weighted(Model([a, b], [Dense(1)(both), Dense(1)(shared(a))]))
    one, steps = model.predict([RAGGED, OTHER], batch_size=4)
    assert [len(s) for s in steps] == LENGTHS
    for i, (x, z) in enumerate(zip(RAGGED, OTHER, strict=True)):
        alone, its_steps = model.predict([x[None], z[None]])
        np.testing.assert_allclose(one[i], alone[0], atol=1e-6)
        np.testing.assert_allclose(steps[i], its_steps[0], atol=1e-6)


def test_a_ragged_fit_is_a_masked_one():
    ends = [wave32((n, 1), 0.3 + 0.1 * n) for n in LENGTHS]

    def make():
        x, facts = Input((None, 2)), Input((3,))
        h = LSTM(3, return_sequences=True)(x)
        one = Dense(1)(Concatenate()([LSTM(2)(h), facts]))
        model = weighted(Model([x, facts], [one, Dense(1)(h)]))
        model.compile(SGD(0.1), "mse")
        return model

    ragged = make()
    ragged.fit([RAGGED, FACTS], [PRICE, ends], batch_size=N, epochs=3, shuffle=False, verbose=0)
    x = np.zeros((N, 5, 2), np.float32)
    y = np.zeros((N, 5, 1), np.float32)
    for i, n in enumerate(LENGTHS):
        x[i, :n], y[i, :n] = RAGGED[i], ends[i]
    mask = np.arange(5) < np.array(LENGTHS)[:, None]
    by_hand = make()
    for _ in range(3):
        (one, steps), back, _ = by_hand.run([x, FACTS], True, [mask, None])
        for param in by_hand.weights:
            param.grad[...] = 0
        gradients = np.where(mask[..., None], 2 * (steps - y) / mask.sum(), 0).astype(np.float32)
        back(((2 * (one - PRICE) / N).astype(np.float32), gradients))
        for param in by_hand.weights:
            param.assign(param.value - np.float32(0.1) * param.grad)
    for a, b in zip(ragged.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_masks_of_two_inputs_stay_apart():
    """Each branch has the padding of its own input; what is added has the steps of either."""
    a, b = Input((None,)), Input((None,))
    table = Embedding(9, 3, mask_zero=True)
    h, g = LSTM(3, return_sequences=True)(table(a)), LSTM(3, return_sequences=True)(table(b))
    model = weighted(Model([a, b], [GRU(2)(h), GRU(2)(g), Add()([h, g])]))
    ids = np.arange(2 * T).reshape(2, T) % 8 + 1
    short = np.where(np.arange(T) < [[2], [4]], ids, 0)
    one, two, _ = model.predict([short, ids])
    swapped = model.predict([ids, short])
    assert (swapped[1] != two).any()
    for i, n in enumerate((2, 4)):
        y = Model(a, model.outputs[0]).predict(ids[i : i + 1, :n])
        np.testing.assert_allclose(y[0], one[i], atol=1e-6)
    _, _, masks = model.run([short, ids])
    assert masks[0] is None
    np.testing.assert_array_equal(masks[2], (short > 0) | (ids > 0))


# -- the rest ------------------------------------------------------------------------------------


def test_streams_are_refused():
    with pytest.raises(ValueError, match=r"'functional.* cannot be streamed: .* runs a Sequential"):
        one_input().stream()
    x = Input((T, 2))
    inner = Model(x, LSTM(2)(x))
    with pytest.raises(ValueError, match=f"'{inner.name}'.*cannot be streamed"):
        Sequential([Input((T, 2)), inner, Dense(1)]).stream()


def test_threads_that_predict_at_once_get_the_same_bits():
    model, wrong = rich_without_noise(), []
    expected = model.predict(RICH)

    def work():
        for _ in range(10):
            for name, y in model.predict(RICH).items():
                if not (y == expected[name]).all():
                    wrong.append(name)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def rich_without_noise():
    model = rich()
    ends = {name: model.output[name] for name in ("scores", "h")}
    return Model(model.input, ends)


def test_fits_are_the_same_bits_with_any_number_of_threads():
    results = []
    for n in (1, 2, 1):
        with num_threads(n):
            set_random_seed(3)
            model = compiled(two_by_two())
            history = model.fit([SERIES, FACTS], [PRICE, KIND], batch_size=4, epochs=3, verbose=0)
            results.append((history.history, model.get_weights()))
    for history, weights in results[1:]:
        assert history == results[0][0]
        for a, b in zip(weights, results[0][1], strict=True):
            np.testing.assert_array_equal(a, b)


def test_float64_is_float64_all_the_way():
    model = compiled(two_by_two(dtype="float64"))
    assert model.dtype == "float64"
    assert {w.value.dtype for w in model.weights} == {np.dtype("float64")}
    x = [SERIES.astype(float), FACTS.astype(float)]
    seen = []

    class Seen(Layer):
        def forward(self, x, training=False):
            seen.append(x.dtype)
            return x, (lambda dy, need_dx=True: (seen.append(dy.dtype), dy)[1])

    outer = [Input((T, 2), dtype="float64"), Input((3,), dtype="float64")]
    price, kind = model([Seen()(outer[0]), outer[1]])
    outer = compiled(Model(outer, [Seen()(price), Seen()(kind)]))
    outer.fit(x, [PRICE, KIND], verbose=0, sample_weight=np.ones(N))
    assert set(seen) == {np.dtype("float64")}
    tiny = 1 + 1e-12
    moved = [x[0] * tiny, x[1]]
    assert (outer.predict(moved)[0] != outer.predict(x)[0]).any()


def test_the_lines_of_a_summary():
    model = compiled(two_by_two())
    lines = []
    model.summary(print_fn=lines.append, show_trainable=True)
    text = "\n".join(lines)
    assert "series (InputLayer)" in text
    assert "lstm" in text
    assert "(None, 5, 2)" in text
    for name in ("price (Dense)", "kind (Dense)"):
        row = next(line for line in lines if name in line)
        assert row.rstrip().endswith("Y")
    row = next(line for line in lines if "price (Dense)" in line)
    assert "lstm" in row.split("(None, 1)")[1]
    shared, x, z = Dense(1, name="twice"), Input((3,)), Input((3,))
    lines.clear()
    Model([x, z], Add()([shared(x), shared(z)])).summary(print_fn=lines.append)
    assert any("twice again" in line and "(above)" in line for line in lines)
    assert any(line.strip().startswith("Total params: 4 ") for line in lines)


def test_callbacks_see_several_outputs():
    seen = []

    class Look(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen.append([y.shape for y in logs["outputs"]])

        def on_train_batch_end(self, batch, logs=None):
            seen.append(sorted(logs))

    model = compiled(two_by_two(), metrics=[["mae"], ["accuracy"]])
    model.predict([SERIES, FACTS], batch_size=5, callbacks=[Look()])
    assert seen == [[(5, 1), (5, 3)], [(4, 1), (4, 3)]]
    seen.clear()
    model.fit([SERIES, FACTS], [PRICE, KIND], verbose=0, callbacks=[Look()])
    assert seen == [["kind_accuracy", "kind_loss", "loss", "price_loss", "price_mae"]]


def test_words_of_texts_of_different_lengths():
    x = Input((None,))
    model = Model(x, Dense(1)(LSTM(3)(Embedding(9, 4, mask_zero=True)(x))))
    rows = [[1, 2, 3], [4], [5, 6]]
    alone = np.concatenate([model.predict(np.array([row])) for row in rows])
    np.testing.assert_allclose(model.predict(rows), alone, rtol=1e-6)


class HalfSquares(layers.Layer):
    """Adds half the mean of the squares of its input to the loss, and passes zeros on."""

    def call(self, x):
        self.add_loss(0.5 * (x * x).mean())
        return x * 0.0


def inside_a_model(layer):
    inside = Input((2,))
    return Model(inside, layer(inside))


@pytest.mark.parametrize("wrap", [lambda layer: layer, inside_a_model], ids=["alone", "nested"])
def test_a_loss_of_a_layer_alone_trains(wrap):
    x = np.random.default_rng(0).standard_normal((8, 3)).astype("float32")
    inputs = Input((3,))
    dense = layers.Dense(2)
    model = Model(inputs, wrap(HalfSquares())(dense(inputs)))
    model.compile(optimizers.SGD(0.1))
    other = Sequential([Input((3,)), layers.Dense(2)])
    other.compile(optimizers.SGD(0.05), "mse")
    other.set_weights(dense.get_weights())
    found = model.fit(x, epochs=3, shuffle=False, verbose=0).history["loss"]
    losses = other.fit(x, np.zeros((8, 2)), epochs=3, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(found, np.array(losses) / 2, rtol=1e-5)
    for a, b in zip(dense.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize("wrap", [lambda layer: layer, layers.TimeDistributed])
def test_a_penalty_of_an_output_without_a_loss_trains(wrap):
    x = np.random.default_rng(0).standard_normal((8, 4, 3)).astype("float32")
    inputs = Input((4, 3))
    penalized = wrap(layers.Dense(2, activity_regularizer="l2"))
    model = Model(inputs, [layers.LSTM(2)(inputs), penalized(inputs)])
    model.compile(optimizers.SGD(0.1), ["mse", None])
    kernel, bias = penalized.get_weights()
    model.train_on_batch(x, [np.zeros((8, 2)), np.zeros((8, 4, 2))])
    gradient = 0.02 / 8 * np.einsum("bti,btj->ij", x, x @ kernel + bias)
    np.testing.assert_allclose(penalized.get_weights()[0], kernel - 0.1 * gradient, rtol=1e-4)


def test_targets_of_the_one_output_that_has_a_loss():
    inputs = Input((3,))
    model = Model(inputs, [layers.Dense(2)(inputs), layers.Dense(1)(inputs)])
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 1))
    model.compile("sgd", [None, "mse"])
    alone = model.evaluate(x, y, verbose=0)
    assert alone == model.evaluate(x, [None, y], verbose=0)
    assert np.isclose(alone, np.mean(model.predict(x)[1] ** 2))
    assert model.fit(x, y, verbose=0).history["loss"] == [alone]
    model.compile("sgd", [None, "mse"], metrics=["mae", None])
    with pytest.raises(ValueError, match="y: expected a list of 2 or a dict"):
        model.evaluate(x, y, verbose=0)


def test_a_symbolic_loss_is_refused():
    inputs = Input((3,))
    h = Dense(2)(inputs)
    model = Model(inputs, h)
    with pytest.raises(TypeError, match=r"add_loss: .*a layer whose call\(self, x\) calls self"):
        model.add_loss(h * h)
