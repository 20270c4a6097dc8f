"""layers_from_torch: layers of arrays compute what PyTorch's modules compute."""

import numpy as np
import pytest
from torch_files import FILES

from lstmcore import Input, Sequential, layers_from_torch, read_torch
from lstmcore.layers import GRU, LSTM, RNN, Bidirectional, Dropout, SimpleRNN, ZeroPadding1D

STATE = read_torch(FILES / "everything.pt")
PROJECTED = read_torch(FILES / "projected.pt")
EXPECTED = np.load(FILES / "everything.npz")
CASES = [f"{length}x{batch}" for length in (1, 4, 9) for batch in (1, 3)]
OPTIONS = {
    "lstm": {"dropout": 0.25},
    "rnn": {"nonlinearity": "relu"},
    "rnn_cell": {"nonlinearity": "relu"},
    "bare_linear": {"module": "Linear"},
    "embedding": {"module": "Embedding"},
    "batch_norm": {"eps": 1e-4},
    "conv": {"padding": 1},
    "strided": {"stride": 2, "padding": 1, "groups": 2},
    "dilated": {"dilation": 3, "padding": (3,)},
}
NAMES = sorted({name.partition("/")[2] for name in EXPECTED.files} - {"x", "tokens"})


def output(layers, x):
    for layer in layers:
        x = layer(x)
    return np.asarray(x)


def test_every_module_of_the_file_is_checked():
    tops = {name.rpartition(".")[0] for name in STATE}
    assert tops == set(NAMES)
    assert len(NAMES) == 17


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_pytorch_s(name, case):
    layers = layers_from_torch(STATE, f"{name}.", **OPTIONS.get(name, {}))
    x = EXPECTED[f"{case}/tokens" if name == "embedding" else f"{case}/x"]
    if name == "strided":
        x = np.concatenate([x, x[..., :1]], axis=2)
    if name.endswith("_cell"):
        layers = [RNN(*layers, return_sequences=True)]
    y = EXPECTED[f"{case}/{name}"]
    np.testing.assert_allclose(output(layers, x), y, rtol=0, atol=2e-6)


def test_a_stack_becomes_layers():
    layers = layers_from_torch(STATE, "lstm", dropout=0.25)
    assert [type(layer) for layer in layers] == [Bidirectional, Dropout, Bidirectional]
    assert layers[1].rate == 0.25
    assert all(layer.return_sequences for layer in (layers[0], layers[2]))
    last = layers_from_torch(STATE, "gru", return_sequences=False)
    assert [layer.return_sequences for layer in last] == [True, False]
    assert type(last[0].forward_layer) is GRU
    assert [layer.use_bias for layer in layers_from_torch(STATE, "plain.lstm")] == [False]


