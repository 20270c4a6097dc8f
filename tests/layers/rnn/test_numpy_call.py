"""Calls in NumPy: all that a call of the kernels does, for activations that they do not have."""

import numpy as np
import pytest
from gradients import leaves
from helpers import numbers
from recurrent_checks import MASK, check_recurrent

from lstmcore import Input, Model, Sequential, activations, load_model
from lstmcore.activations import Activation
from lstmcore.layers import (
    ELU,
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    LeakyReLU,
    PReLU,
    ReLU,
    SimpleRNN,
    Softmax,
)
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed

X = numbers(5, 5, 3)
# tanh by another name: what the kernels have, computed in NumPy
TANH = Activation("tanh_in_numpy", np.tanh, lambda dy, x, y: dy * (1 - y * y))
OPTIONS = {
    "last": {},
    "sequences": {"return_sequences": True},
    "states": {"return_state": True},
    "backwards": {"return_sequences": True, "return_state": True, "go_backwards": True},
    "zero": {"return_sequences": True, "zero_output_for_mask": True},
    "zero_last": {"zero_output_for_mask": True},
    "dropout": {"dropout": 0.3, "recurrent_dropout": 0.4},
    "noise": {"weight_dropout": 0.3, "input_noise": 0.2, "return_sequences": True},
    "zoneout": {"zoneout_h": 0.3, "return_sequences": True, "return_state": True},
    "bias": {"use_bias": False},
}
KINDS = {
    "lstm": (LSTM, {}),
    "lstm_zoned": (LSTM, {"zoneout_c": 0.3, "peephole": True}),
    "lstm_full": (LSTM, {"variant": "FGR", "cell_clip": 0.5}),
    "gru": (GRU, {}),
    "gru_before": (GRU, {"reset_after": False}),
    "rnn": (SimpleRNN, {}),
}


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def pair(kind, dtype="float64", **options):
    """The layer by the kernels, and in NumPy, with the same weights and seed."""
    make, own = KINDS[kind]
    both = [make(4, a, seed=3, dtype=dtype, **own, **options) for a in ("tanh", TANH)]
    for layer in both:
        layer(X.astype(dtype))
        layer.set_weights([numbers(*p.shape) * 0.4 for p in layer.weights])
    assert both[0].runs_in_core
    assert not both[1].runs_in_core
    return both


