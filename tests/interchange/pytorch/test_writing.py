"""to_torch: names, orders and shapes as PyTorch has them, and what it does not have."""

import numpy as np
import pytest
from torch_files import FILES

from lstmcore import Input, Sequential, layers_from_torch, read_torch, to_torch
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    GRUCell,
    LayerNormalization,
    LSTMCell,
    MultiHeadAttention,
    PReLU,
    SimpleRNN,
    TimeDistributed,
)

STATE = read_torch(FILES / "everything.pt")
OPTIONS = {
    "rnn": {"nonlinearity": "relu"},
    "rnn_cell": {"nonlinearity": "relu"},
    "bare_linear": {"module": "Linear"},
    "embedding": {"module": "Embedding"},
    "batch_norm": {"eps": 1e-4},
    "conv": {"padding": 1},
    "strided": {"stride": 2, "groups": 2},
    "dilated": {"dilation": 3},
}
NAMES = sorted({name.rpartition(".")[0] for name in STATE})


class Own(Dense):
    """A layer of the user's, which may compute anything."""


def made(layer, shape=(None, None, 3)):
    """The layer with weights that are all different."""
    layer.build(shape)
    random = np.random.default_rng(3)
    layer.set_weights([random.uniform(0.1, 1, w.shape) for w in layer.weights])
    return layer


@pytest.mark.parametrize("name", NAMES)
def test_arrays_come_back(name):
    """Bit by bit, but for the two biases of LSTM and RNN, whose sum is in one of them."""
    arrays = {n: a for n, a in STATE.items() if n.startswith(f"{name}.")}
    written = to_torch({f"{name}.": layers_from_torch(STATE, name, **OPTIONS.get(name, {}))})
    assert written.keys() == arrays.keys()
    one_bias = "lstm" in name or "rnn" in name
    for key, array in written.items():
        want = arrays[key]
        if one_bias and "bias_hh" in key:
            want = np.zeros_like(want)
        elif one_bias and "bias_ih" in key:
            want = want + arrays[key.replace("bias_ih", "bias_hh")]
        assert array.dtype == want.dtype or "num_batches" in key
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, np.zeros_like(want) if "num_b" in key else want)


