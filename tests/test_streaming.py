"""Streams: equal to `predict` to the last bit, whatever the pieces, threads and other streams."""

import contextlib
import copy
import gc
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import memory_counts, numbers

from lstmcore import Input, Sequential, _core
from lstmcore.activations import Activation, HardSigmoid
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    GRUCell,
    Layer,
    Masking,
    SimpleRNN,
)
from lstmcore.streaming import step_together

STATM = Path("/proc/self/statm")
STEPS = 200
CUTS = [[200], [1] * 200, [63, 64, 65, 8], [130, 70], [1, 64, 2, 133], [3, 66, 131]]
SEQUENCES = {"return_sequences": True}
VARIANTS = [LSTM(9, variant=v, cell_clip=0.4, **SEQUENCES) for v in _core.variants]
CELLS = [
    *VARIANTS,
    LSTM(9, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False, **SEQUENCES),
    GRU(9, **SEQUENCES),
    GRU(9, reset_after=False, activation="softsign", **SEQUENCES),
    SimpleRNN(9, activation="elu", **SEQUENCES),
    LSTM(9, activation=HardSigmoid(0.3, 0.1), recurrent_activation=HardSigmoid(0.2), **SEQUENCES),
    LSTM(9, activation="relu", output_activation="softsign", cell_clip=2.0, **SEQUENCES),
    LSTM(9, stateful=True, zero_output_for_mask=True, dropout=0.5, zoneout_h=0.2, **SEQUENCES),
]
CHAINS = [
    [Dense(7, "tanh"), LSTM(37, **SEQUENCES), Dropout(0.5), GRU(5, **SEQUENCES), Dense(4)],
    [LSTM(33, "tanh", variant="FGR", **SEQUENCES), SimpleRNN(20), Dense(6, "relu"), Dense(2)],
    [Sequential([GRU(6, **SEQUENCES), Sequential([LSTM(5, **SEQUENCES)])]), LSTM(4), Dropout(0.1)],
    [LSTM(4, **SEQUENCES), LSTM(3), Sequential([Dense(3), Dense(5, "softmax")])],
    [*(Dense(4, name) for name in (*_core.activations, "softmax")), GRU(3, **SEQUENCES)],
    [Dense(40, use_bias=False), Dense(1)],
    [Dense(9, HardSigmoid(0.2)), GRU(4, recurrent_activation=HardSigmoid(0.2), **SEQUENCES)],
]


def fresh(layer):
    """A copy that is not built."""
    return type(layer).from_config(layer.get_config())


def made(*layers, features=3, dtype=None):
    model = Sequential([Input((None, features)), *map(fresh, layers)], dtype=dtype)
    # small steps of weights of every kind, so that biases and peepholes are not 0
    for k, p in enumerate(model.weights):
        p.assign(np.sin(np.arange(np.prod(p.shape)) * (0.7 + k)).reshape(p.shape) * 0.5)
    return model


def cut(x, sizes):
    return np.split(x, np.cumsum(sizes)[:-1], axis=1)


def fed(stream, x, sizes):
    """All outputs for a sequence in pieces, or the last one."""
    pieces = []
    for k, piece in enumerate(cut(x, sizes)):
        single = piece.shape[1] == 1 and k % 2
        y = stream.step(piece[:, 0]) if single else stream.feed(piece)
        pieces.append(y[:, None] if single and gives_steps(stream) else y)
    return np.concatenate(pieces, axis=1) if gives_steps(stream) else pieces[-1]


def gives_steps(stream):
    return stream._program.program.sequences


def offline(model, x):
    model.reset_states()
    return model.predict(x, batch_size=len(x), verbose=0)


@pytest.fixture
def model():
    return made(LSTM(5, name="lstm", **SEQUENCES), Dense(2, "tanh"))


X = numbers(3, STEPS, 3).astype(np.float32)

# -- equal to predict ----------------------------------------------------------------------


@pytest.mark.usefixtures("fenced")
@pytest.mark.parametrize("layer", CELLS, ids=lambda layer: f"{layer.name}-{layer.units}")
@pytest.mark.parametrize("last", [False, True])
def test_every_cell_is_predict(isa, dtype, layer, last):
    layer = fresh(layer)
    layer.return_sequences = not last
    model, x = made(layer, dtype=dtype), X.astype(dtype)
    want = offline(model, x)
    for rows in (1, 3):
        np.testing.assert_array_equal(fed(model.stream(rows), x[:rows], [1, 63, 136]), want[:rows])


