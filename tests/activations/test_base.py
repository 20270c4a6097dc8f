"""Activations with options: calls, configs, names, errors."""

import functools
import json

import numpy as np
import pytest
from formulas import wave32
from gradients import check_backward
from helpers import numbers
from keras_numbers import case_name, keras_numbers

from lstmcore import Input, Sequential, activations
from lstmcore.layers import LSTM, Activation, Conv1D, Dense, LSTMCell

KERAS = keras_numbers("activations")
CASES = KERAS["cases"]


def test_options_in_a_call_as_in_keras():
    x = np.array([-2.0, 0.5, 8.0])
    np.testing.assert_allclose(activations.relu(x, 0.1, 6), [-0.2, 0.5, 6])
    np.testing.assert_allclose(activations.relu(x, max_value=1), [0, 0.5, 1])
    np.testing.assert_allclose(activations.leaky_relu(x, 0.5), [-1, 0.5, 8])


@pytest.mark.parametrize("case", [c for c in CASES if c["options"]], ids=case_name)
def test_options_survive_a_config(case):
    made = activations.get(case["name"]).using(**case["options"])
    layer = Activation(made)
    again = Activation.from_config(json.loads(json.dumps(layer.get_config()))).activation
    x = wave32((3, 4, 5), 1.7) * 5
    np.testing.assert_array_equal(again(x), made(x))
    assert again.options == case["options"]
    assert activations.deserialize(activations.serialize(made)).options == case["options"]
    assert not activations.in_the_core(made)


def test_options_are_any_real_numbers():
    x = np.array([-2.0, 3.0])
    for alpha in (2, np.float32(2), np.array(2.0), np.int64(2)):
        np.testing.assert_array_equal(activations.elu(x, alpha), activations.elu(x, 2.0))
        assert json.dumps(activations.serialize(activations.elu.using(alpha=alpha)))


def test_options_on_options_and_partials():
    f = activations.relu.using(max_value=6).using(negative_slope=0.1)
    assert f.options == {"max_value": 6, "negative_slope": 0.1}
    g = activations.get(functools.partial(activations.relu, max_value=6, negative_slope=0.1))
    x = numbers(50) * 9
    np.testing.assert_array_equal(f(x), g(x))
    np.testing.assert_array_equal(f.gradient(x, x, f(x)), g.gradient(x, x, g(x)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: activations.get("relo"), ValueError, "unknown activation 'relo': did you mean"),
        (lambda: activations.relu.using(negativ_slope=1), TypeError, "'negativ_slope': did you"),
        (lambda: activations.relu([1.0], max_valu=1), TypeError, "did you mean 'max_value'"),
        (lambda: activations.tanh([1.0], 2), TypeError, "tanh takes at most 0 options"),
        (lambda: activations.HardSigmoid("0.2"), ValueError, "slope: expected a finite number"),
        (lambda: activations.HardSigmoid(0.2, np.nan), ValueError, "offset: expected a finite"),
        (lambda: activations.HardSigmoid(10**400), ValueError, "slope: expected a finite"),
        (
            lambda: activations.elu.using(alpha=np.array("a")),
            ValueError,
            "alpha: expected a finite",
        ),
        (lambda: activations.elu.using(alpha=np.array(1j)), ValueError, "alpha: expected a finite"),
        (lambda: activations.elu.using(alpha=None), ValueError, "elu: alpha: expected a finite"),
        (lambda: activations.get(3), TypeError, "expected an activation"),
        (lambda: activations.get({"function": "relu", "options": {"a": 1}}), TypeError, "'a'"),
    ],
)
def test_activation_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_names_of_activations():
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.swish is activations.silu
    assert activations.get("hard_swish") is activations.hard_silu
    assert activations.serialize(activations.relu) == "relu"
    assert activations.deserialize("relu") is activations.relu
    square = activations.Activation("square", lambda x: x * x, lambda dy, x, y: 2 * x * dy)
    assert activations.deserialize("square", {"square": square}) is square


def test_glu_is_a_layer_of_half_the_width():
    x = wave32((2, 4, 6), 1.7)
    for axis, shape in ((-1, (None, 4, 3)), (1, (None, 2, 6))):
        f = activations.glu.using(axis=axis)
        model = Sequential([Input((4, 6)), Activation(f)])
        assert model.output_shape == shape
        np.testing.assert_array_equal(model.predict(x), f(x))
        check_backward(Activation(f), numbers(2, 4, 6))
    last = Sequential([Input((4, 6)), Dense(8), Activation("glu"), Dense(1)])
    assert last.layers[-1].kernel.shape == (4, 1)
    with pytest.raises(ValueError, match=r"x: expected an even size along axis 2.*\(None, 4, 5\)"):
        Sequential([Input((4, 5)), Activation("glu")])
    with pytest.raises(ValueError, match="axis: expected not that of time"):
        Activation(activations.glu.using(axis=1))(x, mask=np.ones((2, 4), bool))


@pytest.mark.parametrize(
    "layer",
    [lambda f: Dense(4, f), lambda f: Conv1D(4, 2, activation=f), lambda f: LSTMCell(4, f)],
)
def test_what_no_layer_can_have_is_refused(layer):
    with pytest.raises(ValueError, match=r"layer '.*activation: expected one that keeps the shape"):
        layer("glu")
    with pytest.raises(ValueError, match=r"threshold\.using\(threshold=\.\.\., default_value="):
        layer("threshold")
    layer(activations.threshold.using(threshold=1, default_value=0))


def test_a_function_with_the_name_of_another_goes_into_no_file():
    other = activations.Activation("tanh", np.sin, lambda dy, x, y: dy * np.cos(x))
    for layer in (Dense(3, other), LSTM(3, other)):
        layer(np.ones((2, 3, 4)))
        with pytest.raises(ValueError, match="tanh has the name of a built-in activation"):
            layer.get_config()
    assert Dense(3, activations.relu.using(max_value=2.0)).get_config()
