"""Attributes of recurrent nodes."""

import numpy as np
import pytest
from onnx import helper

from lstmcore.interchange.onnx.recurrent_node import RecurrentNode, described


def node(kind="LSTM", **attributes):
    return RecurrentNode.of(helper.make_node(kind, ["X", "W", "R"], ["Y"], "cell", **attributes))


def test_defaults():
    made = node()
    assert made.reverse == (False,)
    assert [f.name for f in made.functions[0]] == ["sigmoid", "tanh", "tanh"]
    assert (made.units, made.clip, made.coupled, made.batch_first) == (None, None, False, False)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"direction": "sideways"}, "direction: expected .*, got 'sideways'"),
        ({"clip": 0.0}, "clip: expected a number > 0"),
        ({"clip": -1.0}, "clip: expected a number > 0"),
        ({"clip": float("nan")}, "clip: expected a number > 0"),
        ({"layout": 2}, "layout: expected 0 or 1"),
        ({"hidden_size": 0}, "hidden_size: expected a number >= 1"),
        ({"activations": ["Tanh"]}, "activations: expected 3 for 1 direction"),
        ({"direction": "bidirectional", "activations": ["Tanh"] * 3}, "activations: expected 6"),
        ({"activations": ["Tanh", "Gelu", "Tanh"]}, "activations: expected .* got 'Gelu'"),
        ({"linear_before_reset": 1}, "unknown attributes: ..linear_before_reset"),
        ({"zoneout": 1.0}, "unknown attributes: ..zoneout"),
    ],
)
def test_what_is_refused(attributes, message):
    with pytest.raises(ValueError, match=f"node 'cell' .LSTM.: {message}"):
        node(**attributes)


def test_a_node_without_name_is_called_by_its_output():
    assert described(helper.make_node("GRU", [], ["", "h"])) == "node 'of h' (GRU)"


def test_gates_in_the_order_of_keras():
    """On numbers that say which gate they are of, as no two orders give the same."""
    w = np.repeat(np.arange(4.0), 2)[None, :, None] * np.ones((1, 1, 3))
    r = 10 + np.repeat(np.arange(4.0), 2)[None, :, None] * np.ones((1, 1, 2))
    b = np.concatenate([np.repeat(np.arange(4.0), 2), np.repeat(np.arange(4.0) * 100, 2)])[None]
    p = np.repeat(np.arange(3.0), 2)[None]
    kernel, recurrent, bias, peepholes = node().keras_weights(0, w, r, b, p)
    assert kernel.shape == (3, 8)
    assert kernel[0].tolist() == [0, 0, 2, 2, 3, 3, 1, 1]  # i f c o of i o f c
    assert recurrent[0].tolist() == [10, 10, 12, 12, 13, 13, 11, 11]
    assert bias.tolist() == [0, 0, 202, 202, 303, 303, 101, 101]
    assert peepholes.tolist() == [[0, 0], [2, 2], [1, 1]]  # i f o of i o f
    kernel, _, bias, peepholes = node(input_forget=1).keras_weights(0, w, r, b, p)
    assert kernel[0].tolist() == [0, 0, 3, 3, 1, 1]
    assert peepholes.tolist() == [[0, 0], [1, 1]]


def test_biases_of_a_gru():
    w, r, b = np.zeros((1, 6, 3)), np.zeros((1, 6, 2)), np.arange(12.0)[None]
    *_, bias, _ = node("GRU").keras_weights(0, w, r, b, None)
    assert bias.tolist() == [6, 8, 10, 12, 14, 16]
    *_, bias, _ = node("GRU", linear_before_reset=1).keras_weights(0, w, r, b, None)
    assert bias.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    *_, bias, _ = node("GRU").keras_weights(0, w, r, None, None)
    assert bias is None


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"X": (2, 3)}, "X: expected 3 axes"),
        ({"W": None}, "W: expected 3 axes, got nothing"),
        ({"W": (1, 8, 4)}, r"W: expected shape \(1, 8, 3\)"),
        ({"R": (1, 12, 2)}, r"R: expected shape \(1, 8, 2\)"),
        ({"B": (1, 8)}, r"B: expected shape \(1, 16\)"),
        ({"P": (2, 6)}, r"P: expected shape \(1, 6\)"),
        ({"initial_h": (5, 1, 2)}, r"initial_h: expected shape \(1, 5, 2\)"),
    ],
)
def test_shapes(shapes, message):
    fit = {"X": (4, 5, 3), "W": (1, 8, 3), "R": (1, 8, 2), "initial_h": (1, None, 2)}
    node().check(fit)
    with pytest.raises(ValueError, match=message):
        node().check({**fit, **shapes})
    with pytest.raises(ValueError, match=r"R: expected shape \(1, 12, 3\)|W: expected shape"):
        node(hidden_size=3).check(fit)
