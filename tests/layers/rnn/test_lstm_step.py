"""The LSTM with a projection and with layer normalization: layer and cell."""

import numpy as np
import pytest
from helpers import numbers
from recurrent_checks import MASK, alone, check_recurrent

from lstmcore import Input, Sequential, load_model, reference
from lstmcore.layers import LSTM, RNN, Bidirectional, Dense, LSTMCell
from lstmcore.utils import set_random_seed

X = numbers(5, 5, 3)
OPTIONS = {
    "projected": {"projection": 2},
    "wider": {"projection": 6, "variant": "CIFG", "use_bias": False},
    "both": {"layer_norm": True},
    "sum": {"layer_norm": "sum", "use_bias": False},
    "sum of peepholes": {"layer_norm": "sum", "variant": "peephole", "cell_clip": 0.4},
    "both, projected": {"layer_norm": True, "projection": 2, "layer_norm_epsilon": 0.1},
    "sum, projected": {"layer_norm": "sum", "variant": "NIG", "projection": 3},
}
EVERY = {"return_sequences": True, "return_state": True}
NAMES = (
    "kernel",
    "recurrent_kernel",
    "bias",
    "peephole_kernel",
    "gate_kernel",
    "projection_kernel",
    "norm_gain",
    "state_norm",
)


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def made(kind, units=4, dtype="float64", **options):
    """The layer, or the cell in its layer, built, with weights of which none is 0."""
    own = {name: options.pop(name) for name in EVERY if name in options}
    if kind is LSTM:
        layer = LSTM(units, dtype=dtype, **options, **own)
    else:
        layer = RNN(LSTMCell(units, dtype=dtype, **options), **own)
    layer(X.astype(dtype))
    for i, p in enumerate(layer.weights):
        p.assign(p.numpy() + 0.2 * np.cos(np.arange(p.value.size) + i).reshape(p.shape))
    return layer


def truth(layer, x, states, **options):
    """Outputs and states by the reference, from the layer's own weights alone."""
    cell = layer if isinstance(layer, LSTM) else layer.cell
    own = {p.name: p.numpy().astype(float) for p in layer.weights}
    told = reference.Cell(
        "lstm",
        cell.variant,
        clip=cell.cell_clip or 0.0,
        projection=cell.projection or 0,
        layer_norm={True: "both", False: None}.get(cell.layer_norm, "sum"),
        epsilon=cell.layer_norm_epsilon,
    )
    weights = [own.get(name) for name in NAMES]
    return reference.forward(told, weights, x.astype(float), tuple(states), **options)


def states_of(options, rows=5):
    return [numbers(rows, options.get("projection", 4)) / 2, numbers(rows, 4) / 2]


every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
both_kinds = pytest.mark.parametrize("kind", [LSTM, LSTMCell])


@both_kinds
@every_option
def test_it_is_the_reference(dtype, kind, options):
    layer = made(kind, dtype=dtype.name, **options, **EVERY)
    states = states_of(options)
    y, *ends = layer(X, initial_state=states, mask=MASK)
    want, last = truth(layer, X.astype(dtype), states, mask=MASK)
    assert y.shape == (5, 5, options.get("projection", 4))
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for got, right in zip((y, *ends), (want, *last), strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, right, atol=tolerance)


@both_kinds
@every_option
def test_gradients(kind, options):
    layer = made(kind, **options, **EVERY)
    states = states_of(options, 3)
    check_recurrent(layer, X[:3, :3].copy(), mask=MASK[1:4, :3], states=states)


NOISE = {"dropout": 0.3, "recurrent_dropout": 0.3, "zoneout_h": 0.3, "zoneout_c": 0.2}


@every_option
def test_training_is_the_reference_with_what_was_drawn(options):
    layer = made(LSTM, **options, **EVERY, **NOISE, seed=3)
    P, start = options.get("projection", 4), layer._generator.bit_generator.state
    drawn = layer.draw_masks(X)
    shapes = {name: a.shape for name, a in drawn.items()}
    assert shapes == {
        "x_scale": (5, 3),
        "h_scale": (5, P),
        "keep_h": (5, 5, P),
        "keep_c": (5, 5, 4),
    }
    layer._generator.bit_generator.state = start
    states = states_of(options)
    y, *ends = layer(X, initial_state=states, mask=MASK, training=True)
    want, last = truth(layer, X, states, mask=MASK, **drawn)
    for got, right in zip((y, *ends), (want, *last), strict=True):
        np.testing.assert_allclose(got, right, atol=1e-13)


@pytest.mark.parametrize("options", [OPTIONS["both, projected"], OPTIONS["sum of peepholes"]])
def test_gradients_with_noise(options):
    layer = made(LSTM, 4, **options, **EVERY, **NOISE, weight_dropout=0.3, input_noise=0.1, seed=3)
    start = layer._generator.bit_generator.state

    def before():
        layer._generator.bit_generator.state = start

    check_recurrent(layer, X[:3, :3].copy(), states=states_of(options, 3), before=before)


