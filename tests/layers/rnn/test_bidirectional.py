"""Bidirectional: both directions merged, gradients, masks, states, weights and files."""

import copy

import numpy as np
import pytest
from helpers import numbers
from recurrent_checks import MASK, alone, check_recurrent

from lstmcore import Input, Sequential, load_model
from lstmcore.activations import HardSigmoid
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Cell,
    Dense,
    GRUCell,
    LSTMCell,
    Masking,
    SimpleRNN,
    SimpleRNNCell,
    get,
)
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed

MODES = ["concat", "sum", "mul", "ave", None]


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def lstm(*args, **kwargs):
    return RNN(LSTMCell(3), *args, **kwargs)


def gru_mish():
    """A layer that runs in NumPy."""
    return GRU(3, "mish", return_sequences=True)


def directions(layer):
    """The two layers, to be called by themselves."""
    return layer.forward_layer, layer.backward_layer


# -- masks and penalties of the layers inside ---------------------------------------------------


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [lstm, lambda **kw: LSTM(3, **kw)], ids=["cell", "core"])
def test_every_output_has_its_mask(mode, backwards, make):
    layer = Bidirectional(make(return_sequences=True, go_backwards=backwards), mode)
    x, end = numbers(5, 5, 2), LSTM(2)
    ys, _, masks = layer.run(layer.prepare_call(x, MASK)[0], False, MASK)
    ys, masks = (ys, masks) if mode is None else ([ys], [masks])
    for k, (y, mask) in enumerate(zip(ys, masks, strict=True)):
        np.testing.assert_array_equal(mask, MASK[:, ::-1] if backwards else MASK)
        for row in range(4):
            short = layer(x[row, MASK[row]][None])
            want = end(short[k] if mode is None else short)
            np.testing.assert_allclose(end(y, mask=mask)[row], want[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("make", [LSTM, SimpleRNN, lambda n, **kw: RNN(GRUCell(n), **kw)])
def test_the_penalties_of_the_layers_inside_count(make, sequences):
    """As in Keras 0.01 sum(y^2) / batch for each direction; no masked step has one."""
    layer = Bidirectional(make(2, return_sequences=sequences, activity_regularizer="l2"))
    model = Sequential([Input((5, 2)), Masking(), layer, Dense(1)])
    model.compile("sgd", "mse")
    x = np.where(MASK[..., None], numbers(5, 5, 2), 0).astype("float32")
    middle, target = layer(Masking()(x)), model(x)
    penalty = 0.01 * (middle**2).sum() / 5  # it is 0 at masked steps
    assert model.evaluate(x, target, verbose=0) == pytest.approx(penalty, rel=1e-5)
    before = layer.get_weights()
    assert model.train_on_batch(x, target) == pytest.approx(penalty, rel=1e-5)
    assert all((a != b).any() for a, b in zip(before, layer.get_weights(), strict=True))


# -- what comes out ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sequences", [False, True])
def test_the_output_is_that_of_two_layers(mode, sequences):
    layer = Bidirectional(lstm(sequences), mode)
    x = numbers(2, 5, 4)
    y = layer(x)
    forward, backward = directions(layer)
    a, b = forward(x), backward(x)
    b = b[:, ::-1] if sequences else b
    want = {
        "concat": np.concatenate((a, b), axis=-1),
        "sum": a + b,
        "mul": a * b,
        "ave": (a + b) / 2,
        None: (a, b),
    }[mode]
    if mode is None:
        assert isinstance(y, tuple)
        assert layer.compute_output_shape((2, 5, 4)) == tuple(one.shape for one in y)
    else:
        assert layer.compute_output_shape((2, 5, 4)) == y.shape
    np.testing.assert_array_equal(y, want)
    assert layer.single_output is (mode is not None)
    # the backward layer is one that sees x turned round
    backward.go_backwards = False
    np.testing.assert_array_equal(backward(x[:, ::-1]), b[:, ::-1] if sequences else b)


@pytest.mark.parametrize("mode", ["concat", None])
def test_states_come_out_forward_first(mode):
    layer = Bidirectional(lstm(return_state=True), mode)
    x, states = numbers(2, 5, 4), [numbers(2, 3) + k for k in range(4)]
    out = layer(x, initial_state=states)
    forward, backward = directions(layer)
    a, *states_a = forward(x, initial_state=states[:2])
    b, *states_b = backward(x, initial_state=states[2:])
    y = [np.concatenate((a, b), axis=-1)] if mode else [a, b]
    assert len(out) == len(y) + 4
    for got, want in zip(out, [*y, *states_a, *states_b], strict=True):
        np.testing.assert_array_equal(got, want)
    assert layer.compute_output_shape((2, 5, 4)) == tuple(one.shape for one in out)
    assert not layer.single_output


def test_states_of_stacks():
    layer = Bidirectional(RNN([LSTMCell(2), GRUCell(3)], return_state=True), dtype="float64")
    states = [[[numbers(5, 2), numbers(2, 5).T], [numbers(5, 3)]] for _ in range(2)]
    given = [part for half in states for part in half]
    check_recurrent(layer, numbers(5, 5, 2), mask=MASK, states=given)


# -- backward --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("steps", [1, 4])
def test_backward(mode, sequences, steps):
    check_recurrent(Bidirectional(lstm(sequences, dtype="float64"), mode), numbers(2, steps, 4))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sequences", [False, True])
def test_backward_with_masks_and_states(mode, sequences):
    layer = Bidirectional(lstm(sequences, return_state=True), mode, dtype="float64")
    states = [numbers(5, 3) + k for k in range(4)]
    check_recurrent(layer, numbers(5, 5, 2), mask=MASK, states=states)
    layer = Bidirectional(RNN(GRUCell(2), sequences), mode, dtype="float64")
    check_recurrent(layer, numbers(5, 5, 2), mask=MASK, states=[numbers(5, 2), numbers(5, 2) - 1])


def test_no_gradient_is_none():
    layer = Bidirectional(lstm(return_state=True), None, dtype="float64")
    x, dy = numbers(2, 4, 2), numbers(2, 3)
    layer(x)
    zero = np.zeros((2, 3))
    want = layer.forward(x, True)[1]((dy, zero, zero, zero, zero, dy))
    got = layer.forward(x, True)[1]((dy, None, None, None, None, dy))
    np.testing.assert_array_equal(got, want)
    assert layer.forward(x, True)[1]((dy, None, None, None, None, dy), need_dx=False) is None
    assert layer.forward(x)[1] is None
    merged = Bidirectional(lstm(return_state=True), dtype="float64")
    merged(x)
    assert merged.forward(x, True)[1]((None, dy, None, None, None)).any()


# -- masks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cell", [LSTMCell, GRUCell, SimpleRNNCell])
def test_a_masked_row_is_the_row_alone(mode, cell, dtype):
    """To the last bit, wherever the gaps are; 0 at masked steps."""
    x = numbers(5, 5, 2)
    x[~MASK] = np.nan
    for sequences in (False, True):
        layer = Bidirectional(RNN(cell(4), sequences, return_state=True), mode, dtype=dtype)
        out = layer(x, mask=MASK)
        outputs = 1 if mode else 2
        for row in range(4):
            for k, want in enumerate(alone(layer, x, MASK, row)):
                got = out[k][row]
                if sequences and k < outputs:
                    assert (got[~MASK[row]] == 0).all()
                    got = got[MASK[row]]
                np.testing.assert_array_equal(got, want[0])
        assert all((one[4] == 0).all() for one in out)


def test_zero_output_for_mask_is_set_for_both():
    for sequences in (False, True):
        back = lstm(sequences, go_backwards=True, zero_output_for_mask=True)
        for other in (None, back):
            layer = Bidirectional(lstm(sequences), backward_layer=other)
            for one in directions(layer):
                assert one.zero_output_for_mask is sequences
        assert (layer.compute_mask(None, MASK) is MASK) is sequences


# Keras 2.2.4 on TensorFlow 1.15.5, and on Theano: Bidirectional(LSTM(2, return_sequences=True)) of
# 3 cos(1.3 k) in place k, with the steps of MASK[1:4]; weight n has 0.9 cos(1.7 k + 0.3 n) there
OLD = [
    [0.085965, -0.17547, -0.379381, -0.046406],
    [0.085965, -0.17547, -0.540271, -0.046319],
    [0.281033, -0.17547, -0.540271, -0.046319],
    [0.281033, -0.17547, -0.171725, -0.019992],
    [0.119174, -0.199795, -0.171725, -0.019992],
    [0.0, 0.0, -0.301129, 0.743018],
    [0.0, 0.0, -0.301129, 0.743018],
    [0.195242, 0.0, -0.301129, 0.743018],
    [0.249435, 0.037819, 0.035969, 0.166177],
    [0.212297, 0.699077, -0.27237, 0.0],
    [0.095965, -0.152592, 0.173502, 0.230697],
    [0.398438, 0.037453, -0.271732, 0.040421],
    [0.088976, 0.081784, -0.45617, 0.0],
    [0.088976, 0.081784, 0.0, 0.0],
    [0.088976, 0.081784, 0.0, 0.0],
]


def test_masked_steps_are_those_of_keras_2_2():
    inner = LSTM(2, recurrent_activation=HardSigmoid(0.2), return_sequences=True)
    model = Sequential([Input((5, 2)), Masking(), Bidirectional(inner, zero_output_for_mask=False)])
    for n, p in enumerate(model.weights):
        p.assign(0.9 * np.cos(1.7 * np.arange(p.value.size) + 0.3 * n).reshape(p.shape))
    x = 3 * np.cos(1.3 * np.arange(30)).reshape(3, 5, 2) * MASK[1:4, :, None]
    np.testing.assert_allclose(model.predict(x).reshape(15, 4), OLD, atol=2e-6)


def test_masked_steps_carried_on():
    """Each direction on its own: what stands at a masked step is what it returned before it."""
    x = numbers(5, 5, 2)
    for make in (lambda: LSTM(3, return_sequences=True), lambda: lstm(True), gru_mish):
        layer = Bidirectional(make(), None, zero_output_for_mask=False)
        ahead, back = layer(x, mask=MASK)
        zero = Bidirectional(make(), None)
        zero(x)
        zero.set_weights(layer.get_weights())
        for got, other, step in zip((ahead, back), zero(x, mask=MASK), (1, -1), strict=True):
            want, last = np.array(other), np.zeros((5, 3))
            for t in range(5)[::step]:
                want[:, t] = last = np.where(MASK[:, t, None], want[:, t], last)
            np.testing.assert_array_equal(got, want)
            assert (got[~MASK] != 0).any()


def test_carried_on_from_the_initial_states():
    x, states = numbers(5, 5, 2), [numbers(5, 3) for _ in range(4)]
    layer = Bidirectional(LSTM(3, return_sequences=True), None, zero_output_for_mask=False)
    ahead, back = layer(x, mask=MASK, initial_state=states)
    np.testing.assert_array_equal(ahead[2, :2], [states[0][2].astype("f4")] * 2)  # padded left
    np.testing.assert_array_equal(back[3, 3:], [states[2][3].astype("f4")] * 2)  # padded right


@pytest.mark.parametrize("mode", ["concat", "mul", None])
@pytest.mark.parametrize(
    "make", [lstm, lambda s: LSTM(3, return_sequences=s), lambda s: gru_mish()]
)
def test_gradients_of_carried_steps(make, mode):
    layer = Bidirectional(make(True), mode, zero_output_for_mask=False, dtype="float64")
    states = [numbers(5, 3) / 2 for _ in range(2 * len(layer.forward_layer.get_initial_state(5)))]
    check_recurrent(layer, numbers(5, 5, 2), mask=MASK, states=states)


def test_carrying_on_is_in_configs_and_files(tmp_path):
    layer = Bidirectional(LSTM(3, return_sequences=True), zero_output_for_mask=False)
    model = Sequential([Input((5, 2)), Masking(), layer, Dense(1)])
    x = numbers(5, 5, 2) * MASK[..., None]
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert not again.layers[1].forward_layer.zero_output_for_mask
    config = layer.get_config()
    assert config["zero_output_for_mask"] is False
    del config["zero_output_for_mask"]  # of a file from before it
    old = Bidirectional.from_config(config)
    assert old.forward_layer.zero_output_for_mask
    assert old.backward_layer.zero_output_for_mask


# -- the two layers ----------------------------------------------------------------------------


def test_names_and_the_order_of_weights():
    inner = RNN(LSTMCell(3, name="cell"), name="inner")
    layer = Bidirectional(inner, name="both")
    layer(numbers(2, 4, 2))
    weights = ("kernel", "recurrent_kernel", "bias")
    assert [path for path, _, _ in layer.named_params("both/")] == [
        f"both/{way}_inner/cell/{weight}" for way in ("forward", "backward") for weight in weights
    ]
    assert [p.shape for p in layer.weights] == [(2, 12), (3, 12), (12,)] * 2
    assert Bidirectional(inner).name.startswith("bidirectional")
    assert not inner.built


def test_the_layer_given_is_not_used_itself():
    inner = lstm()
    x = numbers(2, 4, 2)
    inner(x)
    before = inner.get_weights()
    layer = Bidirectional(inner)
    layer(x)
    layer.set_weights([w + 1 for w in layer.get_weights()])
    for was, now in zip(before, inner.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert layer.forward_layer.cell is not inner.cell
    assert layer.forward_layer.cell is not layer.backward_layer.cell


def test_a_layer_that_goes_backwards_is_turned_too():
    layer = Bidirectional(lstm(go_backwards=True))
    assert [one.go_backwards for one in directions(layer)] == [True, False]


def test_a_backward_layer_of_its_own():
    back = RNN(GRUCell(4, name="g"), return_sequences=True, go_backwards=True, name="mine")
    layer = Bidirectional(lstm(True), backward_layer=back, dtype="float64")
    assert layer.backward_layer is back
    check_recurrent(layer, numbers(5, 5, 2), mask=MASK)
    assert layer(numbers(2, 3, 2)).shape == (2, 3, 7)
    again = Bidirectional.from_config(layer.get_config())
    assert again.backward_layer.name == "mine"
    with pytest.raises(ValueError, match=r"backward_layer: expected outputs of shape \(2, 3, 3\)"):
        Bidirectional(lstm(True), "sum", backward_layer=back)(numbers(2, 3, 2))


def test_weights_to_begin_with():
    weights = [numbers(*s) + k for k in range(2) for s in ((2, 12), (3, 12), (12,))]
    layer = Bidirectional(lstm(), weights=weights, dtype="float64")
    layer(numbers(2, 4, 2))
    for got, want in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, want)
    assert "weights" not in layer.get_config()
    with pytest.raises(ValueError, match=r"weights: expected 6 arrays, .*, got 3"):
        Bidirectional(lstm(), weights=weights[:3])(numbers(2, 4, 2))
    with pytest.raises(ValueError, match=r"weights\[0\]: expected shape \(5, 12\), got \(2, 12\)"):
        Bidirectional(lstm(), weights=weights)(numbers(2, 4, 5))


def test_weights_for_a_backward_layer_that_has_some():
    back = lstm(go_backwards=True, dtype="float64")
    back(numbers(2, 4, 2))
    weights = [numbers(*s) + k for k in range(2) for s in ((2, 12), (3, 12), (12,))]
    layer = Bidirectional(lstm(), weights=weights, backward_layer=back)
    layer(numbers(2, 4, 2))
    np.testing.assert_array_equal(back.get_weights()[0], weights[3])
    np.testing.assert_array_equal(layer.get_weights()[0], weights[0])


def test_stateful_calls_go_on():
    layer = Bidirectional(lstm(True, stateful=True), None)
    x = numbers(2, 4, 3)
    first, second = layer(x), layer(x)
    assert layer.stateful
    for k in (0, 1):
        assert (first[k] != second[k]).any()
    # the backward direction begins the second call with what it had at the start of the first
    backward = layer.backward_layer
    backward.reset_states()
    long = backward(np.concatenate((x, x), axis=1))
    np.testing.assert_array_equal(second[1], long[:, :3:-1])
    layer.reset_states()
    np.testing.assert_array_equal(layer(x), first)
    layer.reset_state()
    np.testing.assert_array_equal(layer(x), first)


# -- models, copies, files ---------------------------------------------------------------------


def a_model(mode="concat"):
    return Sequential(
        [
            Bidirectional(lstm(True), mode, input_shape=(6, 2)),
            Bidirectional(RNN([GRUCell(2), SimpleRNNCell(2)]), "sum"),
            Dense(1),
        ]
    )


def test_a_model_learns_and_comes_back(tmp_path):
    model = a_model()
    assert model.output_shape == (None, 1)
    x = numbers(50, 6, 2)
    model.compile(Adam(0.01), "mse")
    losses = model.fit(x, x[:, 0, 0] + x[:, -1, 0], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    y = model.predict(x)
    model.save(tmp_path / "m.safetensors")
    for again in (load_model(tmp_path / "m.safetensors"), copy.deepcopy(model)):
        np.testing.assert_array_equal(again.predict(x), y)
        assert again.get_config() == model.get_config()
    again.fit(x, x[:, 0, 0], verbose=0)
    np.testing.assert_array_equal(model.predict(x), y)


def test_config_round_trip():
    layer = Bidirectional(lstm(True), "mul", name="b")
    layer.backward_layer.trainable = False
    config = layer.get_config()
    again = get({"class_name": "Bidirectional", "config": config})
    assert again.get_config() == config
    assert not again.backward_layer.trainable
    assert repr(again) == repr(layer)
    layer(numbers(2, 3, 2))
    assert len(layer.trainable_weights) == 3


def test_a_cell_that_no_registry_knows():
    class Mine(Cell):
        def __init__(self, units, act=np.tanh, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units
            self.act = act

        def step(self, x, states, training=False):
            h = states[0] + self.act(x)
            return h, [h], lambda dy, ds: (dy, [ds[0] + dy])

    assert Bidirectional(RNN(Mine(3, np.sin)))(numbers(2, 4, 3)).shape == (2, 6)


def test_the_number_type_is_the_layers():
    assert Bidirectional(RNN(GRUCell(2, dtype="float64")))(np.ones((1, 2, 3))).dtype == "float64"
    with pytest.raises(ValueError, match="dtype: expected float32"):
        Bidirectional(RNN(GRUCell(2, dtype="float64")), dtype="float32")(np.ones((1, 2, 3)))


# -- what it refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Bidirectional(Dense(2), name="b"),
            r"'b' \(Bidirectional\): layer: expected a recurrent layer \(with go_.*got Dense",
        ),
        (lambda: Bidirectional(3), "layer: expected a recurrent layer .*got 3"),
        (lambda: Bidirectional(lstm(), backward_layer=Dense(2)), "backward_layer: expected a recu"),
        (lambda: Bidirectional(lstm(), "max"), "merge_mode: expected concat, sum, .* got 'max'"),
        (lambda: Bidirectional(lstm(), weights=3), "weights: expected a list of arrays, got int"),
        (
            lambda: Bidirectional(lstm(), backward_layer=lstm()),
            "backward_layer: expected go_backwards=True, .*got False",
        ),
        (
            lambda: Bidirectional(lstm(True), backward_layer=lstm(go_backwards=True)),
            "backward_layer: expected return_sequences=True, as the layer has, got False",
        ),
        (
            lambda: Bidirectional(lstm(), backward_layer=lstm(False, True, True)),
            "backward_layer: expected return_state=False, as the layer has, got True",
        ),
        (
            lambda: Bidirectional(lstm(), backward_layer=lstm(go_backwards=True, stateful=True)),
            "backward_layer: expected stateful=False, as the layer has, got True",
        ),
        (
            lambda: Bidirectional(
                lstm(name="a"), backward_layer=lstm(go_backwards=True, name="forward_a")
            ),
            "backward_layer: expected a name of its own, got 'forward_a'",
        ),
        (lambda: Sequential([Bidirectional(lstm(), None), Dense(1)]), "only be the last"),
    ],
)
def test_constructors_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("states", "message"),
    [
        (np.ones((2, 3)), "initial_state: expected a list of states, .*, got ndarray"),
        ([np.ones((2, 3))] * 3, "initial_state: expected a list of states, .*, got 3"),
        ([np.ones((2, 3))] * 2, r"'forward_rnn.*initial_state: expected arrays of shapes"),
    ],
)
def test_states_it_refuses(states, message):
    with pytest.raises(ValueError, match=message):
        Bidirectional(lstm())(np.ones((2, 4, 3)), initial_state=states)