@pytest.mark.usefixtures("fenced")
@pytest.mark.parametrize("chain", CHAINS, ids=range(len(CHAINS)))
def test_every_chain_is_predict(isa, dtype, chain):
    model, x = made(*chain, dtype=dtype), X.astype(dtype)
    want = offline(model, x)
    for sizes in CUTS:
        np.testing.assert_array_equal(fed(model.stream(3), x, sizes), want)
    np.testing.assert_array_equal(fed(model.stream(), x[1:2], CUTS[2]), want[1:2])


@pytest.mark.usefixtures("fenced")
def test_outputs_of_each_step(model):
    """Also before the last where the model has no output for every step."""
    last = made(GRU(5), Dense(2, "softmax"))
    a, b = model.stream(3), last.stream(3)
    want = offline(model, X)
    for t in range(70):
        np.testing.assert_array_equal(a.step(X[:, t]), want[:, t])
        np.testing.assert_array_equal(b.step(X[:, t]), offline(last, X[:, : t + 1]))
    for n in (1, 64, 65):
        b.reset()
        np.testing.assert_array_equal(b.feed(X[:, :n]), offline(last, X[:, :n]))


def test_wide_rows_go_a_few_steps_at_once():
    """2**20 numbers between two layers are the most."""
    model = made(Dense(1 << 13, use_bias=False), Dense(2), features=1)
    stream, x = model.stream(20), numbers(20, 30, 1).astype(np.float32)
    before = _core.pooled_bytes()
    np.testing.assert_array_equal(stream.feed(x), offline(model, x))
    assert _core.pooled_bytes() - before < 80 << 20


def test_large_enough_for_threads(dtype):
    model = made(LSTM(130, **SEQUENCES), GRU(70, **SEQUENCES), features=40, dtype=dtype)
    x = numbers(9, 70, 40).astype(dtype)
    want = offline(model, x)
    before = _core.get_num_threads()
    try:
        for threads in (1, 2):
            _core.set_num_threads(threads)
            np.testing.assert_array_equal(fed(model.stream(9), x, [1, 69]), want)
            np.testing.assert_array_equal(fed(model.stream(), x[:1], [1, 69]), want[:1])
    finally:
        _core.set_num_threads(before)


def test_embedding_comes_first(isa, dtype):
    ids = np.arange(3 * STEPS).reshape(3, STEPS) * 5 % 11
    inner = Sequential([Embedding(11, 4)])
    for first in (Embedding(11, 4), inner):
        layers = [Input((None,), dtype="int32"), fresh(first), LSTM(5, **SEQUENCES), Dense(2)]
        model = Sequential(layers, dtype=dtype)
        want = offline(model, ids)
        np.testing.assert_array_equal(fed(model.stream(3), ids, CUTS[2]), want)
        one = model.stream()
        np.testing.assert_array_equal(one.step(int(ids[1, 0])), want[1:2, 0])
        np.testing.assert_array_equal(one.feed(ids[1, 1:].tolist()), want[1:2, 1:])
        np.testing.assert_array_equal(model.stream(3).step(ids[:, 0] * 1.0), want[:, 0])


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1, 11, 0], ValueError, "x: expected numbers from 0 to 10, got 11"),
        ([1, -1, 0], ValueError, "x: expected numbers from 0 to 10, got -1"),
        ([1.5, 1, 0], ValueError, "x: expected whole numbers, got 1.5"),
        (["1", "2", "3"], TypeError, "x: expected real numbers, got an array of dtype <U1"),
        ([[1, 2, 3]], ValueError, r"x: expected whole numbers of shape \(3,\), got \(1, 3\)"),
        ([1, 2], ValueError, r"x: expected whole numbers of shape \(3,\), got \(2,\)"),
    ],
)
def test_numbers_that_are_not_in_the_table(x, error, message):
    model = Sequential([Input((None,), dtype="int32"), Embedding(11, 4, name="words"), GRU(5)])
    stream = model.stream(3)
    with pytest.raises(error, match=f"layer 'words' .Embedding.: {message}"):
        stream.step(x)
    assert all(not a.any() for states in stream.state.values() for a in states)


