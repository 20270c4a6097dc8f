"""Ops on symbolic tensors: layers of a graph, with shapes, derivatives, configs and files."""

import json

import numpy as np
import pytest
from gradients import gradient

import lstmcore
import lstmcore.ops as ops
from lstmcore import Input, Model, load_model
from lstmcore.layers import LSTM, Dense, Dropout, Embedding, Masking
from lstmcore.models import clone_model
from lstmcore.ops.layer import Operation, Place, decoded, encoded

X = np.random.default_rng(0).standard_normal((4, 6, 3))


@pytest.mark.parametrize(
    ("function", "shape", "dtype"),
    [
        (lambda t: ops.mean(t, axis=1), (None, 3), "float32"),
        (lambda t: ops.mean(t), (), "float32"),
        (lambda t: ops.concatenate([t, 2 * t], axis=-1), (None, None, 6), "float32"),
        (lambda t: ops.stack([t, t], axis=1), (None, 2, None, 3), "float32"),
        (lambda t: ops.reshape(t, (-1, 3)), (None, 3), "float32"),
        (lambda t: ops.reshape(t, (ops.shape(t)[0], -1)), (None, None), "float32"),
        (lambda t: ops.matmul(t, ops.transpose(t, (0, 2, 1))), (None, None, None), "float32"),
        (lambda t: ops.expand_dims(t, 1), (None, 1, None, 3), "float32"),
        (lambda t: ops.argmax(t, axis=-1), (None, None), "int32"),
        (lambda t: ops.greater(t, 0), (None, None, 3), "bool"),
        (lambda t: ops.take(t, 20, axis=1), (None, 3), "float32"),
        (lambda t: t[:, 2:], (None, None, 3), "float32"),
        (lambda t: ops.einsum("btk,kj->bj", t, np.ones((3, 5))), (None, 5), "float32"),
        (lambda t: ops.where(ops.greater(t, 0), t, 0.0), (None, None, 3), "float32"),
        (lambda t: ops.one_hot(ops.argmax(t, axis=-1), 7), (None, None, 7), "float32"),
        (lambda t: ops.scan(lambda s, x: (s + x, s), t[:, 0], t[:, :2])[0], (None, 3), "float32"),
    ],
)
def test_shapes(function, shape, dtype):
    y = function(Input((None, 3)))
    assert (y.shape, y.dtype) == (shape, dtype)


def test_sizes_that_an_op_divides():
    assert ops.reshape(Input((3,)), (-1, 7)).shape == (None, 7)
    assert [t.shape for t in ops.split(Input((6, 4)), 2, axis=2)] == [(None, 6, 2)] * 2


def test_what_is_known_of_a_symbolic_tensor_is_no_layer():
    t = Input((None, 3))
    assert ops.shape(t) == (None, None, 3)
    assert ops.ndim(t) == 3
    assert ops.dtype(t) == "float32"
    assert not ops.is_tensor(t)
    with pytest.raises(ValueError, match="size: expected an array"):
        ops.size(t)


def test_what_does_not_fit_is_refused_at_once():
    match = r"layer 'matmul' \(Operation\): x: expected inputs that ops.matmul takes, got \[\(None"
    lstmcore.utils.clear_session()
    with pytest.raises(ValueError, match=match):
        ops.matmul(Input((6, 3)), np.ones((4, 2)))


