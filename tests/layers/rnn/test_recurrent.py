"""LSTM, GRU and SimpleRNN: what their arguments do in training, to states, masks and files."""

import copy

import numpy as np
import pytest
from gradients import gradient
from helpers import numbers
from recurrent_checks import MASK, alone, check_recurrent

from lstmcore import Input, Sequential, _core, load_model, reference
from lstmcore.layers import GRU, LSTM, Dense, SimpleRNN
from lstmcore.optimizers import SGD
from lstmcore.utils import set_random_seed

LAYERS = [LSTM, GRU, SimpleRNN]
RATES = {
    "dropout": 0.3,
    "recurrent_dropout": 0.4,
    "zoneout_h": 0.3,
    "weight_dropout": 0.3,
    "input_noise": 0.2,
}
LSTM_RATES = {**RATES, "zoneout_c": 0.25}
every_layer = pytest.mark.parametrize("kind", LAYERS)


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def rates(kind):
    return dict(LSTM_RATES if kind is LSTM else RATES)


def rewind(layer):
    """What brings the layer's random stream back to its start."""
    start = layer._generator.bit_generator.state

    def back():
        layer._generator.bit_generator.state = start

    return back


def trained(layer, x):
    """The output in training."""
    return layer.forward(x, True)[0].copy()


def reads(layer, x):
    """What one call in training drew, on top of what the layer computes with it."""
    back = rewind(layer)
    drawn = layer.draw_masks(x)
    back()
    return drawn


def built(layer, features=3):
    layer.build_for((None, None, features), layer.input_dtype)
    layer.materialize()
    for p in layer.weights:
        p.assign(numbers(*p.shape) * 0.4)
    return layer


X = numbers(4, 6, 3)
X32 = X.astype(np.float32)

# -- what is drawn -------------------------------------------------------------------------


@every_layer
def test_inference_knows_no_rate(kind, dtype):
    plain = built(kind(7, return_sequences=True, dtype=dtype))
    noisy = built(kind(7, return_sequences=True, dtype=dtype, **rates(kind)))
    want = plain(X, mask=MASK[:4].repeat(2, 1)[:, :6])
    for _ in range(2):
        np.testing.assert_array_equal(noisy(X, mask=MASK[:4].repeat(2, 1)[:, :6]), want)
        noisy(X, training=True)
    model, same = (Sequential([Input((None, 3)), layer, Dense(1)]) for layer in (plain, noisy))
    same.set_weights(model.get_weights())
    np.testing.assert_array_equal(same.predict(X), model.predict(X))
    np.testing.assert_array_equal(same.stream(4).feed(X), model.predict(X))


@every_layer
def test_training_at_rate_0_is_inference(kind):
    layer = built(kind(7, return_sequences=True, **dict.fromkeys(rates(kind), 0)))
    np.testing.assert_array_equal(layer(X, training=True), layer(X))
    assert layer.draw_masks(X) == {}


@every_layer
def test_each_rate_changes_training(kind):
    for option, rate in rates(kind).items():
        layer = built(kind(7, return_sequences=True, **{option: rate}))
        first, second = trained(layer, X32), trained(layer, X32)
        assert (first != layer(X)).any(), option
        assert (first != second).any(), option


@every_layer
def test_a_seed_repeats_itself(kind):
    options = rates(kind) | {"return_sequences": True}
    a, b, c = (built(kind(7, seed=s, **options)) for s in (3, 3, 4))
    x = X32
    one, two = trained(a, x), trained(a, x)
    assert (one != two).any()
    np.testing.assert_array_equal(trained(b, x), one)
    np.testing.assert_array_equal(trained(b, x), two)
    assert (trained(c, x) != one).any()
    np.testing.assert_array_equal(trained(copy.deepcopy(a), x), one)  # begins anew
    found = []
    for _ in range(2):
        set_random_seed(7)
        found.append(trained(built(kind(7, **options)), x))
    np.testing.assert_array_equal(*found)