@pytest.mark.parametrize(
    "layer",
    [
        LSTM(4),
        GRU(4),
        SimpleRNN(4, activation="relu"),
        Bidirectional(LSTM(4, use_bias=False)),
        Bidirectional(GRU(4)),
        LSTM(4, projection=2),
        Bidirectional(LSTM(4, projection=3, use_bias=False)),
    ],
)
def test_layers_come_back(layer):
    made(layer)
    options = {"nonlinearity": "relu"} if isinstance(layer, SimpleRNN) else {}
    (back,) = layers_from_torch(to_torch(layer), **options)
    for one, other in zip(layer.get_weights(), back.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_gates_of_a_gru_by_hand():
    layer = made(GRU(2))
    kernel, _, bias = layer.get_weights()
    state = to_torch(layer)
    update, reset, new = kernel[:, :2].T, kernel[:, 2:4].T, kernel[:, 4:].T
    np.testing.assert_array_equal(state["weight_ih_l0"], np.concatenate([reset, update, new]))
    np.testing.assert_array_equal(state["bias_hh_l0"], bias[1, [2, 3, 0, 1, 4, 5]])


def test_models_and_mappings():
    model = Sequential(
        [
            Input((None,)),
            Embedding(9, 3, mask_zero=True, name="words"),
            LSTM(4, return_sequences=True, dropout=0.5, name="one"),
            Dropout(0.5),
            LSTM(4, name="two"),
            Sequential([Input((4,)), LayerNormalization(name="norm")], name="inner"),
            Dense(2, activation="softmax", name="out"),
        ]
    )
    state = to_torch(model)
    assert "one.weight_ih_l0" in state
    assert state.modules == {
        "words.": "nn.Embedding(9, 3, padding_idx=0)",
        "one.": "nn.LSTM(3, 4, batch_first=True)",
        "two.": "nn.LSTM(4, 4, batch_first=True)",
        "inner.norm.": "nn.LayerNorm(4, eps=0.001)",
        "out.": "nn.Linear(4, 2), then softmax",
    }
    one, two = model.get_layer("one"), model.get_layer("two")
    stacked = to_torch({"lstm.": [one, Dropout(0.5), two], "rest.": model.get_layer("inner")})
    assert list(stacked.modules) == ["lstm.", "rest.norm."]
    assert stacked.modules["lstm."] == "nn.LSTM(3, 4, num_layers=2, batch_first=True)"
    np.testing.assert_array_equal(stacked["lstm.weight_hh_l1"], state["two.weight_hh_l0"])
    assert len(stacked) == 8 + 2


@pytest.mark.parametrize(
    ("layer", "shape", "module"),
    [
        (GRUCell(4, use_bias=False), (None, 3), "nn.GRUCell(3, 4, bias=False)"),
        (RNN(LSTMCell(4)), (None, None, 3), "nn.LSTMCell(3, 4)"),
        (LSTM(4, projection=2), (None, None, 3), "nn.LSTM(3, 4, proj_size=2, batch_first=True)"),
        (
            Bidirectional(SimpleRNN(4, activation="relu")),
            (None, None, 3),
            "nn.RNN(3, 4, nonlinearity='relu', bidirectional=True, batch_first=True)",
        ),
        (TimeDistributed(Dense(2, use_bias=False)), (None, 5, 3), "nn.Linear(3, 2, bias=False)"),
        (
            Conv1D(6, 2, 3, groups=3),
            (None, None, 3),
            "nn.Conv1d(3, 6, 2, stride=3, groups=3)",
        ),
        (Conv1D(4, 3, padding="same"), (None, None, 3), "nn.Conv1d(3, 4, 3, padding='same')"),
        (LayerNormalization(center=False), (None, 3), "nn.LayerNorm(3, eps=0.001, bias=False)"),
        (LayerNormalization([1, 2], 1e-5), (None, 4, 3), "nn.LayerNorm((4, 3))"),
        (BatchNormalization(momentum=0.9), (None, 3), "nn.BatchNorm1d(3, eps=0.001)"),
        (
            BatchNormalization(center=False, scale=False, epsilon=1e-5),
            (None, 3),
            "nn.BatchNorm1d(3, momentum=0.01, affine=False)",
        ),
        (PReLU(shared_axes=[1]), (None, None, 3), "nn.PReLU(3)"),
    ],
)
def test_the_module_that_is_to_be_constructed(layer, shape, module):
    assert to_torch(made(layer, shape)).modules == {"": module}


def test_half_of_a_normalization():
    """PyTorch has scale and shift, or neither."""
    state = to_torch(made(BatchNormalization(center=False), (None, 3)))
    assert (state["bias"] == 0).all()
    assert (state["weight"] > 0).all()
    state = to_torch(made(BatchNormalization(scale=False), (None, 3)))
    assert (state["weight"] == 1).all()
    state = to_torch(made(LayerNormalization(scale=False), (None, 3)))
    assert (state["weight"] == 1).all()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LSTM(4, variant="peephole"), r"\(LSTM\): variant: expected 'vanilla' without peepholes"),
        (LSTM(4, peephole=True), "variant: expected 'vanilla' without peepholes"),
        (LSTM(4, variant="NIAF", peephole=False), "variant: expected 'vanilla'"),
        (LSTM(4, cell_clip=2.0), r"cell_clip: expected None, as PyTorch has, got 2\.0"),
        (LSTM(4, projection=4), "projection: expected a number below units, 4, as PyTorch has"),
        (LSTMCell(4, projection=2), "projection: expected None, as PyTorch has, got 2"),
        (
            Bidirectional(LSTM(4, projection=2), backward_layer=LSTM(4, go_backwards=True)),
            "projection: expected 2, as PyTorch has, got None",
        ),
        (LSTM(4, layer_norm=True), "layer_norm: expected False, as PyTorch has, got True"),
        (LSTM(4, activation="relu"), "activation: expected 'tanh', as PyTorch has, got 'relu'"),
        (LSTM(4, recurrent_activation="hard_sigmoid"), "recurrent_activation: expected 'sigmoid'"),
        (LSTM(4, output_activation="relu"), "output_activation: expected 'tanh'"),
        (LSTM(4, go_backwards=True), "go_backwards: expected False"),
        (GRU(4, reset_after=False), "reset_after: expected True"),
        (GRU(4, activation="elu"), "activation: expected 'tanh'"),
        (SimpleRNN(4, activation="elu"), "activation: expected 'tanh' or 'relu'"),
        (LSTMCell(4, cell_clip=1.0), "cell_clip: expected None"),
        (Bidirectional(LSTM(4), merge_mode="sum"), "merge_mode: expected 'concat'"),
        (
            Bidirectional(RNN(LSTMCell(4))),
            "class: expected LSTM, GRU or SimpleRNN",
        ),
        (Bidirectional(LSTM(4, go_backwards=True)), "go_backwards: expected False"),
        (
            Bidirectional(LSTM(4), backward_layer=LSTM(3, go_backwards=True)),
            "backward_layer: expected class and units of the layer",
        ),
        (
            Bidirectional(LSTM(4), backward_layer=LSTM(4, use_bias=False, go_backwards=True)),
            "use_bias: expected True",
        ),
        (Own(4), "class: expected a layer that torch"),
        (Conv1D(4, 2, padding="causal"), "padding: expected 'valid' or 'same'"),
        (Conv1D(4, 2, 2, padding="same"), r"strides: expected \(1,\)"),
        (LayerNormalization(axis=1), "axis: expected the last axes"),
        (RNN([LSTMCell(4), LSTMCell(4)]), "class: expected a layer that torch.nn has as well"),
    ],
)
def test_what_pytorch_has_not_is_named(layer, message):
    made(layer, (None, 5, 3) if not isinstance(layer, LSTMCell) else (None, 3))
    with pytest.raises(ValueError, match=message):
        to_torch({"x.": layer})


def test_what_is_no_module():
    lstm = made(LSTM(4))
    with pytest.raises(ValueError, match=r"units: expected 4, as the first layer of the stack has"):
        to_torch([lstm, made(LSTM(5), (None, None, 4))])
    with pytest.raises(ValueError, match="projection: expected 2, as the first layer of the stac"):
        to_torch([made(LSTM(4, projection=2)), made(LSTM(4), (None, None, 2))])
    with pytest.raises(ValueError, match="recurrent layers of one class, a stack"):
        to_torch([lstm, made(Dense(5), (None, 4))])
    with pytest.raises(ValueError, match="has no weights yet"):
        to_torch(LSTM(4))
    with pytest.raises(ValueError, match="expected layers, got 3"):
        to_torch(3)
    with pytest.raises(ValueError, match="expected str as prefixes, got 1"):
        to_torch({1: lstm})
    model = Sequential([Input((None, 3)), LSTM(4, name="x")])
    with pytest.raises(ValueError, match=r"two arrays of the name 'x\.bias_hh_l0'"):
        to_torch({"x.": lstm, "": model})
    attention = MultiHeadAttention(1, 2)
    attention([np.zeros((1, 2, 3))] * 2)
    with pytest.raises(ValueError, match=r"class: expected a layer that torch\.nn has"):
        to_torch(attention)
    assert to_torch(Activation("relu")) == {}