@pytest.mark.parametrize("options", [OPTIONS["projected"], OPTIONS["both, projected"]])
def test_a_cell_drops_what_the_layer_drops(options):
    noise = {"dropout": 0.4, "recurrent_dropout": 0.4, "seed": 3}
    layer, other = (made(kind, **options, **EVERY, **noise) for kind in (LSTM, LSTMCell))
    layer.set_weights(other.get_weights())
    want = layer(X, training=True)
    for got, right in zip(other(X, training=True), want, strict=True):
        np.testing.assert_allclose(got, right, atol=1e-13)
    assert np.abs(want[0] - layer(X)[0]).max() > 0.01


@every_option
def test_a_row_does_not_depend_on_others_nor_on_masked_steps(options):
    layer = made(LSTM, dtype="float32", **options)
    x, together = X.astype("float32"), layer(X, mask=MASK)
    for row in range(4):
        np.testing.assert_array_equal(alone(layer, x, MASK, row)[0][0], together[row])


# -- shapes ------------------------------------------------------------------------------------


@both_kinds
def test_weights_and_states_have_their_shapes(kind):
    layer = made(kind, 4, projection=2, layer_norm=True, **EVERY)
    assert {p.name: p.shape for p in layer.weights} == {
        "kernel": (3, 16),
        "recurrent_kernel": (2, 16),
        "bias": (16,),
        "projection_kernel": (4, 2),
        "norm_gain": (2, 16),
        "state_norm": (2, 4),
    }
    assert layer.compute_output_shape((None, 5, 3)) == ((None, 5, 2), (None, 2), (None, 4))
    assert [s.shape for s in layer.get_initial_state(7)] == [(7, 2), (7, 4)]
    assert [a.shape for a in layer(X)] == [(5, 5, 2), (5, 2), (5, 4)]
    sums = made(kind, 4, layer_norm="sum", variant="NOG")
    assert [(p.name, p.shape) for p in sums.weights][3:] == [
        ("peephole_kernel", (2, 4)),
        ("norm_gain", (12,)),
    ]


@both_kinds
def test_weights_begin_as_no_change(kind):
    layer = LSTM(4, projection=2, layer_norm=True)
    layer = layer if kind is LSTM else RNN(LSTMCell(4, projection=2, layer_norm=True))
    layer(X)
    own = {p.name: p.numpy() for p in layer.weights}
    assert (own["norm_gain"] == 1).all()
    np.testing.assert_array_equal(own["state_norm"], [[1] * 4, [0] * 4])
    assert (own["bias"] == [0] * 4 + [1] * 4 + [0] * 8).all()
    assert np.abs(own["projection_kernel"]).max() <= 1  # glorot_uniform: sqrt(6 / (4 + 2))


def test_initial_states_of_another_width_are_refused():
    layer = made(LSTM, 4, projection=2)
    with pytest.raises(ValueError, match=r"\(LSTM\): h0: expected shape \(5, 2\), got \(5, 4\)"):
        layer(X, initial_state=[np.zeros((5, 4)), np.zeros((5, 4))])


@every_option
def test_stateful_calls_are_one_call_in_pieces(options):
    layer = made(LSTM, **options, return_sequences=True, stateful=True)
    layer.reset_states()
    pieces = [layer(X[:, :2]), layer(X[:, 2:])]
    assert [s.shape[1] for s in layer.states] == [options.get("projection", 4), 4]
    layer.reset_states()
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), layer(X))


def test_stacks_and_both_directions():
    model = Sequential(
        [
            Input((5, 3)),
            LSTM(4, projection=2, return_sequences=True),
            Bidirectional(LSTM(3, projection=2, layer_norm=True, return_sequences=True)),
            RNN([LSTMCell(4, projection=3), LSTMCell(2, layer_norm="sum")]),
        ]
    )
    shapes = [
        layer.compute_output_shape((None, 5, n))
        for layer, n in zip(model.layers, (3, 2, 4), strict=True)
    ]
    assert shapes == [(None, 5, 2), (None, 5, 4), (None, 2)]
    assert model.predict(X, verbose=0).shape == (5, 2)
    both = model.layers[1]
    h = model.layers[0](X)
    for layer, at in ((both.forward_layer, slice(2)), (both.backward_layer, slice(2, 4))):
        y = layer(h)[:, ::-1] if layer.go_backwards else layer(h)
        np.testing.assert_array_equal(both(h)[..., at], y)


@every_option
def test_the_kernels_compute_it_and_streams_do(options):
    """A stream's outputs are those of predict, to the bit, however the sequence is cut."""
    lstm = LSTM(4, **options, return_sequences=True, name="l")
    model = Sequential([Input((None, 3)), lstm, Dense(2)])
    x = X.astype("float32")
    want = model.predict(x, verbose=0)
    assert lstm.kernel_info()["isa"] != "NumPy"
    stream = model.stream(batch_size=5)
    pieces = [stream.feed(x[:, a:b]) for a, b in ((0, 1), (1, 2), (2, 5))]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), want)
    h, c = stream.state["l"]
    assert (h.shape, c.shape) == ((5, options.get("projection", 4)), (5, 4))
    np.testing.assert_array_equal(h, lstm(x)[:, -1])