def test_what_is_drawn():
    layer = built(LSTM(50, seed=1, dtype="float64", **LSTM_RATES), features=40)
    x = numbers(30, 20, 40)
    drawn = reads(layer, x)
    shapes = {name: value.shape for name, value in drawn.items()}
    assert shapes == {
        "x_scale": (30, 40),
        "h_scale": (30, 50),
        "weights": (50, 200),
        "keep_h": (20, 30, 50),
        "keep_c": (20, 30, 50),
        "x": (30, 20, 40),
    }
    of = [("x_scale", "dropout"), ("h_scale", "recurrent_dropout"), ("weights", "weight_dropout")]
    for name, option in of:
        rate, values = LSTM_RATES[option], drawn[name]
        np.testing.assert_allclose(np.unique(values), [0, 1 / (1 - rate)], rtol=1e-12)
        check_share((values == 0).mean(), rate, values.size)
        assert (values[0] != values[1]).any()  # rows differ
    for name in ("keep_h", "keep_c"):
        assert set(np.unique(drawn[name])) == {0, 1}
        check_share(drawn[name].mean(), LSTM_RATES[f"zoneout_{name[-1]}"], drawn[name].size)
        assert (drawn[name][0] != drawn[name][1]).any()  # and steps
    noise = (drawn["x"] - x) / LSTM_RATES["input_noise"]
    assert abs(noise.mean()) < 5 / np.sqrt(noise.size)
    assert abs(noise.std() - 1) < 5 / np.sqrt(2 * noise.size)


def check_share(share, rate, n):
    """Within five standard deviations."""
    assert abs(share - rate) < 5 * np.sqrt(rate * (1 - rate) / n)


# -- what it does --------------------------------------------------------------------------


def cell_of(layer):
    cell = layer.core_cell
    names = ("variant", "peephole", "activation", "recurrent_activation", "reset_after", "clip")
    return reference.Cell(cell.kind, **{name: getattr(cell, name) for name in names})


def told(layer, x, mask=None, drawn=(), states=None):
    """The layer by `reference`, with what was drawn."""
    drawn = dict(drawn)
    weights = [None if p is None else p.numpy() for p in layer.core_weights]
    weights += [None] * (5 - len(weights))
    weights[1] = weights[1] * drawn.get("weights", 1)
    cell = cell_of(layer)
    x = drawn.get("x", x) * drawn.get("x_scale", np.ones((len(x), 1)))[:, None]
    scale = drawn.get("h_scale", 1)
    step = {"lstm": reference.lstm_cell, "gru": reference.gru_cell, "rnn": reference.rnn_cell}
    n, units = reference.states_of(cell), layer.units
    if states is None:
        states = tuple(np.zeros((len(x), units * (3 if k == 2 else 1))) for k in range(n))
    return reference.run(
        lambda a, s: step[cell.kind](cell, weights, a, s, scale),
        x,
        states,
        mask,
        (drawn.get("keep_h"), drawn.get("keep_c")),
    )


def label(layer):
    kind = layer if isinstance(layer, type) else type(layer)
    return kind.__name__ + getattr(layer, "variant", "")


OTHERS = [GRU(5, reset_after=False), *(LSTM(5, variant=v, cell_clip=0.3) for v in _core.variants)]


def choices(layers):
    """Every option of every layer alone, and all of them."""
    for layer in layers:
        known = {name: rate for name, rate in LSTM_RATES.items() if name in layer.arguments}
        for name, rate in known.items():
            yield pytest.param(layer, {name: rate}, id=f"{label(layer)}-{name}")
        yield pytest.param(layer, known, id=f"{label(layer)}-all")


@pytest.mark.parametrize(
    ("layer", "chosen"), list(choices([*(kind(5) for kind in LAYERS), *OTHERS]))
)
def test_options_do_what_they_say(layer, chosen):
    """In training: against the reference with the same masks."""
    config = layer.get_config() | chosen | {"return_sequences": True, "dtype": "float64"}
    layer = built(type(layer).from_config(config | {"seed": 5, "return_state": True}))
    drawn = reads(layer, X)
    want, states = told(layer, X, drawn=drawn)
    y, *ends = layer.forward(X, True)[0]
    np.testing.assert_allclose(y, want, atol=1e-12)
    for got, end in zip(ends, states, strict=True):
        np.testing.assert_allclose(got, end, atol=1e-12)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_gru_is_the_reference(reset_after, use_bias, isa, dtype):
    layer = built(GRU(5, reset_after=reset_after, use_bias=use_bias, dtype=dtype))
    layer.return_sequences = True
    assert layer.recurrent_kernel.shape == (5, 15)
    if use_bias:
        assert layer.bias.shape == ((2, 15) if reset_after else (15,))
    mask = MASK.repeat(2, 1)[:4, :6]
    x = X.astype(dtype)
    for m in (None, mask):
        np.testing.assert_allclose(layer(x, mask=m), told(layer, X, m)[0], atol=3e-6)


