"""Values, types, uids and random numbers of the backend."""

import numpy as np
import pytest

from lstmcore import Input, Sequential, config, layers
from lstmcore import backend as K


def model():
    made = Sequential([Input((3,)), layers.Dense(2)])
    made.compile("adam", "mse")
    return made


def test_values_are_read_and_set():
    made = model()
    kernel = made.layers[0].kernel
    K.set_value(kernel, np.ones((3, 2)))
    assert np.array_equal(K.get_value(kernel), np.ones((3, 2)))
    assert np.array_equal(K.get_value(K.update_add(kernel, 2)), np.full((3, 2), 3.0))
    assert np.array_equal(K.eval(K.update_sub(kernel, 1)), np.full((3, 2), 2.0))
    K.moving_average_update(kernel, np.zeros((3, 2)), 0.75)
    assert np.array_equal(K.get_value(kernel), np.full((3, 2), 1.5))
    K.batch_set_value([(w, np.zeros(w.shape)) for w in made.weights])
    assert not any(value.any() for value in K.batch_get_value(made.weights))
    with pytest.raises(TypeError, match=r"set_value: x: expected a weight.* got a ndarray"):
        K.set_value(np.ones(2), 1)


def test_the_learning_rate():
    made = model()
    K.set_value(made.optimizer.learning_rate, 0.25)
    assert K.get_value(made.optimizer.learning_rate) == 0.25
    assert float(made.optimizer.learning_rate) == 0.25


def test_shapes_and_types():
    inputs = Input((3, 4))
    assert K.int_shape(inputs) == K.shape(inputs) == (None, 3, 4)
    assert K.ndim(inputs) == 3
    x = np.ones((2, 3))
    assert (K.int_shape(x), K.ndim(x), K.count_params(x)) == ((2, 3), 2, 6)
    kernel = model().layers[0].kernel
    assert (K.int_shape(kernel), K.count_params(kernel)) == ((3, 2), 6)
    assert (K.dtype(kernel), K.dtype(x)) == ("float32", "float64")
    assert K.is_keras_tensor(inputs)
    assert not K.is_keras_tensor(x)
    assert K.is_float_dtype("float64")
    assert not K.is_float_dtype("int32")
    assert K.is_int_dtype(np.uint8)
    assert not K.is_sparse(x)
    assert K.to_dense(x) is x


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((), "float32"),
        (("int32", "float32"), "float32"),
        (("float32", "float64"), "float64"),
        (("int32", "int64"), "int64"),
        ((np.ones(2), "int8"), "float64"),
        (("bool", "int32"), "int32"),
    ],
)
def test_result_type(given, wanted):
    assert K.result_type(*given) == wanted


def test_settings_are_those_of_config(monkeypatch):
    monkeypatch.setattr(config.Settings, "floatx", "float32")
    K.set_floatx("float64")
    assert K.floatx() == config.floatx() == "float64"
    assert (K.epsilon(), K.image_data_format(), K.backend()) == (1e-7, "channels_last", "numpy")


def test_uids_and_sessions():
    K.reset_uids()
    assert [K.get_uid("a"), K.get_uid("a"), K.get_uid("b")] == [1, 2, 1]
    K.clear_session()
    assert layers.Dense(1).name == "dense"


def test_random_numbers():
    assert np.array_equal(K.random_normal((3,), seed=1), K.random_normal((3,), seed=1))
    drawn = K.random_uniform((1000,), -1, 1, seed=2)
    assert -1 <= drawn.min() < -0.9 < 0.9 < drawn.max() < 1
    assert np.abs(K.truncated_normal((1000,), 1.0, 0.5, seed=3) - 1).max() <= 1
    assert abs(K.random_bernoulli((10000,), 0.3, seed=4).mean() - 0.3) < 0.02
    assert set(np.unique(K.random_binomial((100,), 0.5, seed=4))) == {0, 1}
    assert set(np.unique(K.dropout(np.ones(100), 0.5, seed=5))) == {0, 2}


def test_constants_and_printing(capsys):
    assert K.constant([1, 2]).dtype == np.float32
    assert np.array_equal(K.constant(3.0, shape=(2, 2)), np.full((2, 2), 3.0))
    x = np.ones(2)
    assert K.print_tensor(x, "x is") is x
    assert capsys.readouterr().out == "x is [1. 1.]\n"


def test_functions_of_a_graph():
    made = Sequential([Input((3,)), layers.Dense(4), layers.Dropout(0.5), layers.Dense(2)])
    x = np.arange(6.0).reshape(2, 3)
    first = K.function([made.layers[0].input], [made.layers[0].output, made.output])
    hidden, out = first([x])
    np.testing.assert_allclose(hidden, made.layers[0](x))
    np.testing.assert_allclose(out, made.predict(x, verbose=0))
    (alone,) = K.function([made.layers[0].input], [made.layers[0].output])([x])
    np.testing.assert_array_equal(alone, hidden)
    np.testing.assert_array_equal(K.function(made.input, made.output)(x), out)
    dropped = K.function([made.input, K.learning_phase()], [made.layers[1].output])
    np.testing.assert_allclose(dropped([x, 0])[0], hidden)
    assert (np.concatenate([dropped([x, 1])[0] for _ in range(9)]) == 0).any()
    with pytest.raises(ValueError, match="function: expected a list of 2, got 1"):
        dropped([x])
    with pytest.raises(ValueError, match="function: updates: expected None"):
        K.function([made.input], [made.output], updates=[1])