def test_a_projection_has_pytorch_s_numbers():
    """Outputs, last states and all gradients of proj_size=2, two layers, both directions."""
    want = np.load(FILES / "projected.npz")
    layers = layers_from_torch(PROJECTED)
    assert [one.forward_layer.projection for one in layers] == [2, 2]
    y, backs = want["x"], []
    for level, layer in enumerate(layers):
        layer.forward_layer.return_state = layer.backward_layer.return_state = True
        (y, *states), back = layer.forward(y, True)
        backs.append(back)
        for k, name in enumerate("hchc"):
            close(states[k], want[name][2 * level + k // 2])
    close(y, want["y"])
    dy = want["dy"]
    for level in (1, 0):
        at = 2 * level
        dstates = [want[f"d{name}"][at + k // 2] for k, name in enumerate("hchc")]
        dy = backs[level]((dy, *dstates))
    close(dy, want["dx"])
    names = {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias_ih"}
    names["projection_kernel"] = "weight_hr"
    for level, layer in enumerate(layers):
        for one, end in ((layer.forward_layer, ""), (layer.backward_layer, "_reverse")):
            for p in one.weights:
                close(p.grad.T, want[f"d{names[p.name]}_l{level}{end}"])


def close(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


def test_layers_go_into_models_with_their_weights():
    layers = layers_from_torch(STATE, "lstm", dropout=0.25)
    model = Sequential([Input((None, 3)), *layers])
    x = EXPECTED["9x3/x"]
    np.testing.assert_allclose(model.predict(x, verbose=0), EXPECTED["9x3/lstm"], atol=2e-6)
    assert model.count_params() == sum(
        w.size for n, w in STATE.items() if n.startswith("lstm.weight")
    ) + sum(w.size for n, w in STATE.items() if n.startswith("lstm.bias_ih"))


def test_a_normalization_goes_into_models_of_any_rank():
    for shape in ((3,), (4, 3), (None, 3)):
        (norm,) = layers_from_torch(STATE, "batch_norm", eps=1e-4)
        model = Sequential([Input(shape), norm])
        x = EXPECTED["4x3/x"]
        if len(shape) == 1:
            got, y = model.predict(x[:, 2], verbose=0), EXPECTED["4x3/batch_norm"][:, 2]
        else:
            got, y = model.predict(x, verbose=0), EXPECTED["4x3/batch_norm"]
        np.testing.assert_allclose(got, y, atol=2e-6)


def test_gate_orders_are_not_symmetric():
    """Each wrong order of the gates gives other numbers: the numbers above can tell."""
    x, y = EXPECTED["9x3/x"], EXPECTED["9x3/plain.lstm"]
    (layer,) = layers_from_torch(STATE, "plain.lstm")
    kernel, recurrent = layer.get_weights()
    for order in ((1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2), (3, 1, 2, 0)):
        turned = [
            np.concatenate([np.split(w, 4, 1)[i] for i in order], 1) for w in (kernel, recurrent)
        ]
        layer.set_weights(turned)
        assert np.abs(layer(x) - y).max() > 1e-2


def test_types(tmp_path):
    double = {f"m.{n}": a.astype(np.float64) for n, a in STATE.items() if n.startswith("lstm")}
    (first, _) = layers_from_torch(double, "m.lstm")
    assert first.dtype == "float64"
    half = {n: a.astype(np.float16) for n, a in STATE.items() if n.startswith("linear")}
    assert layers_from_torch(half, "linear")[0].dtype == "float32"
    with pytest.raises(ValueError, match="expected an array of floats of 2 axes, got int64"):
        layers_from_torch({"weight": np.ones((3, 2), int), "bias": np.ones(3)}, module="Linear")


def test_padding_becomes_a_layer_where_the_convolution_has_none():
    layers = layers_from_torch(STATE, "dilated", dilation=3, padding=3)
    assert [type(layer).__name__ for layer in layers] == ["ZeroPadding1D", "Conv1D"]
    assert isinstance(layers[0], ZeroPadding1D)
    (same,) = layers_from_torch(STATE, "conv", padding="same")
    assert same.padding == "same"


def test_the_masked_index_of_an_embedding():
    (layer,) = layers_from_torch(STATE, "embedding", module="Embedding", padding_idx=0)
    assert layer.mask_zero
    assert not layers_from_torch(STATE, "embedding", module="Embedding")[0].mask_zero
    with pytest.raises(ValueError, match="padding_idx: expected None or 0"):
        layers_from_torch(STATE, "embedding", module="Embedding", padding_idx=3)


LSTM_STATE = {n: a for n, a in STATE.items() if n.startswith("plain.lstm")}


@pytest.mark.parametrize(
    ("state", "prefix", "options", "message"),
    [
        (STATE, "lstn.", {}, r"no tensor's name begins with 'lstn\.': did you mean 'lstm\.'"),
        (STATE, "", {}, r"expected that of one module, got several: bare_linear\., batch_norm\."),
        (STATE, "plain", {}, r"expected that of one module, got several: plain\.gru\."),
        ({}, "", {}, "no tensor's name begins with"),
        (STATE, "bare_linear", {}, r"may be of an Embedding, or a Linear .* say module="),
        ({"weight": np.ones(3)}, "", {}, "a LayerNorm or a PReLU"),
        ({"weight": np.ones(())}, "", {}, "no module that is known"),
        ({"x": np.ones(3)}, "", {}, "no module has the tensors x"),
        ({"weight_ih_l0": np.ones((8, 3))}, "", {}, "no recurrent weight_hh beside it"),
        ({"weight_hh_l0": np.ones(7)}, "", {}, "'weight_hh_l0': expected an array of 2 axes, got"),
        ({"running_mean": np.ones((2, 2))}, "", {}, "'running_mean': expected an array of 1 axes"),
        (STATE, "linear", {"module": "Conv1d"}, r"'linear\.weight': expected an array of 3 axes"),
        ({"weight_hh_l0": np.ones((7, 3))}, "", {}, "is of no LSTM, GRU or RNN"),
        (PROJECTED, "", {"module": "GRU"}, "weight 'recurrent_kernel': expected shape"),
        (
            {n: a for n, a in PROJECTED.items() if n != "weight_hr_l1"},
            "",
            {},
            "there is no 'weight_hr_l1'",
        ),
        ({**PROJECTED, "weight_hr_l1": np.ones((3, 6))}, "", {}, r"projection_kernel'.*\(6, 2\)"),
        (STATE, "lstm", {"module": "LSTN"}, "expected a class of torch.nn, got 'LSTN': there is"),
        (STATE, "lstm", {"dropuot": 1}, "LSTM has no option 'dropuot': did you mean 'dropout'"),
        (STATE, "linear", {"stride": 2}, "Linear has no option 'stride'"),
        (STATE, "rnn", {"nonlinearity": "elu"}, "expected 'tanh' or 'relu', got 'elu'"),
        (STATE, "lstm", {"module": "GRU"}, "weights: expected"),
        (STATE, "batch_norm", {"momentum": None}, "momentum: expected a number, got None"),
        (STATE, "strided", {"groups": 4}, "groups: expected"),
        (STATE, "conv", {"padding": "reflect"}, "padding: expected a whole number"),
        (STATE, "conv", {"stride": 2, "dilation": 2}, "dilation_rate: expected 1 where strides"),
        ({**LSTM_STATE, "plain.lstm.x": np.ones(1)}, "plain.lstm", {}, r"not read: plain\.lstm\.x"),
        ({**LSTM_STATE, "plain.lstm.bias_ih_l0": np.ones(20)}, "plain.lstm", {}, "bias_hh_l0"),
        (
            {**LSTM_STATE, "plain.lstm.weight_hh_l2": np.ones((20, 5))},
            "plain.lstm",
            {},
            r"there is no 'plain\.lstm\.weight_ih_l1'",
        ),
        (
            {"weight_ih_l0": np.ones((8, 3)), "weight_hh_l0": np.ones((12, 3))},
            "",
            {},
            "expected 8 rows in weight_hh_l0, got 12",
        ),
        (
            {"weight": np.ones((3, 2)), "bias": np.ones(4)},
            "",
            {},
            r"weight 'bias': expected shape \(3,\), got \(4,\)",
        ),
    ],
)
def test_what_does_not_fit_is_named(state, prefix, options, message):
    with pytest.raises(ValueError, match=message):
        layers_from_torch(state, prefix, **options)


def test_options_of_training_move_too():
    (norm,) = layers_from_torch(STATE, "batch_norm", momentum=0.25)
    assert (norm.momentum, norm.epsilon) == (0.75, 1e-5)
    (norm,) = layers_from_torch(STATE, "norm", eps=1e-3)
    assert norm.epsilon == 1e-3


def test_kinds_are_told_by_the_arrays():
    kinds = {"lstm": Bidirectional, "plain.rnn": SimpleRNN, "plain.lstm": LSTM, "plain.gru": GRU}
    for name, kind in kinds.items():
        assert type(layers_from_torch(STATE, name)[0]) is kind