@pytest.mark.parametrize("option", ["zoneout_h", "zoneout_c"])
def test_the_rate_of_zoneout_can_be_counted(option):
    """A unit that is kept has exactly the value of the step before."""
    layer = built(LSTM(40, return_sequences=True, seed=2, **{option: 0.3}), features=5)
    x = numbers(20, 30, 5).astype(np.float32)
    y = trained(layer, x)
    kept = (y[:, 1:] == y[:, :-1]).mean()
    if option == "zoneout_c":  # h is made of a new o: never the same
        assert kept < 0.01
        return
    check_share(kept, 0.3, 20 * 29 * 40)


def test_dropout_stays_for_the_whole_sequence():
    layer = SimpleRNN(6, "linear", dropout=0.5, seed=1, return_sequences=True, use_bias=False)
    built(layer, 6).set_weights([np.eye(6), np.zeros((6, 6))])
    y = trained(layer, np.ones((40, 9, 6), np.float32))  # shows the mask itself
    assert set(np.unique(y)) == {0, 2}
    assert (y == y[:, :1]).all()
    assert len(np.unique(y[:, 0], axis=0)) > 20
    check_share((y[:, 0] == 0).mean(), 0.5, 240)


# -- gradients -----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "chosen"), list(choices(LAYERS)))
def test_backward_with_noise(kind, chosen):
    layer = kind(3, dtype="float64", seed=1, return_sequences=True, return_state=True, **chosen)
    built(layer, 2)
    states = [numbers(5, 3) + k for k in range(layer.core_cell.states)]
    check_recurrent(layer, numbers(5, 5, 2), MASK, states, before=rewind(layer))


@pytest.mark.parametrize("layer", OTHERS, ids=label)
def test_backward_of_variants(layer):
    options = {"dtype": "float64", "seed": 1, "return_state": True, "go_backwards": True}
    config = layer.get_config() | {n: r for n, r in LSTM_RATES.items() if n in layer.arguments}
    layer = built(type(layer).from_config(config | options | {"units": 2}), 2)
    n = layer.core_cell.states
    states = [numbers(5, 6 if k == 2 else 2) * 0.3 + 0.1 * k for k in range(n)]
    check_recurrent(layer, numbers(5, 5, 2), MASK, states, before=rewind(layer))


def test_dropped_weights_have_no_gradient():
    layer = built(GRU(6, weight_dropout=0.5, seed=3, dtype="float64"))
    dropped = reads(layer, X)["weights"] == 0
    for _ in range(2):  # added to, as every gradient
        rewound = copy.deepcopy(layer)
        for p in rewound.weights:
            p.grad[...] = 1
        rewound.forward(X, True)[1](np.ones((4, 6)))
        grad = rewound.recurrent_kernel.grad
        assert (grad[dropped] == 1).all()
        assert (grad[~dropped] != 1).all()


def test_gradient_of_an_initial_state():
    layer, state = built(SimpleRNN(3, dtype="float64")), numbers(4, 3)
    r = numbers(4, 3) + 1
    dx, dstates = layer.forward(X, True, initial_state=state)[1](r)
    assert dx.shape == X.shape
    want = gradient(lambda: float((layer(X, initial_state=state) * r).sum()), state)
    np.testing.assert_allclose(dstates[0], want, atol=1e-8)
    assert layer.forward(X, True)[1](r).shape == X.shape


