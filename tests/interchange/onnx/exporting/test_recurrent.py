"""LSTM, GRU, SimpleRNN and RNN as nodes: their options, states, and the streaming form."""

import numpy as np
import onnx
import pytest
from onnx_exports import SEQUENCES as X
from onnx_exports import attributes, exported, nodes, of_one, refused_by_name, same

from lstmcore import Input, Model, Sequential, activations, layers
from lstmcore.interchange.onnx.exporting import model_bytes
from lstmcore.structure import flatten
from lstmcore.utils import set_random_seed


def check(layer, count=1):
    model = of_one(layer)
    assert len(nodes(model)) == count
    same(exported(model).run([X]), flatten([model.predict(X, verbose=0)]))


CLIPPED = activations.clipped.using(function="tanh", limit=0.5)
WAYS = ({}, {"return_sequences": True}, {"return_sequences": True, "return_state": True})


@pytest.mark.parametrize("way", WAYS, ids=["last", "all", "states"])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cls", ["LSTM", "GRU", "SimpleRNN"])
def test_ways_of_returning(cls, backwards, way):
    check(getattr(layers, cls)(5, go_backwards=backwards, **way))


@pytest.mark.parametrize(
    "options",
    [
        {"variant": "peephole"},
        {"variant": "CIFG"},
        {"variant": "CIFG", "peephole": False},
        {"variant": "NIAF"},
        {"variant": "NOAF", "peephole": False},
        {"variant": "NP"},
        {"output_activation": "softsign"},
        {"activation": activations.scaled_tanh.using(alpha=1.5, beta=0.5)},
        {
            "activation": activations.clipped.using(function="tanh", limit=0.4),
            "recurrent_activation": activations.clipped.using(function="sigmoid", limit=0.4),
            "output_activation": "tanh",
            "variant": "peephole",
        },
        {"output_activation": "linear", "activation": "elu", "variant": "NIAF"},
        {"use_bias": False},
        {"activation": "softsign", "recurrent_activation": "hard_sigmoid"},
        {"activation": "linear", "recurrent_activation": activations.HardSigmoid(0.2, 0.5)},
        {"activation": activations.elu.using(alpha=0.7)},
        {"activation": "leaky_relu"},
        {"activation": "softplus", "recurrent_activation": "softsign"},
        {"activation": activations.relu.using(negative_slope=0.1)},
        {"activation": activations.relu.using(threshold=0.2)},
        {"zoneout_h": 0.3, "dropout": 0.3, "recurrent_dropout": 0.2, "weight_dropout": 0.1},
    ],
    ids=str,
)
def test_lstm_options(options):
    check(layers.LSTM(5, return_sequences=True, **options))


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_gru_options(reset_after, use_bias):
    layer = layers.GRU(5, reset_after=reset_after, use_bias=use_bias)
    check(layer)
    assert attributes(nodes(of_one(layers.GRU(5)))[0])["linear_before_reset"] == 1


def test_peepholes_stand_in_their_order():
    model = of_one(layers.LSTM(2, variant="peephole", name="h"))
    proto = onnx.load_from_string(model_bytes(model))
    found = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}
    i, f, o = model.layers[0].peephole_kernel.numpy()
    np.testing.assert_array_equal(found["h/P"], [[*i, *o, *f]])


def test_one_limit_for_all_is_the_clip_of_a_node():
    (node,) = nodes(of_one(layers.GRU(3, CLIPPED, CLIPPED)))
    assert attributes(node)["clip"] == 0.5
    check(layers.GRU(3, CLIPPED, CLIPPED))
    check(layers.SimpleRNN(3, CLIPPED, return_sequences=True))