def close(one, other, dtype):
    tolerance = 1e-13 if dtype == np.float64 else 5e-6
    for got, want in zip(leaves(one), leaves(other), strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_the_kernels_do(kind, options, mask):
    """Outputs, states and all gradients, with the same random masks, from states that are not 0."""
    check_as_kernels(kind, options, mask, np.dtype("float64"))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_the_kernels_do_in_float32(kind):
    check_as_kernels(kind, OPTIONS["backwards"], MASK, np.dtype("float32"))


def check_as_kernels(kind, options, mask, dtype):
    if mask is not None and ("zoneout_h" in options or kind == "lstm_zoned"):
        mask = mask.copy()
        mask[4] = True  # so that every step is computed: each takes its own row of the masks
    results = []
    for layer in pair(kind, dtype.name, **options):
        states = [numbers(5, n).astype(dtype) / 2 for n in layer.state_sizes]
        x = X.astype(dtype)
        at_inference = layer(x, mask=mask, initial_state=states)
        y, back = layer.forward(x, True, mask=mask, initial_state=states)
        dy = [np.cos(np.asarray(a) * 7).astype(dtype) for a in leaves([y])]
        got = back(tuple(dy) if layer.return_state else dy[0])
        results.append([at_inference, [*leaves([y])], got, [p.grad for p in layer.weights]])
    for ours, kernels in zip(results[1], results[0], strict=True):
        close(ours, kernels, dtype)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_traces_are_those_of_the_kernels(kind, backwards):
    core, ours = pair(kind, go_backwards=backwards, zero_output_for_mask=backwards)
    want, got = (layer.trace(X, mask=MASK) for layer in (core, ours))
    assert list(got.gates) == list(want.gates)
    for name in want.gates:
        np.testing.assert_allclose(got.gates[name], want.gates[name], atol=1e-14)
    assert (got.cell is None) == (want.cell is None)
    if got.cell is not None:
        np.testing.assert_allclose(got.cell, want.cell, atol=1e-14)
    np.testing.assert_allclose(got.output, want.output, atol=1e-14)
    np.testing.assert_array_equal(got.mask, MASK)
    assert ours.trace(X, mask=np.ones((5, 5))).mask is None


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_kept(kind):
    results = []
    for layer in pair(kind, stateful=True, return_state=True):
        layer.reset_states()
        calls = [layer(X, mask=MASK), layer(X), layer.states]
        with pytest.raises(ValueError, match="expected 5 rows"):
            layer(X[:2])
        layer.reset_states()
        results.append([*calls, layer(X[:2])])
    for got, want in zip(leaves(results[1]), leaves(results[0]), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-13)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(
    ("make", "options"),
    [
        (LSTM, {"activation": "swish", "dropout": 0.2, "recurrent_dropout": 0.2}),
        (LSTM, {"activation": "gelu", "recurrent_activation": "softplus", "variant": "FGR"}),
        (GRU, {"activation": LeakyReLU(0.2), "recurrent_activation": "hard_silu"}),
        (GRU, {"activation": "softmax", "reset_after": False, "zoneout_h": 0.2}),
        (SimpleRNN, {"activation": "mish", "weight_dropout": 0.3}),
    ],
)
def test_gradients_are_numeric_ones(make, options, steps):
    layer = make(3, return_sequences=True, return_state=True, seed=3, dtype="float64", **options)
    x = numbers(3, steps, 2)
    layer(x)
    start = layer._generator.bit_generator.state

    def rewind():
        layer._generator.bit_generator.state = start

    states = [numbers(3, n) / 2 for n in layer.state_sizes]
    mask = MASK[1:4, :steps].copy() if steps > 1 else None
    check_recurrent(layer, x, mask, states, before=rewind)


# -- activations -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "same"),
    [
        (LeakyReLU(0.1), activations.leaky_relu.using(negative_slope=0.1)),
        (ReLU(6.0), "relu6"),
        (ELU(0.5), activations.elu.using(alpha=0.5)),
        (Softmax(), "softmax"),
    ],
)
def test_a_layer_is_taken_for_its_function(given, same, tmp_path):
    both = [Sequential([Input((5, 3)), LSTM(3, a), Dense(2, a)]) for a in (given, same)]
    both[1].set_weights(both[0].get_weights())
    want = both[1].predict(X)
    np.testing.assert_allclose(both[0].predict(X), want, rtol=1e-6)
    both[0].save(tmp_path / "m.safetensors")
    np.testing.assert_allclose(load_model(tmp_path / "m.safetensors").predict(X), want, rtol=1e-6)


def test_a_layer_with_weights_is_no_activation():
    for make in (LSTM, Dense):
        with pytest.raises(TypeError, match=r"activation p_re_lu.*: .* got a layer that has some"):
            make(3, PReLU())(X)


def curved(x):
    """What somebody writes in place of an activation."""
    return x / (1 + x * x) + 0.1 * x