# -- threads -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LAYERS)
def test_training_does_not_depend_on_threads(kind):
    x = numbers(70, 9, 20).astype(np.float32)
    y = x[:, -1, :1]
    found = []
    before = _core.get_num_threads()
    try:
        for threads in (1, 2):
            _core.set_num_threads(threads)
            set_random_seed(4)
            layers = [kind(60, return_sequences=True, **rates(kind)), kind(33, **rates(kind))]
            model = Sequential([Input((None, 20)), *layers, Dense(1)])
            model.compile("adam", "mse")
            losses = model.fit(x, y, 35, 2, 0).history["loss"]
            found.append((losses, model.get_weights()))
    finally:
        _core.set_num_threads(before)
    assert found[0][0] == found[1][0]
    for a, b in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(a, b)


# -- states --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer", [*(kind(5) for kind in LAYERS), LSTM(5, variant="FGR")], ids=label
)
def test_stateful(layer, dtype):
    config = layer.get_config() | {"stateful": True, "return_sequences": True, "dtype": dtype.name}
    layer = built(type(layer).from_config(config))
    x, mask = X.astype(dtype), MASK.repeat(2, 1)[:4, :6]
    want = layer(x, mask=mask)
    layer.reset_states()
    for training in (False, True):
        layer.reset_state()
        parts = [
            layer(x[:, at], training=training, mask=mask[:, at])
            for at in (slice(0, 1), slice(1, 4), slice(4, 6))
        ]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), want)
    with pytest.raises(ValueError, match=rf"layer '{layer.name}' .*x: expected 4 rows .*, got 3"):
        layer(x[:3])
    assert layer(x[:3], initial_state=[s[:3] for s in layer.states]).shape == (3, 6, 5)
    layer.reset_states()
    np.testing.assert_array_equal(layer(x[:3], mask=mask[:3]), want[:3])


@every_layer
def test_a_stateful_layer_keeps_states_of_its_own(kind):
    layer = built(kind(5, stateful=True, return_state=True))
    out = layer(X)
    want = [s.copy() for s in layer.states]
    for array in out:
        array[...] = 7
    for got, kept in zip(layer.states, want, strict=True):
        np.testing.assert_array_equal(got, kept)
    given = [numbers(4, 5).astype(np.float32) for _ in layer.states]
    layer(X, initial_state=given)
    for array in layer.states:
        array[...] = 7
    assert not any((array == 7).any() for array in given)


def test_a_stateful_model():
    model = Sequential([Input((None, 3)), GRU(4, stateful=True), Dense(1)])
    model.compile(SGD(0.01), "mse")
    first = model.predict(X, batch_size=4)
    assert (model.predict(X, batch_size=4) != first).any()
    model.reset_states()
    np.testing.assert_array_equal(model.predict(X, batch_size=4), first)
    model.fit(X, X[:, 0, :1], batch_size=4, verbose=0)
    with pytest.raises(ValueError, match=r"layer 'gru.*expected 4 rows as in the call before"):
        model.predict(X, batch_size=3)


@every_layer
def test_states_out_and_in(kind):
    layer = built(kind(5, return_state=True, return_sequences=True, dtype="float64"))
    y, *states = layer(X)
    np.testing.assert_array_equal(y[:, -1], states[0])
    assert len(states) == (2 if kind is LSTM else 1)
    zeros = layer.get_initial_state(len(X))
    assert [z.shape for z in zeros] == [s.shape for s in states]
    np.testing.assert_array_equal(layer(X, initial_state=zeros)[0], y)
    first, *middle = layer(X[:, :2])
    second, *ends = layer(X[:, 2:], initial_state=tuple(middle))
    np.testing.assert_array_equal(np.concatenate((first, second), axis=1), y)
    for a, b in zip(ends, states, strict=True):
        np.testing.assert_array_equal(a, b)
    last = built(kind(5, return_state=True, dtype="float64"))
    y, h, *_ = last(X)
    np.testing.assert_array_equal(y, h)
    y += 1
    assert (y != h).all()  # two arrays
    if kind is not LSTM:  # one state needs no list
        again = layer(X[:, 2:], initial_state=middle[0])[0]
        np.testing.assert_array_equal(again, second)