# -- what goes in --------------------------------------------------------------------------


def layouts(x):
    """The same numbers in other ways: types that lose nothing, strides, alignment, subclasses."""
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    odd = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    odd[...] = x
    record = np.zeros(x.shape[:-1], [("x", x.dtype, x.shape[-1:]), ("pad", "u1")])
    record["x"] = x
    fixed = x.copy()
    fixed.flags.writeable = False
    yield from (wide[..., ::2], odd, record["x"], fixed, x.tolist(), np.asfortranarray(x))
    yield from (x.astype(">f4"), x.astype(float), x[..., ::-1].copy()[..., ::-1])
    yield from (x[::-1].copy()[::-1], np.ma.masked_array(x))


def test_any_layout(model):
    want, stream = offline(model, X), model.stream(3)
    for x in layouts(X[:, 0]):
        stream.reset()
        np.testing.assert_array_equal(stream.step(x), want[:, 0])
    for x in layouts(X[:, :70]):
        stream.reset()
        np.testing.assert_array_equal(stream.feed(x), want[:, :70])
    one = model.stream()
    np.testing.assert_array_equal(one.step(X[0, 0]), want[:1, 0])
    np.testing.assert_array_equal(one.feed(X[0, 1:]), want[:1, 1:])


def test_nan_passes_and_stays_in_its_row(model):
    x = X.copy()
    x[1, 5] = np.nan
    with np.errstate(all="raise"):
        y = model.stream(3).feed(x)
    np.testing.assert_array_equal(y, offline(model, x))
    assert np.isnan(y[1, 5:]).all()
    assert not np.isnan(y[::2]).any()


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((1, 3)), ValueError, r"x: expected shape \(2, 3\), got \(1, 3\)"),
        (np.zeros((2, 4)), ValueError, r"got \(2, 4\)"),
        (np.zeros(3), ValueError, r"got \(3,\)"),
        (np.zeros((2, 1, 3)), ValueError, r"got \(2, 1, 3\)"),
        (1.0, ValueError, r"x: expected shape \(2, 3\), got \(\)"),
        ([[1, 2, 3], [4]], ValueError, "x: expected an array of numbers"),
        ([["1", "2", "3"]] * 2, TypeError, "x: expected real numbers, .* <U1"),
        ([[None] * 3] * 2, TypeError, "x: expected real numbers, .* object"),
        (np.zeros((2, 3), complex), TypeError, "x: expected real numbers, .* complex128"),
        (np.zeros((2, 3), "M8[s]"), TypeError, "x: expected real numbers, .* datetime64"),
    ],
)
def test_wrong_steps_change_nothing(model, x, error, message):
    stream = model.stream(2)
    with pytest.raises(error, match=message):
        stream.step(x)
    chunk = np.asarray(x)[:, None] if isinstance(x, np.ndarray) and x.ndim != 1 else x
    with pytest.raises(error, match="chunk: expected"):
        stream.feed(chunk)
    assert all(not a.any() for a in stream.state["lstm"])


def test_a_chunk_of_no_steps(model):
    with pytest.raises(ValueError, match=r"chunk: expected no empty dimension, got \(2, 0, 3\)"):
        model.stream(2).feed(np.zeros((2, 0, 3)))


def test_out(model):
    stream, out = model.stream(3), np.empty((3, 2), np.float32)
    want = offline(model, X)
    for t in range(3):
        assert stream.step(X[:, t], out=out) is out
        np.testing.assert_array_equal(out, want[:, t])
    kept = stream.state["lstm"]
    fixed = out.copy()
    fixed.flags.writeable = False
    for wrong, error, message in [
        (np.empty((2, 2), np.float32), ValueError, r"out: expected shape \(3, 2\), got \(2, 2\)"),
        (np.empty(6, np.float32), ValueError, "out: expected 2 dimensions"),
        (np.empty((3, 2)), TypeError, "out: expected float32"),
        (np.empty((3, 4), np.float32)[:, ::2], ValueError, "out: its last axis"),
        (np.empty((3, 4), np.float32)[:, :2], ValueError, "out: expected a C-contiguous"),
        (fixed, ValueError, "out: the array is read-only"),
        ([0], TypeError, "out: expected a NumPy array, got list"),
    ]:
        with pytest.raises(error, match=message):
            stream.step(X[:, 0], out=wrong)
    for a, b in zip(kept, stream.state["lstm"], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "layers", [[LSTM(130, **SEQUENCES)], [Dense(130, "tanh")], [GRU(130, **SEQUENCES), Dense(130)]]
)
@pytest.mark.parametrize("shift", [0, 5])
def test_out_may_be_x(layers, shift):
    """Or a part of it: the layers read on while they write."""
    model, x = made(*layers, features=130), numbers(6, 130).astype(np.float32)
    want, memory = model.stream(6).step(x), np.empty(x.size + 5, np.float32)
    memory[: x.size] = x.ravel()
    place = memory[shift : shift + x.size].reshape(x.shape)
    model.stream(6).step(memory[: x.size].reshape(x.shape), out=place)
    np.testing.assert_array_equal(place, want)