@pytest.mark.parametrize("make", [LSTM, GRU, SimpleRNN])
def test_a_function_of_the_user(make, tmp_path):
    layer = make(3, curved, return_sequences=True, return_state=True, dtype="float64")
    layer(X)
    states = [numbers(3, n) / 2 for n in layer.state_sizes]
    check_recurrent(layer, X[:3, :3].copy(), MASK[1:4, :3], states)
    model = Sequential([Input((5, 3)), make(3, curved), Dense(1, curved)])
    model.compile("adam", "mse")
    model.fit(X, X[:, 0, 0], verbose=0)
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match="unknown activation 'curved'"):
        load_model(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors", custom_objects={"curved": curved})
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_an_activation_that_computes_in_another_dtype():
    wide = Activation("wide", lambda x: np.tanh(x) * np.float64(1), TANH.gradient)
    for make in (LSTM, GRU, SimpleRNN, lambda n, a: GRU(n, a, reset_after=False)):
        layer, plain = make(4, wide), make(4, "tanh")
        plain(X)
        y, back = layer(X), layer.forward(X.astype("f"), True)[1]
        assert y.dtype == np.float32
        assert back(np.ones_like(y)).dtype == np.float32
        plain.set_weights(layer.get_weights())
        np.testing.assert_allclose(y, plain(X), atol=1e-6)


# -- in models ---------------------------------------------------------------------------------


def test_kernel_info_names_what_the_kernels_lack():
    model = Sequential([Input((5, 3)), LSTM(4, "swish", name="slow"), Dense(1)])
    assert model.kernel_info()["slow"] is None
    model.predict(X)
    info = model.kernel_info()["slow"]
    assert info["isa"] == "NumPy"
    assert "the kernels do not have activation='silu'" in info["path"]
    assert info["steps"] == 25
    assert set(info) == set(_info_of_the_kernels())
    model.layers[0](X, mask=MASK)
    assert model.kernel_info()["slow"]["steps"] == MASK.sum()


def _info_of_the_kernels():
    layer = LSTM(4)
    layer(X)
    return layer.kernel_info()


def test_no_stream_of_it():
    model = Sequential([Input((5, 3)), GRU(4, "gelu", "softplus", name="slow"), Dense(1)])
    said = (
        r"layer 'slow' \(GRU\) cannot be streamed: the kernels do not have activation='gelu' and "
        "recurrent_activation='softplus'"
    )
    with pytest.raises(ValueError, match=said):
        model.stream()


@pytest.mark.parametrize("make", [LSTM, GRU, SimpleRNN])
def test_fit_learns_and_files_keep_it(make, tmp_path):
    x = numbers(32, 5, 2).astype("f")
    lists = [row[: 3 + k % 3] for k, row in enumerate(x)]
    inputs = Input((None, 2))
    h = Bidirectional(make(4, "swish", return_sequences=True))(inputs)
    model = Model(inputs, Dense(1)(make(4, LeakyReLU(0.1), dropout=0.1)(h)))
    model.compile(Adam(0.03), "mse")
    target = np.array([row[-1, 0] for row in lists])
    losses = model.fit(lists, target, epochs=15, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(lists), model.predict(lists))
    assert list(model.trace(lists)) == list(model.kernel_info())


def test_where_it_became_infinite_is_said():
    layer = LSTM(3, "exponential", name="hot")
    model = Sequential([Input((5, 3)), layer, Dense(1)])
    model.compile("sgd", "mse")
    layer.set_weights([500 * np.ones(p.shape) for p in layer.weights])
    with pytest.raises(FloatingPointError, match=r"layer 'hot' .* step 0 of 5"):
        model.fit(X + 10, X[:, 0, 0], verbose=0)


def test_wrong_arguments():
    layer = LSTM(3, "swish", name="l")
    layer(X)
    with pytest.raises(ValueError, match=r"layer 'l' \(LSTM\): initial_state: expected arrays of"):
        layer(X, initial_state=[np.ones((5, 3)), np.ones((4, 3))])
    with pytest.raises(ValueError, match="mask: expected shape"):
        layer.forward(X.astype("f"), mask=np.ones((5, 2), bool))
    with pytest.raises(ValueError, match=r"expected an array of shape \(batch, time, 3\)"):
        layer(X[:, :, :2])
    with pytest.raises(ValueError, match="unknown activation 'swisch'"):
        LSTM(3, "swisch")


# -- the cell of a layer -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_has_its_cell_with_its_weights(kind):
    make, own = KINDS[kind]
    layer = make(4, **own)
    assert layer.cell.units == 4
    layer(X)
    assert [p is q for p, q in zip(layer.weights, layer.cell.weights, strict=True)]
    states = layer.cell.get_initial_state(5)
    y, _ = layer.cell(X[:, 0], states)
    np.testing.assert_allclose(y, layer(X[:, :1]), atol=1e-6)