@pytest.mark.parametrize(
    ("states", "error", "message"),
    [
        (np.zeros((4, 5)), ValueError, r"initial_state: expected a pair \(h, c\), got ndarray"),
        ([np.zeros((4, 5))], ValueError, r"initial_state: expected a pair \(h, c\)"),
        ([np.zeros((4, 5)), np.zeros((3, 5))], ValueError, r"c0: expected shape \(4, 5\)"),
        ([np.zeros((4, 5)), None], TypeError, "initial_state: expected real numbers"),
        ([np.zeros((4, 5)), [["a"] * 5] * 4], TypeError, "initial_state: expected real numbers"),
        ([np.zeros((4, 5)), [[1], [2, 3]]], ValueError, "initial_state: expected an array"),
        (7, ValueError, r"initial_state: expected a pair \(h, c\), got int"),
    ],
)
def test_initial_states_that_do_not_fit(states, error, message):
    layer = built(LSTM(5, name="one"))
    with pytest.raises(error, match=f"layer 'one' .LSTM.: {message}"):
        layer(X, initial_state=states)


# -- order and masks -----------------------------------------------------------------------


@every_layer
def test_backwards_with_masks(kind):
    layer = built(kind(5, go_backwards=True, return_sequences=True, dtype="float64"))
    ahead = built(kind(5, return_sequences=True, dtype="float64"))
    x = numbers(5, 5, 3)
    np.testing.assert_array_equal(layer(x), ahead(x[:, ::-1]))
    y = layer(x, mask=MASK)
    np.testing.assert_array_equal(y, ahead(x[:, ::-1], mask=MASK[:, ::-1]))
    np.testing.assert_array_equal(layer.compute_mask(x, MASK), MASK[:, ::-1])
    layer.return_sequences = False
    assert layer.compute_mask(x, MASK) is None
    for row in range(4):
        np.testing.assert_array_equal(layer(x, mask=MASK)[row], alone(layer, x, MASK, row)[0][0])


@pytest.mark.parametrize("backwards", [False, True])
@every_layer
def test_zero_output_for_mask(kind, backwards):
    options = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    zero = built(kind(5, zero_output_for_mask=True, **options))
    carried = built(kind(5, **options))
    x = numbers(5, 5, 3).astype(np.float32)
    real = MASK[:, ::-1] if backwards else MASK
    y, *states = zero(x, mask=MASK)
    want, *same = carried(x, mask=MASK)
    np.testing.assert_array_equal(y, want * real[..., None])
    assert (want[0] != 0).all()
    assert (want[1, 1] == want[1, 0]).all()
    for a, b in zip(states, same, strict=True):
        np.testing.assert_array_equal(a, b)
    zero.return_sequences = carried.return_sequences = False
    np.testing.assert_array_equal(zero(x, mask=MASK)[0], carried(x, mask=MASK)[0])


def test_noise_does_not_reach_masked_steps():
    layer = built(LSTM(5, return_sequences=True, seed=1, dtype="float64", **LSTM_RATES))
    x = numbers(5, 5, 3)
    back = rewind(layer)
    want = layer.forward(x, True, MASK)[0].copy()
    back()
    wild = np.where(MASK[..., None], x, np.nan)
    y, way = layer.forward(wild, True, MASK)
    np.testing.assert_array_equal(y, want)
    assert (way(np.ones_like(y))[~MASK] == 0).all()
    assert all(np.isfinite(p.grad).all() for p in layer.weights)


# -- weights -------------------------------------------------------------------------------

GATES = {"NIG": 3, "NFG": 3, "NOG": 3, "CIFG": 3}
PEEPHOLES = {"vanilla": 0, "NP": 0, "NIG": 2, "NFG": 2, "NOG": 2, "CIFG": 2}