# -- states --------------------------------------------------------------------------------


def test_reset():
    model = made(GRU(5, **SEQUENCES), LSTM(4, variant="FGR", **SEQUENCES))
    stream, want = model.stream(3), offline(model, X)
    first = stream.feed(X)
    stream.reset()
    np.testing.assert_array_equal(stream.feed(X), first)
    stream.reset(rows=1)
    stream.reset([])
    y = stream.feed(X)
    np.testing.assert_array_equal(y[1], want[1])
    assert (y[::2, 0] != want[::2, 0]).any(axis=1).all()
    stream.reset([0, 2, 1])
    np.testing.assert_array_equal(stream.feed(X), want)


@pytest.mark.parametrize(
    ("rows", "error"),
    [(3, IndexError), ([0, 7], IndexError), ("a", TypeError), (True, TypeError), (0.5, TypeError)],
)
def test_rows_that_there_are_not(model, rows, error):
    stream = model.stream(3)
    stream.feed(X)
    before = stream.state["lstm"]
    with pytest.raises(error):
        stream.reset(rows)
    np.testing.assert_array_equal(stream.state["lstm"], before)


def test_state_is_where_it_stands():
    inner = Sequential([LSTM(4, variant="FGR", name="same", **SEQUENCES)], name="inner")
    model = made(GRU(5, name="same", **SEQUENCES), inner, Dense(2))
    stream = model.stream(3)
    stream.feed(X[:, :50])
    state = stream.state
    shapes = {name: [a.shape for a in arrays] for name, arrays in state.items()}
    assert shapes == {"same": [(3, 5)], "inner/same": [(3, 4), (3, 4), (3, 12)]}
    going_on = stream.feed(X[:, 50:])
    stream.state = state
    np.testing.assert_array_equal(stream.feed(X[:, 50:]), going_on)
    state["same"][0][...] = 7  # copies, both ways
    stream.state = {name: [a.tolist() for a in arrays] for name, arrays in state.items()}
    assert (stream.state["same"][0] == 7).all()
    state["same"][0][...] = 8
    assert (stream.state["same"][0] == 7).all()


def test_state_is_that_of_the_layer(dtype):
    layer = LSTM(5, variant="FGR", return_state=True, dtype=dtype)
    x = X.astype(dtype)
    want = layer(x)[1:]
    model = Sequential([Input((None, 3)), LSTM(5, variant="FGR", name="one")], dtype=dtype)
    model.set_weights(layer.get_weights())
    stream = model.stream(3)
    stream.feed(x)
    for got, a in zip(stream.state["one"], want, strict=True):
        np.testing.assert_array_equal(got, a)