def graph(dtype="float32"):
    """A model with ops of one input and several, with constants, lists and several outputs."""
    t = Input((6, 3), dtype=dtype)
    h = LSTM(4, return_sequences=True)(t)
    weights = ops.softmax(ops.matmul(h, ops.transpose(h, (0, 2, 1))) / 2.0)
    context = ops.einsum("bts,bsd->btd", weights, h)
    low, high = ops.split(context, 2, axis=-1)
    mean, variance = ops.moments(h, [1])
    kept = ops.where(ops.greater(low, high), low, 0.1 * high)
    parts = [mean, variance, ops.max(kept, axis=1), ops.get_item(t, (slice(None), -1, slice(0, 2)))]
    y = ops.concatenate(parts, axis=-1) * np.linspace(0.5, 1.5, 12).astype(dtype)
    return Model(t, Dense(2)(ops.power(y, 2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_saving_and_copies(dtype, tmp_path):
    model = graph(dtype)
    model.compile("adam", "mse")
    history = model.fit(X, np.ones((4, 2)), epochs=3, verbose=0).history["loss"]
    assert history[2] < history[0]
    y = model.predict(X, verbose=0)
    assert y.dtype == dtype
    model.save(tmp_path / "model.safetensors")
    for other in (load_model(tmp_path / "model.safetensors"), clone_model(model)):
        other.set_weights(model.get_weights())
        np.testing.assert_array_equal(other.predict(X, verbose=0), y)
        assert json.dumps(other.get_config()) == json.dumps(model.get_config())


def test_gradients_through_a_graph():
    model = graph("float64")
    y, back = model.forward(X, True)
    weights = np.random.default_rng(1).standard_normal(y.shape)
    for param in model.weights:
        param.grad[...] = 0
    dx = back(weights)
    x = X.copy()
    right = gradient(lambda: float((model.forward(x)[0] * weights).sum()), x)
    np.testing.assert_allclose(dx, right, atol=1e-7)
    kernel = model.layers[1].weights[0]
    value = kernel.numpy()

    def loss():
        kernel.assign(value)
        return float((model.forward(X)[0] * weights).sum())

    np.testing.assert_allclose(kernel.grad, gradient(loss, value), atol=1e-7)


def test_a_weight_of_another_layer_is_trained():
    t = Input((5,))
    first = Dense(3, use_bias=False)
    model = Model(t, ops.einsum("bj,ij->bi", first(t), first.kernel))  # tied weights
    model.compile("sgd", "mse")
    before = first.kernel.numpy()
    x = np.random.default_rng(2).standard_normal((8, 5)).astype("float32")
    y = x @ before @ before.T
    error = 2 * (y - 1) / y.size
    slope = x.T @ error @ before + error.T @ x @ before
    model.fit(x, np.ones((8, 5)), batch_size=8, verbose=0)
    np.testing.assert_allclose(first.kernel.numpy(), before - 0.01 * slope, atol=1e-6)
    with pytest.raises(ValueError, match=r"args: expected what a file can hold .*'kernel'"):
        model.get_config()


def test_whole_numbers_go_through():
    t = Input((6, 3))
    ids = ops.argmax(t, axis=-1)
    model = Model(t, [ids, Dense(2)(Embedding(3, 2)(ids))])
    places, y = model.predict(X, verbose=0)
    assert places.tolist() == X.argmax(axis=-1).tolist()
    assert y.shape == (4, 6, 2)


@pytest.mark.parametrize("made", [lambda: Dense(2), lambda: LSTM(2), lambda: Dropout(0.5)])
def test_layers_of_real_numbers_take_whole_ones(made):
    t = Input((6, 3), dtype="int32")
    for y in (t, ops.greater(t, 1)):
        layer = made()
        model = Model(t, layer(y))
        model.compile("sgd", "mse")
        ids = np.arange(36).reshape(2, 6, 3) % 4
        found = model.predict(ids, verbose=0)
        real = ids.astype("float32") if y is t else (ids > 1).astype("float32")
        np.testing.assert_allclose(found, layer(real), rtol=1e-6)
        assert found.dtype == "float32"
        if layer.weights:
            model.fit(ids, np.ones_like(found), verbose=0)


def test_a_mask_is_dropped_as_in_keras():
    t = Input((6, 3))
    model = Model(t, LSTM(2)(ops.tanh(Masking()(t))))
    x = X.copy()
    x[:, 4:] = 0
    lstm = model.layers[-1]
    y = lstm(np.tanh(x.astype("float32")))
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-6)


def test_no_names_clash_and_summaries_name_the_op(capsys):
    lstmcore.utils.clear_session()
    t = Input((3,))
    model = Model(t, ops.exp(ops.exp(t)))
    assert [layer.name for layer in model.layers[1:]] == ["exp", "exp_1"]
    model.summary()
    assert "exp_1 (Operation)" in capsys.readouterr().out


def test_functions_are_no_part_of_a_file():
    model = Model(t := Input((3,)), ops.map(lambda row: 2 * row, t))
    assert model.predict(np.ones((2, 3)), verbose=0).tolist() == [[2] * 3] * 2
    with pytest.raises(ValueError, match="a layer of your own, with call, can hold it"):
        model.get_config()


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, 2.5, "axis", [1, (2, "x")], {"a": (1,)}, slice(1, None), ..., np.inf),
        *(np.float32(2), np.array([[1, 2], [3, 4]], "int32"), np.array([True]), np.zeros((0, 2))),
        Place(3),
    ],
)
def test_arguments_in_files(value):
    text = json.dumps(encoded(value), allow_nan=False)
    found = decoded(json.loads(text))
    if isinstance(value, Place):
        assert found.index == value.index
    elif isinstance(value, np.ndarray | np.generic):
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(found, value)
    else:
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"op": "open"}, "expected an op of lstmcore.ops"),
        ({"op": "exp", "args": [1.0]}, "the places 0, 1, ... of inputs"),
        ({"op": "exp", "args": [{"$": "input", "value": 1}]}, "the places 0, 1, ... of inputs"),
        ({"op": "exp", "args": [{"$": "code", "value": "x"}]}, "expected one of"),
    ],
)
def test_wrong_configs(config, match):
    with pytest.raises(ValueError, match=match):
        Operation.from_config(config)


def test_a_file_cannot_make_a_trial_run_take_memory():
    with lstmcore.layers.base.shapes_only():
        layer = Operation("tile", [Place(0), [10**12]])
        with pytest.raises(ValueError, match="outputs: expected the shapes of the outputs"):
            layer(Input((3,)))


def test_on_arrays_it_computes():
    layer = Operation("add", [Place(0), Place(1)])
    assert layer([np.ones(2), np.ones(2)]).tolist() == [2, 2]
    assert Operation("exp", [Place(0)])(np.zeros((1, 2))).tolist() == [[1, 1]]
