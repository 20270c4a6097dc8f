"""Lambda: a function as a layer."""

import copy

import numpy as np
import pytest
from gradients import gradient
from helpers import numbers

import lstmcore
from lstmcore import Input, Model, Sequential, layers, ops
from lstmcore.layers import Lambda

X = numbers(4, 6, 3)


def test_it_computes_and_derives_its_function():
    layer = Lambda(lambda x: ops.tanh(x) * x, dtype="float64")
    layer.build_for((None, 6, 3), "float64")
    y, back, _ = layer.run(X, True)
    np.testing.assert_allclose(y, np.tanh(X) * X)
    dy = numbers(*y.shape)
    want = gradient(lambda: float((np.tanh(X) * X * dy).sum()), X)
    np.testing.assert_allclose(back(dy), want, rtol=1e-6, atol=1e-8)


def test_arguments_mask_and_training():
    seen = {}

    def function(x, factor, mask=None, training=None):
        seen.update(mask=mask, training=training)
        return x * factor

    layer = Lambda(function, arguments={"factor": 3.0}, mask=lambda x, mask: mask[:, ::-1])
    mask = np.arange(6) < np.array([[6], [3], [2], [1]])
    y, _, out_mask = layer.run(X.astype("f4"), False, mask)
    np.testing.assert_allclose(y, 3 * X, rtol=1e-6)
    np.testing.assert_array_equal(seen["mask"], mask)
    np.testing.assert_array_equal(out_mask, mask[:, ::-1])
    assert seen["training"] is False
    assert Lambda(lambda x: x).run(X.astype("f4"), False, mask)[2] is None


def test_in_a_graph_with_several_inputs():
    a, b = Input((6, 3)), Input((6, 3))
    distance = Lambda(lambda pair: ops.sum(ops.abs(pair[0] - pair[1]), axis=-1))([a, b])
    assert distance.shape == (None, 6)
    model = Model([a, b], layers.Dense(1)(distance))
    model.compile("sgd", "mse")
    model.fit([X, X[::-1]], np.ones((4, 1)), verbose=0)


def test_the_stated_shape_must_be_true():
    assert Lambda(lambda x: x[:, 0], output_shape=(3,)).compute_output_shape((None, 6, 3)) == (
        None,
        3,
    )
    with pytest.raises(ValueError, match=r"output_shape: expected \(None, 3\)"):
        Lambda(lambda x: x[:, 0], output_shape=(4,)).compute_output_shape((None, 6, 3))
    with pytest.raises(ValueError, match="function: expected a function, got 3"):
        Lambda(3)


def test_copies_have_the_function_and_files_its_name(tmp_path):
    def double(x):
        return 2 * x

    model = Sequential([Input((6, 3)), Lambda(lambda x: x[:, -1]), Lambda(double), layers.Dense(1)])
    y = model.predict(X, verbose=0)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(X, verbose=0), y)
    clone = lstmcore.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(X, verbose=0), y)
    named = Sequential([Input((6, 3)), Lambda(double), layers.Dense(1)])
    named.save(tmp_path / "m.safetensors")
    again = lstmcore.load_model(tmp_path / "m.safetensors", {"double": double})
    np.testing.assert_array_equal(again.predict(X, verbose=0), named.predict(X, verbose=0))
    with pytest.raises(ValueError, match="unknown layer 'double'"):
        lstmcore.load_model(tmp_path / "m.safetensors")