ZERO, ONE = np.zeros((3, 5)), np.ones((3, 5))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, r"state: expected a dict of the layers \['gru', 'lstm'\], got \[\]"),
        ({"gru": (ONE,), "lstm": (ZERO, ZERO), 1: ()}, r"got \['gru', 'lstm', 1\]"),
        ({"gru": (ONE,), "other": (ZERO, ZERO)}, r"got \['gru', 'other'\]"),
        (5, "got int"),
        (None, "got NoneType"),
        ({"gru": (ONE,), "lstm": ZERO}, r"state\['lstm'\]: expected a tuple of 2, got ndarray"),
        ({"gru": (ONE,), "lstm": 5}, r"state\['lstm'\]: expected a tuple of 2, got int"),
        ({"gru": (ONE,), "lstm": (ZERO,)}, r"state\['lstm'\]: expected a tuple of 2, got 1"),
        ({"gru": (ONE,), "lstm": (ZERO, ZERO[1:])}, r"expected shape \(3, 5\), got \(2, 5\)"),
        ({"gru": (ONE,), "lstm": (ZERO, 0)}, r"expected shape \(3, 5\), got \(\)"),
        ({"gru": (ONE,), "lstm": (ZERO, [[1], [1, 2]])}, "expected an array of numbers"),
        ({"gru": (ONE,), "lstm": (ZERO, ZERO.astype(str))}, "expected real numbers"),
        ({"gru": (ONE,), "lstm": (ZERO, ZERO * 1j)}, "expected real numbers"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, message):
    stream = made(GRU(5, name="gru", **SEQUENCES), LSTM(5, name="lstm")).stream(3)
    with pytest.raises((ValueError, TypeError), match=message):
        stream.state = state
    assert all(not a.any() for arrays in stream.state.values() for a in arrays)


def test_a_snapshot_goes_on_by_itself(model):
    stream, want = model.stream(3), offline(model, X)
    stream.feed(X[:, :20])
    other = stream.snapshot()
    assert type(other) is type(stream)
    np.testing.assert_array_equal(other.feed(X[:, 20:]), want[:, 20:])
    other.reset()
    np.testing.assert_array_equal(stream.feed(X[:, 20:]), want[:, 20:])


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_copies_are_snapshots(model, way):
    with pytest.raises(TypeError, match=r"a stream cannot be copied or pickled; snapshot\(\)"):
        way(model.stream())
    way(model)  # whose streams are no part of it


# -- together ------------------------------------------------------------------------------


@pytest.mark.usefixtures("fenced")
@pytest.mark.parametrize("layer", [LSTM(9, variant="FGR"), GRU(37), SimpleRNN(5)])
def test_together_is_each_alone(isa, dtype, layer):
    model = made(layer, Dense(3, "softmax"), dtype=dtype)
    sizes = [1, 3, 1, 2]
    streams, alone = ([model.stream(n) for n in sizes] for _ in range(2))
    x = numbers(7, 4, 3).astype(dtype)
    for t in range(4):
        y = step_together(streams, x[:, t])
        rows = np.split(x[:, t], np.cumsum(sizes)[:-1])
        want = [s.step(part) for s, part in zip(alone, rows, strict=True)]
        np.testing.assert_array_equal(y, np.concatenate(want))
    for a, b in zip(streams, alone, strict=True):
        np.testing.assert_array_equal(a.step(x[: a.batch_size, 0]), b.step(x[: a.batch_size, 0]))


def test_together_refuses(model):
    a, b = model.stream(), model.stream()
    other = made(LSTM(5, **SEQUENCES), Dense(2)).stream()
    x = X[:2, 0]
    for streams, error, message in [
        ([], ValueError, "expected one or more"),
        ([a, a], ValueError, "none of them twice"),
        ([a, other], ValueError, "one of the same model and weights"),
        ([a, 5], TypeError, "streams: expected streams, got int"),
    ]:
        with pytest.raises(error, match=message):
            step_together(streams, x)
    with pytest.raises(ValueError, match=r"x: expected shape \(2, 3\), got \(3, 3\)"):
        step_together([a, b], X[:3, 0])
    assert all(not array.any() for s in (a, b) for array in s.state["lstm"])
    y = step_together((s for s in (a, b)), x)
    np.testing.assert_array_equal(y, offline(model, X[:2])[:, 0])


@pytest.mark.parametrize("place", [(-1, 0, 1), (0, 0, 3), (1, 0, 2), (2**62, 0, 2**62), (0, 2, 1)])
def test_rows_beyond_the_batch(model, place):
    with pytest.raises(IndexError, match="beyond the batch"):
        model.stream(2).copy_rows(model.stream(2), *place)


# -- the weights of a stream ---------------------------------------------------------------


