"""Bidirectional: one node where both directions are alike, with and without masks."""

import numpy as np
import pytest
from onnx_exports import SEQUENCES as X
from onnx_exports import exported, nodes, of_one, refused_by_name, same

from lstmcore import Input, Model, Sequential, layers
from lstmcore.structure import flatten

MODES = ["concat", "sum", "mul", "ave", None]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("turned", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_merge_modes(mode, sequences, turned):
    inner = layers.LSTM(3, return_sequences=sequences, go_backwards=turned)
    model = of_one(layers.Bidirectional(inner, mode))
    assert [n.op_type for n in nodes(model)] == ["LSTM"]
    same(exported(model).run([X]), flatten([model.predict(X, verbose=0)]))


@pytest.mark.parametrize("mode", ["concat", "sum"])
def test_masks(mode):
    x = np.array(X)
    x[0, 2:4] = x[1, :2] = x[2] = 0
    inner = layers.GRU(3, return_sequences=True)
    again = layers.Bidirectional(layers.GRU(2, return_state=True), mode)
    model = Sequential(
        [Input((None, 4)), layers.Masking(), layers.Bidirectional(inner, mode), again]
    )
    same(exported(model).run([x]), flatten([model.predict(x, verbose=0)]))


@pytest.mark.parametrize("mode", ["concat", "ave"])
@pytest.mark.parametrize("padding", ["any", "trailing"])
@pytest.mark.parametrize("turned", [False, True])
def test_masked_steps_that_are_carried_on(mode, padding, turned):
    x = np.array(X)
    x[0, 4:] = x[1, 1:] = x[2] = 0
    if padding == "any":
        x[0, 0] = x[1, 2] = 0
    inner = layers.LSTM(3, return_sequences=True, go_backwards=turned)
    both = layers.Bidirectional(inner, mode, zero_output_for_mask=False)
    model = Sequential([Input((None, 4)), layers.Masking(), both])
    same(exported(model, padding=padding).run([x]), [model.predict(x, verbose=0)])


@pytest.mark.parametrize(
    "other",
    [
        layers.LSTM(2, return_sequences=True, go_backwards=True),
        layers.GRU(3, return_sequences=True, go_backwards=True),
        layers.LSTM(3, variant="peephole", return_sequences=True, go_backwards=True),
    ],
    ids=["units", "kind", "peepholes"],
)
def test_directions_that_are_not_alike(other):
    forward = layers.LSTM(3, return_sequences=True, name="f")
    model = of_one(layers.Bidirectional(forward, backward_layer=other))
    assert len(nodes(model)) == 2
    same(exported(model).run([X]), [model.predict(X, verbose=0)])


def test_directions_may_differ_in_activations():
    other = layers.LSTM(3, "elu", "hard_sigmoid", go_backwards=True, name="other")
    model = of_one(layers.Bidirectional(layers.LSTM(3), backward_layer=other))
    assert len(nodes(model)) == 1
    same(exported(model).run([X]), [model.predict(X, verbose=0)])


def test_stacks_and_states():
    stack = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], True, return_state=True)
    model = of_one(layers.Bidirectional(stack))
    same(exported(model).run([X]), flatten([model.predict(X, verbose=0)]))
    x, *states = Input((None, 4)), *(Input((3,)) for _ in range(4))
    layer = layers.Bidirectional(layers.LSTM(3, return_state=True))
    model = Model([x, *states], list(layer(x, initial_state=states)))
    given = [X, *(X[:, k, :3] for k in range(4))]
    same(exported(model).run(given), flatten([model.predict(given, verbose=0)]))


def test_other_layers_are_refused():
    inner = layers.ConvLSTM1D(2, 1)
    layer = layers.Bidirectional(inner, name="b")
    model = Sequential([Input((None, 4, 2)), layer])
    refused_by_name(model, layer, "layer")