@pytest.mark.parametrize("peephole", [None, False, True])
@pytest.mark.parametrize("variant", _core.variants)
def test_weights_of_variants(variant, peephole):
    if (variant, peephole) in (("NP", True), ("peephole", False)):
        with pytest.raises(ValueError, match=f"peephole: expected {not peephole} with variant="):
            LSTM(5, variant=variant, peephole=peephole)
        return
    layer = LSTM(5, variant=variant, peephole=peephole)
    layer(X)
    wide = 5 * GATES.get(variant, 4)
    rows = 3 if peephole and variant == "vanilla" else PEEPHOLES.get(variant, 3)
    rows = 0 if peephole is False else rows
    want = {"kernel": (3, wide), "recurrent_kernel": (5, wide), "bias": (wide,)}
    want |= {"peephole_kernel": (rows, 5)} if rows else {}
    want |= {"gate_kernel": (15, 15)} if variant == "FGR" else {}
    assert {p.name: p.shape for p in layer.weights} == want
    assert [w.shape for w in layer.get_weights()] == list(want.values())
    forget = {"NIG": 0, "NFG": None, "CIFG": None}.get(variant, 1)
    ones = np.zeros(wide)
    if forget is not None:
        ones[forget * 5 : forget * 5 + 5] = 1
    np.testing.assert_array_equal(layer.bias.numpy(), ones)
    assert not LSTM(5, variant=variant, use_bias=False, unit_forget_bias=True).use_bias


@pytest.mark.parametrize("layer", OTHERS, ids=label)
def test_fit_learns(layer, tmp_path):
    x = numbers(32, 6, 3).astype(np.float32)
    y = x[:, -2:, 0].sum(axis=1)
    known = {n: r / 10 for n, r in LSTM_RATES.items() if n in layer.arguments}
    layer = type(layer).from_config(layer.get_config() | known | {"units": 8})
    model = Sequential([Input((6, 3)), layer, Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.learning_rate = 0.02
    losses = model.fit(x, y, 16, 12, 0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.layers[0].get_config() == layer.get_config()


# -- configs and arguments -----------------------------------------------------------------

FLAGS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")


class OwnRNN(SimpleRNN):
    """Somebody's subclass."""


@pytest.mark.parametrize("kind", [*LAYERS, OwnRNN])
def test_configs(kind):
    options = rates(kind) | {"seed": 9, "zero_output_for_mask": True} | dict.fromkeys(FLAGS, True)
    if kind is LSTM:
        options |= {"variant": "CIFG", "cell_clip": 2.5}
    if kind is GRU:
        options |= {"reset_after": False}
    layer = kind(4, **options)
    config = layer.get_config()
    assert {name: config[name] for name in options} == options
    assert ("recurrent_activation" in config) is (kind in (LSTM, GRU))
    for again in (kind.from_config(config), copy.deepcopy(layer)):
        assert again.get_config() == config
    plain = kind(4).get_config()
    assert not any(plain[name] for name in options if name not in ("variant", "reset_after"))


@pytest.mark.parametrize(
    ("kind", "option", "values"),
    [
        (LSTM, "dropout", (-0.1, 1.0, np.nan, "a", True, None)),
        (GRU, "recurrent_dropout", (-0.1, 1, np.nan, "a", True, None)),
        (SimpleRNN, "weight_dropout", (-0.1, 1, np.nan, "a", True, None)),
        (LSTM, "zoneout_c", (-0.1, 1, np.nan, "a", True, None)),
        (GRU, "zoneout_h", (-0.1, 1, np.nan, "a", True, None)),
        (SimpleRNN, "input_noise", (-0.1, np.inf, np.nan, "a", True, None)),
        (LSTM, "cell_clip", (-0.1, 0, np.inf, np.nan, "a", True)),
        (LSTM, "variant", ("nig", None, 3)),
        (GRU, "seed", (-1, 1.5, True, "a")),
    ],
)
def test_values_that_are_refused(kind, option, values):
    for value in values:
        with pytest.raises(ValueError, match=f"layer 'one' .{kind.__name__}.: {option}: expected"):
            kind(3, name="one", **{option: value})


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (GRU, "zoneout_c"),
        (GRU, "cell_clip"),
        (SimpleRNN, "variant"),
        (SimpleRNN, "recurrent_activation"),
        (OwnRNN, "recurrent_activation"),
        (LSTM, "zoneout"),
        (LSTM, "reset_after"),
    ],
)
def test_arguments_of_others_are_refused(kind, option):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no argument '{option}'"):
        kind(3, **{option: 0.1})