def test_training_leaves_streams_as_they_are(isa, model):
    model.compile("adam", "mse")
    old, want = model.stream(3), offline(model, X)
    np.testing.assert_array_equal(old.feed(X[:, :30]), want[:, :30])
    for _ in range(3):  # the layers pack again and again, each time beside what was lent
        model.fit(X, np.zeros((3, STEPS, 2)), epochs=1, verbose=0)
        new_want = offline(model, X)
        model.set_weights([w * 0.9 for w in model.get_weights()])
        np.testing.assert_array_equal(old.snapshot().feed(X[:, 30:]), want[:, 30:])
        new = model.stream(3)
        np.testing.assert_array_equal(new.feed(X), offline(model, X))
        assert (new_want != want).any()
    np.testing.assert_array_equal(old.feed(X[:, 30:]), want[:, 30:])
    with pytest.raises(ValueError, match="one of the same model and weights"):
        step_together([old, new], X.repeat(2, 0)[:, 0])


def test_streams_of_one_model_share_its_weights(model):
    a, b = model.stream(), model.stream(3)
    assert a._program is b._program
    model.layers[1].set_weights([np.zeros((5, 2)), np.zeros(2)])
    assert model.stream()._program is not a._program
    assert not model.stream().step(X[0, 0]).any()


def test_a_model_that_was_changed_has_other_streams():
    model = made(LSTM(5, name="a", **SEQUENCES), Sequential([Dense(2)], name="inner"))
    model.stream()
    model.add(Dense(4))
    assert model.stream().step(X[0, 0]).shape == (1, 4)
    model.layers[1].add(Masking(name="gaps"))  # which has no weights
    with pytest.raises(ValueError, match=r"layer 'gaps' .Masking. cannot be streamed"):
        model.stream()


def test_a_stream_outlives_its_model(model):
    want, stream = offline(model, X), model.stream(3)
    del model
    gc.collect()
    _core.trim()
    junk = [np.full(1000, np.nan, np.float32) for _ in range(1000)]  # over memory set free
    np.testing.assert_array_equal(stream.feed(X), want)
    del junk


# -- what cannot be streamed ---------------------------------------------------------------


class Doubled(Dense):
    """Computes something else than what it inherits."""

    def forward(self, x, training=False):
        return super().forward(2 * x, training)


