"""Traces: every gate, cell state and output of every step, of layers and of whole models."""

import threading

import numpy as np
import pytest
from core_cases import Case, close, tolerance
from helpers import numbers
from recurrent_checks import MASK
from traced import recompute

from lstmcore import Input, Sequential, inspection, reference
from lstmcore.inspection import Trace, saturation
from lstmcore.layers import GRU, LSTM, RNN, Bidirectional, Dense, LSTMCell, Masking, SimpleRNN
from lstmcore.utils import generator, set_random_seed

X = numbers(5, 5, 3)
KINDS = {
    **{name: lambda name=name, **kw: LSTM(9, variant=name, **kw) for name in reference.VARIANTS},
    "clipped": lambda **kw: LSTM(9, cell_clip=0.1, activation="softsign", **kw),
    "gru": lambda **kw: GRU(9, **kw),
    "gru-before": lambda **kw: GRU(9, reset_after=False, **kw),
    "rnn": lambda **kw: SimpleRNN(9, **kw),
}
kinds = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
backwards = pytest.mark.parametrize("backwards", [False, True], ids=["forward", "backward"])
masks = pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def built(layer):
    """With biases and peepholes that are not 0."""
    layer(X.astype(layer.dtype))
    for i, p in enumerate(layer.weights):
        p.assign(p.numpy() + 0.1 * np.cos(np.arange(p.value.size) + i).reshape(p.shape))
    return layer