@pytest.mark.parametrize(
    ("layer", "option"),
    [
        (layers.LSTM(3, activation="gelu", name="a"), "activation"),
        (layers.GRU(3, recurrent_activation="mish", name="a"), "recurrent_activation"),
        (layers.GRU(3, CLIPPED, name="a"), "recurrent_activation and activation"),
        (layers.LSTM(3, CLIPPED, CLIPPED, name="a"), "activation"),
        (layers.SimpleRNN(3, activations.relu.using(max_value=2.0), name="a"), "activation"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_no_node_says(layer, option):
    refused_by_name(of_one(layer), layer, option)


def test_cells_in_a_loop():
    check(layers.RNN(layers.LSTMCell(5, variant="peephole"), return_state=True))
    check(layers.RNN(layers.GRUCell(5, reset_after=False), return_sequences=True))
    stack = [layers.SimpleRNNCell(3), layers.LSTMCell(5), layers.GRUCell(2)]
    check(layers.RNN(stack, return_sequences=True, return_state=True), 3)
    check(layers.RNN(stack, go_backwards=True), 3)


def test_a_cell_that_is_no_node():
    class Own(layers.LSTMCell):
        pass

    layer = layers.RNN(Own(3, name="c"), name="r")
    refused_by_name(of_one(layer), layer, "cell")


# -- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_initial_states(masked, backwards):
    """Also of rows in which every step is masked: they keep the states they begin with."""
    set_random_seed(1)
    x, h, c = Input((None, 4)), Input((5,)), Input((5,))
    inner = layers.Masking()(x) if masked else x
    lstm = layers.LSTM(5, return_sequences=True, return_state=True, go_backwards=backwards)
    model = Model([x, h, c], list(lstm(inner, initial_state=[h, c])))
    values = np.array(X)
    values[1, 2:4] = values[2] = 0
    given = [values, X[:, 0].repeat(2, 1)[:, :5], X[:, 1].repeat(2, 1)[:, :5]]
    same(exported(model).run(given), flatten([model.predict(given, verbose=0)]))


def test_encoder_and_decoder():
    set_random_seed(1)
    x, y = Input((None, 4), name="x"), Input((None, 2), name="y")
    _, *states = layers.GRU(5, return_state=True)(x)
    h = layers.GRU(5, return_sequences=True)(y, initial_state=states)
    model = Model([x, y], layers.Dense(3, "softmax")(h))
    graph = exported(model)
    assert [t.shape for t in graph.runner.inputs] == [
        ("batch", "x_time", 4),
        ("batch", "y_time", 2),
    ]
    same(graph.run([X, X[:, :2, :2]]), [model.predict([X, X[:, :2, :2]], verbose=0)])


def streaming():
    set_random_seed(1)
    return Sequential(
        [
            Input((None, 4)),
            layers.Masking(),
            layers.LSTM(5, return_sequences=True, name="first"),
            layers.LayerNormalization(),
            layers.RNN([layers.GRUCell(3, name="u"), layers.LSTMCell(2, name="v")], True),
            layers.TimeDistributed(layers.Dense(4, "relu")),
            layers.SimpleRNN(3, name="last"),
            layers.Dense(2, name="end"),
        ]
    )


@pytest.mark.parametrize("cut", [(6,), (2, 4), (1, 1, 1, 3)])
def test_chunks_are_the_whole(cut):
    model, x = streaming(), np.array(X)
    x[0, 1] = x[1, 4:] = x[2, :3] = 0
    runner = exported(model, stateful=True).runner
    states = {t.name: np.zeros((3, t.shape[1]), "float32") for t in runner.inputs[1:]}
    assert list(states) == ["first_h", "first_c", "u_h", "v_h", "v_c", "last_h"]
    assert [t.name for t in runner.outputs] == ["end", *(f"{name}_out" for name in states)]
    start = 0
    for n in cut:
        found = runner.run({runner.inputs[0].name: x[:, start : start + n], **states})
        states = {name: found[f"{name}_out"] for name in states}
        start += n
    same([found["end"]], [model.predict(x, verbose=0)])


def test_the_last_output_is_a_state_too():
    model = of_one(layers.GRU(3, name="g"))
    runner = exported(model, stateful=True).runner
    found = runner.run({runner.inputs[0].name: X, "g_h": np.zeros((3, 3))})
    same([found["g"], found["g_h_out"]], [model.predict(X, verbose=0)] * 2)


@pytest.mark.parametrize(
    ("layer", "option"),
    [
        (layers.GRU(3, go_backwards=True, name="a"), "go_backwards"),
        (layers.Bidirectional(layers.GRU(3), name="a"), "stateful"),
        (layers.Conv1D(3, 2, name="a"), "x"),
        (layers.GlobalAveragePooling1D(name="a"), "x"),
        (layers.LayerNormalization([1, 2], name="a"), "x"),
        (layers.UnitNormalization(1, name="a"), "x"),
        (layers.Activation(activations.softmax.using(axis=1), name="a"), "x"),
    ],
    ids=lambda v: v if isinstance(v, str) else type(v).__name__,
)
def test_what_needs_the_whole_sequence(layer, option):
    set_random_seed(1)
    rnn = layers.GRU(4, return_sequences=True)
    shape = (5, 4) if isinstance(layer, layers.LayerNormalization) else (None, 4)
    refused_by_name(Sequential([Input(shape), rnn, layer]), layer, option, stateful=True)


def test_a_decoder_has_no_chunks():
    after = layers.GRU(2, name="after")
    model = Sequential([Input((None, 4)), layers.GRU(3), layers.RepeatVector(2), after])
    refused_by_name(model, after, "x", stateful=True)


def test_a_model_without_states_is_no_stream():
    with pytest.raises(ValueError, match="stateful: expected False for a model without"):
        model_bytes(Sequential([Input((4,)), layers.Dense(2)]), stateful=True)


def test_steps_apart_have_no_states():
    model = Sequential(
        [
            Input((None, 3, 4)),
            layers.TimeDistributed(layers.GRU(3)),
            layers.GRU(2, return_sequences=True, name="g"),
        ]
    )
    x = np.stack([X[:, :3], X[:, 3:]], axis=1)
    runner = exported(model, stateful=True).runner
    assert [t.name for t in runner.inputs[1:]] == ["g_h"]
    found = runner.run({runner.inputs[0].name: x, "g_h": np.zeros((3, 2))})
    same([found["g"]], [model.predict(x, verbose=0)])