class Parallel(Layer):
    """Has layers, but not one after another."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layers = [Dense(3), Dense(3)]

    def forward(self, x, training=False):
        return x, None


class Own(Sequential):
    """A model that goes its own way."""

    def run(self, x, training=False, mask=None):
        return super().run(2 * x, training, mask)


TANH = Activation("tanh", np.sin, lambda dy, x, y: dy)


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (Bidirectional(LSTM(3), name="one"), "the core does not run it step by step"),
        (RNN(GRUCell(3), name="one"), "the core does not run it step by step"),
        (LSTM(3, go_backwards=True, name="one"), "go_backwards=True begins with the last step"),
        (Masking(name="one"), "a stream has no padding"),
        (Dense(3, "softplus", name="one"), "the kernels do not have its activation 'softplus'"),
        (Dense(3, TANH, name="one"), "the kernels do not have its activation 'tanh'"),
        (Doubled(3, name="one"), "Doubled has a forward of its own"),
        (Parallel(name="one"), "Parallel has a forward of its own"),
        (Own([Dense(3)], name="one"), "Own has a forward of its own"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layers_that_cannot_be_streamed_are_named(layer, why):
    kind = type(layer).__name__
    for model in (Sequential([layer]), Sequential([Sequential([layer])])):
        model.build((None, None, 3))
        with pytest.raises(ValueError, match=f"layer 'one' .{kind}. cannot be streamed: {why}"):
            model.stream()


def test_padding_cannot_be_streamed():
    model = Sequential([Embedding(4, 3, mask_zero=True, name="words"), LSTM(3)])
    model.build((None, 5))
    with pytest.raises(ValueError, match=r"layer 'words' .Embedding. .* mask_zero=True"):
        model.stream()


def test_models_that_cannot_be_streamed():
    with pytest.raises(ValueError, match="model 'new': stream: expected a built model"):
        Sequential([LSTM(3)], name="new").stream()
    with pytest.raises(ValueError, match="stream: expected a built model"):
        Sequential().stream()
    with pytest.raises(ValueError, match="has no layer that could be streamed"):
        made(Dropout(0.5)).stream()
    for shape in ((4,), (2, 5, 4)):
        model = Sequential([Input(shape), Dense(3)])
        with pytest.raises(ValueError, match="expected one that takes sequences"):
            model.stream()


def test_a_subclass_without_a_way_of_its_own_streams():
    class Named(LSTM):
        pass

    model = made(Named(5))
    np.testing.assert_array_equal(model.stream(3).feed(X), offline(model, X))


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "2", 2**31, 2**62, 2**70])
def test_batch_sizes(model, size):
    for one in (model, made(Dense(2))):
        with pytest.raises(ValueError, match="batch_size: expected"):
            one.stream(size)


# -- threads and memory --------------------------------------------------------------------


def test_two_threads_on_one_stream(model):
    """One of them is told, or each was alone at its time."""
    stream, want = model.stream(3), {model.stream(3).feed(X).tobytes()}
    told, seen, start = [], [], threading.Barrier(2)

    def work():
        start.wait()
        for k in range(60):
            try:
                if k % 3:
                    seen.append(stream.feed(X[:, :65]).shape)
                else:
                    stream.reset()
                    stream.snapshot()
            except RuntimeError as error:
                told.append(str(error))

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(work) for _ in range(2)]:
            job.result()
    assert set(seen) == {(3, 65, 2)}
    assert all("another thread is feeding it" in message for message in told)
    stream.reset()
    assert {stream.feed(X).tobytes()} == want


def test_a_stream_that_is_fed_refuses_everything_else():
    model = made(LSTM(60, **SEQUENCES), LSTM(60))
    stream, idle = model.stream(8), model.stream(8)
    x = numbers(8, 4000, 3).astype(np.float32)
    told = 0
    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            job = pool.submit(stream.feed, x)
            while not job.done() and told < 6:
                actions = [
                    lambda: stream.step(x[:, 0]),
                    lambda: stream.feed(x[:, :2]),
                    stream.reset,
                    lambda: stream.state,
                    stream.snapshot,
                    lambda: step_together([idle, stream], x.repeat(2, 0)[:, 0]),
                ]
                try:
                    actions[told]()
                except RuntimeError:
                    told += 1
            with contextlib.suppress(RuntimeError):  # it came second
                job.result()
            if told == 6:
                return
    raise AssertionError(f"only {told} of 6 were refused")


def test_many_streams_in_many_threads(model):
    x = numbers(16, STEPS, 3).astype(np.float32)
    want = offline(model, x)

    def work(row):
        return fed(model.stream(), x[row : row + 1], CUTS[row % len(CUTS)])

    with ThreadPoolExecutor(8) as pool:
        for row, y in enumerate(pool.map(work, range(16))):
            np.testing.assert_array_equal(y[0], want[row])


def resident():
    """Bytes of memory that the process has."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@memory_counts
@pytest.mark.skipif(not STATM.exists(), reason="memory is read from /proc")
@pytest.mark.slow
def test_thousands_of_streams_are_no_larger_than_their_states():
    model = made(LSTM(64, **SEQUENCES), LSTM(64), Dense(1))
    warm = [model.stream() for _ in range(10)]
    for stream in warm:
        stream.feed(X[0])
    gc.collect()
    before, pooled = resident(), _core.pooled_bytes()
    streams = [model.stream() for _ in range(2000)]
    x = X[0, 0]
    for stream in streams:
        stream.step(x)
    states = 2000 * 4 * 64 * 4
    assert resident() - before < states + 2000 * 1500
    del streams
    gc.collect()
    # what they had waits for others
    assert 0.99 * states <= _core.pooled_bytes() - pooled < states + 2000 * 128
    again, held = resident(), _core.pooled_bytes()
    for _ in range(3):
        more = [model.stream() for _ in range(2000)]
        del more
        gc.collect()
    assert resident() - again < states
    assert _core.pooled_bytes() <= held + 4096


def test_the_pool_does_not_grow(model):
    stream, out = model.stream(3), np.empty((3, 2), np.float32)
    for _ in range(2):
        stream.feed(X)
        stream.step(X[:, 0], out=out)
    before = _core.pooled_bytes()
    for t in range(10_000):
        stream.step(X[:, t % STEPS], out=out)
    for _ in range(50):
        stream.feed(X)
        step_together([model.stream(2), stream], X.repeat(2, 0)[:5, 0])
    assert _core.pooled_bytes() <= before + 4096