# -- the compiled layers -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["concat", None])
@pytest.mark.parametrize(
    ("layer", "cell"),
    [(LSTM, LSTMCell), (GRU, GRUCell), (SimpleRNN, SimpleRNNCell)],
    ids=["lstm", "gru", "rnn"],
)
def test_compiled_layers(layer, cell, mode):
    x = numbers(5, 5, 2)
    fast = Bidirectional(layer(3, return_sequences=True, return_state=True), mode, dtype="float64")
    slow = Bidirectional(RNN(cell(3), True, return_state=True), mode, dtype="float64")
    states = [numbers(5, 3) + k for k in range(4 if layer is LSTM else 2)]
    fast(x), slow(x)
    slow.set_weights(fast.get_weights())
    outs = [one(x, mask=MASK, initial_state=states) for one in (fast, slow)]
    for got, want in zip(*outs, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-12)
    check_recurrent(fast, x, mask=MASK, states=states)
    x[~MASK] = np.nan
    out = fast(x, mask=MASK)
    for row in range(4):
        for got, want in zip(out, alone(fast, x, MASK, row), strict=True):
            real = got[row][MASK[row]] if got.ndim == 3 else got[row]
            np.testing.assert_array_equal(real, want[0])


def test_compiled_layers_in_a_model(tmp_path):
    model = Sequential(
        [
            Bidirectional(LSTM(4, return_sequences=True, variant="CIFG"), input_shape=(6, 2)),
            Bidirectional(GRU(3)),
            Dense(1),
        ]
    )
    x = numbers(50, 6, 2)
    model.compile(Adam(0.02), "mse")
    losses = model.fit(x, x[:, 0, 0] + x[:, -1, 0], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.get_config() == model.get_config()