@pytest.mark.parametrize("options", [{"projection": 2}, {"layer_norm": True, "projection": 3}])
def test_an_activation_without_kernel_makes_the_call_numpys(options):
    layer = made(LSTM, activation="swish", **options, **EVERY)
    other = made(LSTMCell, activation="swish", **options, **EVERY)
    other.set_weights(layer.get_weights())
    states = states_of(options)
    for one, two in zip(
        *(which(X, initial_state=states, mask=MASK) for which in (layer, other)), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    assert layer.kernel_info()["isa"] == "NumPy"
    assert layer.trace(X).output.shape == (5, 5, options["projection"])


def test_it_learns():
    x = numbers(32, 6, 2).astype("float32")
    y = x.sum(axis=(1, 2), keepdims=True)[:, 0]
    for options in OPTIONS.values():
        set_random_seed(2)
        model = Sequential([Input((6, 2)), LSTM(8, **options), Dense(1)])
        model.compile("adam", "mse")
        before = [w.copy() for w in model.layers[0].get_weights()]
        losses = model.fit(x, y, epochs=8, batch_size=8, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        for old, new in zip(before, model.layers[0].get_weights(), strict=True):
            assert (old != new).any()


# -- traces, options, files --------------------------------------------------------------------


@every_option
def test_a_trace_shows_what_the_reference_computes(options):
    layer = made(LSTM, **options)
    trace = layer.trace(X, MASK)
    y, (_, c) = truth(layer, X, [0 * s for s in states_of(options)], mask=MASK)
    np.testing.assert_allclose(trace.output, y, atol=1e-13)
    np.testing.assert_allclose(trace.cell[:, -1], c, atol=1e-13)
    assert set(trace.gates) == set("ifco") - set("i" if options.get("variant") == "NIG" else "")
    for gate in trace.gates.values():
        assert gate.shape == (5, 5, 4)
        assert (np.isnan(gate) == ~MASK[..., None]).all()


def test_the_projection_kernel_has_its_options():
    given = {"projection_initializer": "ones", "projection_regularizer": "l2"}
    layer = LSTM(3, projection=2, projection_constraint="non_neg", **given)
    layer(X)
    kernel = layer.projection_kernel
    assert (kernel.numpy() == 1).all()
    assert kernel.regularizer(kernel.value) == pytest.approx(0.01 * 6)
    np.testing.assert_array_equal(kernel.constraint(np.array([-1.0, 2.0])), [0, 2])


@both_kinds
def test_choices_go_through_configs_and_files(tmp_path, kind):
    chosen = {"projection": 2, "projection_constraint": "max_norm"}
    chosen |= {"layer_norm": True, "layer_norm_epsilon": 1e-5}
    layer = LSTM(3, **chosen) if kind is LSTM else RNN(LSTMCell(3, **chosen))
    model = Sequential([Input((5, 3)), layer, Dense(1)])
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    config = kind(3, layer_norm="sum", projection=5).get_config()
    assert kind.from_config(config).get_config() == config
    for name in [n for n in config if n.startswith(("projection", "layer_norm"))]:
        del config[name]  # of a file from before them
    old = kind.from_config(config)
    assert (old.projection, old.layer_norm) == (None, False)


REFUSED = [
    ({"projection": 0}, "projection: expected a whole number from 1"),
    ({"projection": 2.5}, r"projection: expected a whole number from 1 .* got 2\.5"),
    ({"projection": True}, "projection: expected a whole number from 1"),
    ({"projection": 2, "variant": "FGR"}, "projection: expected None with variant='FGR'"),
    ({"projection_initializer": "ones"}, "projection_initializer: expected None, since the layer"),
    ({"projection_regularizer": "l2"}, "projection_regularizer: expected None, since the layer"),
    ({"projection_constraint": "non_neg"}, "projection_constraint: expected None, since the lay"),
    ({"layer_norm": "both"}, "layer_norm: expected True, False or 'sum', got 'both'"),
    ({"layer_norm": 1}, "layer_norm: expected True, False or 'sum', got 1"),
    ({"layer_norm": None}, "layer_norm: expected True, False or 'sum', got None"),
    ({"layer_norm": "sum", "variant": "FGR"}, "layer_norm: expected False with variant='FGR'"),
    ({"layer_norm": True, "variant": "CIFG"}, "layer_norm: expected False or 'sum' with variant="),
    ({"layer_norm": True, "peephole": True}, "layer_norm: expected False or 'sum' with peephol"),
    ({"layer_norm": True, "layer_norm_epsilon": -1}, "layer_norm_epsilon: expected a number >= 0"),
    ({"layer_norm_epsilon": 0.0}, r"layer_norm_epsilon: expected a number > 0, got 0\.0"),
    ({"layer_norm_epsilon": "a"}, "layer_norm_epsilon: expected a number >= 0, finite, got 'a'"),
]


@both_kinds
@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_refused(kind, options, said):
    with pytest.raises(ValueError, match=rf"\({kind.__name__}\): {said}"):
        kind(4, **options)
