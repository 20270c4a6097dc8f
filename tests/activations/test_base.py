"""Activations with options: calls, configs, names, errors."""

import functools
import json

import numpy as np
import pytest
from formulas import wave32
from helpers import numbers
from keras_numbers import case_name, keras_numbers

from lstmcore import activations
from lstmcore.layers import Dense

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
    layer = Dense(3, activation=made)
    again = Dense.from_config(json.loads(json.dumps(layer.get_config()))).activation
    x = wave32((3, 4, 5), 1.7) * 5
    np.testing.assert_array_equal(again(x), made(x))
    assert again.options == case["options"]
    assert activations.deserialize(activations.serialize(made)).options == case["options"]
    assert not activations.in_the_core(made)


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
        (lambda: activations.get(np.tanh), TypeError, "a function needs its gradient"),
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