def equal(one, other):
    """Two traces are the same to the last bit."""
    assert list(one.gates) == list(other.gates)
    for name, gate in one.gates.items():
        np.testing.assert_array_equal(gate, other.gates[name], name)
    for name in ("cell", "output", "mask"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        np.testing.assert_array_equal(a, b, name)


# -- a layer -----------------------------------------------------------------------------------


def truth(layer, x, mask):
    """The gates by name, cells and outputs, in the order of x."""
    core = layer.core_cell
    names = ("kind", "variant", "peephole", "activation", "recurrent_activation", "reset_after")
    cell = reference.Cell(**{n: getattr(core, n) for n in names}, clip=core.clip)
    weights = [None if p is None else p.numpy().astype(np.float64) for p in layer.core_weights]
    weights = [*weights, None, None][:5]
    turn = slice(None, None, -1 if layer.go_backwards else 1)
    mask = None if mask is None else mask[:, turn]
    zero = layer.zero_output_for_mask
    gates, c, y = recompute(cell, weights, x[:, turn], mask=mask, zero_masked=zero)
    named = dict(zip(core.gates, gates[:, :, turn], strict=True))
    if core.variant == "CIFG":
        named["f"] = 1 - named["i"]
    return {} if core.kind == "rnn" else named, None if c is None else c[:, turn], y[:, turn], cell


@masks
@backwards
@kinds
def test_a_trace_is_the_truth(dtype, make, mask, backwards):
    layer = built(make(dtype=dtype, go_backwards=backwards, zero_output_for_mask=backwards))
    x = X.astype(dtype)
    trace = layer.trace(x, mask=mask)
    gates, c, y, cell = truth(layer, X.astype(dtype).astype(np.float64), mask)
    tol = tolerance(Case(cell, (5, 5, 3, 9)), dtype)
    assert set(trace.gates) == set(gates)
    for name, gate in trace.gates.items():
        assert gate.dtype == dtype
        assert gate.flags.c_contiguous
        assert np.array_equal(
            np.isnan(gate[:, :, 0]), np.zeros_like(MASK) if mask is None else ~MASK
        )
        close(np.nan_to_num(gate), np.nan_to_num(gates[name]), tol, name)
    assert (trace.cell is None) == (c is None)
    if c is not None:
        close(trace.cell, c, tol, "cell")
    close(trace.output, y, tol, "output")


@masks
@backwards
@kinds
def test_outputs_are_those_of_inference(isa, dtype, make, mask, backwards):
    """To the last bit; and dropout has no part in it, nor any random stream."""
    rates = {"dropout": 0.5, "recurrent_dropout": 0.5, "zoneout_h": 0.5, "input_noise": 1.0}
    layer = make(dtype=dtype, go_backwards=backwards, return_sequences=True, **rates)
    x = X.astype(dtype)
    y = layer(x, mask=mask)
    before = str(generator().bit_generator.state)
    output = layer.trace(x, mask=mask).output
    assert str(generator().bit_generator.state) == before
    np.testing.assert_array_equal(output[:, ::-1] if backwards else output, y)


def test_names_of_gates():
    assert list(LSTM(2).trace(X).gates) == ["i", "f", "c", "o"]
    assert list(LSTM(2, variant="NIG").trace(X).gates) == ["f", "c", "o"]
    assert list(LSTM(2, variant="CIFG").trace(X).gates) == ["i", "f", "c", "o"]
    assert list(GRU(2).trace(X).gates) == ["z", "r", "h"]
    assert list(SimpleRNN(2).trace(X).gates) == []


def test_a_layer_takes_what_a_call_takes():
    layer, x = LSTM(4), [X[0], X[1, :2]]
    trace = layer.trace(x)
    np.testing.assert_array_equal(trace.mask, np.arange(5) < [[5], [2]])
    np.testing.assert_array_equal(trace.output[:, -1], layer(x))
    states = [numbers(5, 4), numbers(4, 5).T]
    trace = layer.trace(X, initial_state=states)
    np.testing.assert_array_equal(trace.output[:, -1], layer(X, initial_state=states))
    with pytest.raises(ValueError, match=r"x: expected an array of shape \(batch, time, 3\)"):
        layer.trace(X[:, :, :2])
    with pytest.raises(ValueError, match="mask: expected shape"):
        layer.trace(X, mask=MASK[:, :2])


def test_a_stateful_layer_stays_where_it_is():
    layer = LSTM(4, stateful=True, return_sequences=True)
    layer(X)
    before = layer.states
    trace = layer.trace(X)
    assert layer.states is before
    np.testing.assert_array_equal(layer(X), trace.output)


# -- a model -----------------------------------------------------------------------------------


def deep(**kwargs):
    """A layer of each kind, both directions, and a model in a model in a model."""
    innermost = Sequential([GRU(3, return_sequences=True, name="gru"), Dense(4)], name="innermost")
    inner = Sequential([LSTM(4, variant="FGR", return_sequences=True, name="fgr"), innermost])
    inner.name = "inner"
    return Sequential(
        [
            Input((None, 3)),
            Masking(),
            Bidirectional(LSTM(5, return_sequences=True, name="a"), name="both"),
            inner,
            SimpleRNN(3, go_backwards=True, return_sequences=True, name="rnn"),
            LSTM(4, name="last"),
            Dense(1),
        ],
        **kwargs,
    )


PATHS = ["both/forward_a", "both/backward_a", "inner/fgr", "inner/innermost/gru", "rnn", "last"]


@pytest.mark.parametrize("x", [X, [X[0], X[1, :2], X[2, :3]]], ids=["array", "ragged"])
def test_a_model_is_the_sum_of_its_layers(dtype, x):
    model = deep(dtype=dtype)
    traces = model.trace(x)
    assert list(traces) == PATHS
    both, inner, rnn, last = model.layers[1], *model.layers[2:5]
    _, mask = (x, None) if x is X else (None, np.arange(5) < [[5], [2], [3]])
    sent = (X if x is X else np.where(mask[..., None], X[:3], 0)).astype(dtype)
    for path, layer in zip(PATHS[:2], both.sublayers(), strict=True):
        equal(traces[path], layer.trace(sent, mask))
    y = np.concatenate([traces[path].output for path in PATHS[:2]], axis=-1)
    np.testing.assert_array_equal(y, both(sent, mask=mask))
    equal(traces["inner/fgr"], inner.layers[0].trace(y, mask))
    equal(
        traces["inner/innermost/gru"],
        inner.layers[1].layers[0].trace(traces["inner/fgr"].output, mask),
    )
    y = inner(y, mask=mask)
    equal(traces["rnn"], rnn.trace(y, mask))
    turned = None if mask is None else mask[:, ::-1]
    equal(traces["last"], last.trace(traces["rnn"].output[:, ::-1], turned))
    np.testing.assert_array_equal(model.layers[5](traces["last"].output[:, -1]), model.predict(x))


def test_a_mask_may_be_given():
    model = Sequential([Input((5, 3)), LSTM(4, return_sequences=True, name="lstm")])
    trace = model.trace(X, MASK)["lstm"]
    np.testing.assert_array_equal(trace.mask, MASK)
    np.testing.assert_array_equal(trace.output, model(X, mask=MASK))
    np.testing.assert_array_equal(np.isnan(trace.gates["f"]).all(-1), ~MASK)


def test_stateful_models_stay_where_they_are():
    layers = [LSTM(4, stateful=True, return_sequences=True), RNN(LSTMCell(3), stateful=True)]
    model = Sequential([Input((5, 3)), Sequential(layers), Dense(1)])
    model.predict(X)
    inside = [[s.copy() for s in layer.states] for layer in layers]
    model.trace(X)
    for layer, states in zip(layers, inside, strict=True):
        for now, before in zip(layer.states, states, strict=True):
            np.testing.assert_array_equal(now, before)
    before = layers[0].states
    with pytest.raises(ValueError, match="5 rows"):  # after the first layer
        model.trace(X[:2])
    assert layers[0].states is before


def test_a_layer_used_twice():
    shared = LSTM(3, return_sequences=True, name="shared")
    model = Sequential(
        [Input((5, 3)), Sequential([shared], name="one"), Sequential([shared], name="two")]
    )
    traces = model.trace(X)
    assert list(traces) == ["one/shared", "one/shared#2"]
    np.testing.assert_array_equal(traces["one/shared#2"].output, model.predict(X))


def test_only_the_own_calls_are_watched():
    """Others may predict with the same model meanwhile; and afterwards nothing is watched."""
    model = Sequential([Input((5, 3)), LSTM(3, name="lstm")])
    with inspection.watching(model) as traces:
        other = threading.Thread(target=model.predict, args=(X,))
        other.start()
        other.join()
        assert not traces
        model(X, training=True)
        assert not traces
        model(X)
        assert list(traces) == ["lstm"]
    model(X)
    assert list(traces) == ["lstm"]


def test_kernels_of_a_model():
    model = deep()
    assert model.kernel_info() == dict.fromkeys(PATHS)
    model.predict(X)
    infos = model.kernel_info()
    assert list(infos) == PATHS
    assert [info["cell"] for info in infos.values()] == [
        "lstm",
        "lstm",
        "lstm_any",
        "gru",
        "rnn",
        "lstm",
    ]


# -- saturation --------------------------------------------------------------------------------


def test_saturation_by_hand():
    # one row of 4 steps, 2 units; 0.1 and 0.9 themselves are not saturated
    gate = np.array([[[0.05, 0.1], [0.95, 0.91], [0.5, 0.92], [0.0, 0.93]]])
    found = saturation(Trace({"f": gate, "c": gate}, None, gate))
    assert list(found) == ["f"]
    np.testing.assert_array_equal(found["f"].left, [0.5, 0])
    np.testing.assert_array_equal(found["f"].right, [0.25, 0.75])
    mask = np.array([[True, True, False, False]])
    masked = Trace({"f": np.where(mask[..., None], gate, np.nan)}, None, gate, mask)
    np.testing.assert_array_equal(saturation(masked)["f"].left, [0.5, 0])
    np.testing.assert_array_equal(saturation(masked)["f"].right, [0.5, 0.5])
    np.testing.assert_array_equal(saturation(masked, low=0.2)["f"].left, [0.5, 0.5])
    np.testing.assert_array_equal(saturation(masked, high=0.95)["f"].right, [0, 0])
    nothing = saturation(Trace({"f": gate}, None, gate, np.zeros_like(mask)))
    assert np.isnan(nothing["f"]).all()


def test_saturation_of_layers():
    assert list(saturation(LSTM(3, variant="CIFG").trace(X))) == ["i", "f", "o"]
    assert list(saturation(GRU(3).trace(X))) == ["z", "r"]
    assert saturation(SimpleRNN(3).trace(X)) == {}
    layer = LSTM(3)
    layer(X)
    layer.bias.assign(np.repeat([-50.0, 50.0, 0.0, 50.0], 3))  # i closed, f and o open
    found = saturation(layer.trace(X, MASK))
    for name, left, right in (("i", 1, 0), ("f", 0, 1), ("o", 0, 1)):
        assert (found[name].left == left).all()
        assert (found[name].right == right).all()
