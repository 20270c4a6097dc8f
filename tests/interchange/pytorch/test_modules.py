"""from_torch: modules by their classes' names and attributes, the order of axes included."""

from collections import OrderedDict

import numpy as np
import pytest
from torch_files import FILES, module, sequential

from lstmcore import Input, Sequential, from_torch, read_torch
from lstmcore.layers import GRU, LSTM, RNN, Bidirectional, Dense, Dropout, Embedding, Permute

STATE = read_torch(FILES / "everything.pt")
EXPECTED = np.load(FILES / "everything.npz")
X = EXPECTED["9x3/x"]


def arrays(name):
    return {n.removeprefix(f"{name}."): a for n, a in STATE.items() if n.startswith(f"{name}.")}


def recurrent(kind, name, **attributes):
    given = {"batch_first": True, "dropout": 0.0, "proj_size": 0, "input_size": 3} | attributes
    return module(kind, arrays(name), **given)


def linear(out, features, seed=1):
    random = np.random.default_rng(seed)
    state = {
        "weight": random.standard_normal((out, features)).astype(np.float32),
        "bias": random.standard_normal(out).astype(np.float32),
    }
    return module("Linear", state)


def conv(name="conv", **options):
    given = {"stride": (1,), "padding": (1,), "dilation": (1,), "groups": 1}
    given |= {"padding_mode": "zeros", "in_channels": 3} | options
    return module("Conv1d", arrays(name), **given)


def batch_norm():
    return module(
        "BatchNorm1d", arrays("batch_norm"), eps=1e-4, momentum=0.1, track_running_stats=True
    )


def projected():
    state = read_torch(FILES / "projected.pt")
    return module("LSTM", state, batch_first=True, dropout=0.0, proj_size=2, input_size=3)


def norm(shape=(3,)):
    return module("LayerNorm", arrays("norm"), eps=1e-5, normalized_shape=shape)


MODULES = {
    "lstm": recurrent("LSTM", "lstm", dropout=0.25),
    "gru": recurrent("GRU", "gru", batch_first=False),
    "rnn": recurrent("RNN", "rnn", nonlinearity="relu"),
    "plain.lstm": recurrent("LSTM", "plain.lstm"),
    "linear": module("Linear", arrays("linear")),
    "norm": norm(),
    "batch_norm": batch_norm(),
    "conv": conv(),
    "dilated": conv("dilated", dilation=(3,), padding=(3,)),
    "lstm_cell": module("LSTMCell", arrays("lstm_cell")),
    "gru_cell": module("GRUCell", arrays("gru_cell")),
    "rnn_cell": module("RNNCell", arrays("rnn_cell"), nonlinearity="relu"),
}


@pytest.mark.parametrize("name", MODULES)
def test_outputs_are_pytorch_s(name):
    made = from_torch(MODULES[name])
    layer = RNN(made, return_sequences=True) if name.endswith("_cell") else made
    got = layer.predict(X, verbose=0) if isinstance(layer, Sequential) else layer(X)
    np.testing.assert_allclose(got, EXPECTED[f"9x3/{name}"], atol=2e-6)


def test_one_layer_or_a_model_of_several():
    assert type(from_torch(MODULES["plain.lstm"])) is LSTM
    model = from_torch(MODULES["lstm"])
    assert [type(layer) for layer in model.layers] == [Bidirectional, Dropout, Bidirectional]
    assert model.input_shape == (None, None, 3)
    assert from_torch(MODULES["dilated"]).input_shape == (None, None, 3)
    built = from_torch(MODULES["plain.lstm"], input_shape=(7, 3))
    assert built.output_shape == (None, 7, 5)


def test_an_embedding_masks_nothing_as_in_pytorch():
    options = {"padding_idx": 0, "max_norm": None, "scale_grad_by_freq": False}
    layer = from_torch(module("Embedding", arrays("embedding"), **options))
    assert type(layer) is Embedding
    assert not layer.mask_zero
    np.testing.assert_array_equal(layer(EXPECTED["4x3/tokens"]), EXPECTED["4x3/embedding"])


def test_the_order_of_axes_around_a_convolution():
    """conv1d, flatten, linear: PyTorch flattens channel by channel."""
    c, flat, fc = conv(), module("Flatten", start_dim=1, end_dim=-1), linear(2, 4 * 9)
    relu = module("ReLU")
    model = from_torch(sequential(c, relu, flat, fc), input_shape=(9, 3))
    assert [type(layer).__name__ for layer in model.layers] == [
        *("Conv1D", "Activation", "Permute", "Flatten", "Dense")
    ]
    channels_first = np.maximum(EXPECTED["9x3/conv"], 0).transpose(0, 2, 1).reshape(3, -1)
    state = {n: t.array for n, t in fc.state_dict().items()}
    want = channels_first @ state["weight"].T + state["bias"]
    np.testing.assert_allclose(model.predict(X, verbose=0), want, atol=1e-5)


def test_a_linear_after_a_convolution_is_along_time():
    fc = linear(2, 9)
    model = from_torch(sequential(conv(), fc), input_shape=(9, 3))
    state = {n: t.array for n, t in fc.state_dict().items()}
    want = EXPECTED["9x3/conv"].transpose(0, 2, 1) @ state["weight"].T + state["bias"]
    np.testing.assert_allclose(model.predict(X, verbose=0), want, atol=1e-5)


def test_a_convolution_after_a_linear_takes_axis_1_for_channels():
    """(batch, 3, 5) goes in as PyTorch has it, and what comes out is (batch, time, channels)."""
    fc = linear(9, 5)
    model = from_torch(sequential(fc, conv()), input_shape=(3, 5))
    assert type(model.layers[1]) is Permute
    x = np.random.default_rng(2).standard_normal((2, 3, 5)).astype(np.float32)
    state = {n: t.array for n, t in fc.state_dict().items()}
    inner = (x @ state["weight"].T + state["bias"]).transpose(0, 2, 1)
    want = from_torch(conv())(np.ascontiguousarray(inner))
    np.testing.assert_allclose(model.predict(x, verbose=0), want, atol=1e-5)


def test_batch_normalization_is_along_axis_1():
    alone = from_torch(sequential(batch_norm(), conv()))
    assert alone.layers[0].axis == -1  # before a convolution: channels are features here
    x = np.random.default_rng(2).standard_normal((2, 3, 5)).astype(np.float32)
    after = from_torch(sequential(linear(5, 5), batch_norm()), input_shape=(3, 5))
    state = {n: t.array for n, t in linear(5, 5).state_dict().items()}
    inner = (x @ state["weight"].T + state["bias"]).transpose(0, 2, 1)
    want = from_torch(batch_norm())(np.ascontiguousarray(inner)).transpose(0, 2, 1)
    np.testing.assert_allclose(after.predict(x, verbose=0), want, atol=1e-5)
    flat = from_torch(sequential(linear(3, 3), batch_norm()), input_shape=(3,))
    assert flat.layers[1].axis == -1


def test_proj_size():
    layers = from_torch(projected()).layers
    assert [one.forward_layer.projection for one in layers] == [2, 2]


def test_a_recurrent_module_at_the_end():
    for first in (True, False):
        parts = sequential(linear(3, 3), module("Tanh"), recurrent("GRU", "gru", batch_first=first))
        model = from_torch(parts)
        assert [type(layer) for layer in model.layers[::2]] == [Dense, Bidirectional]
        assert type(model.layers[-1].forward_layer) is GRU
    with pytest.raises(ValueError, match=r"'0' \(LSTM\) returns its states beside its output"):
        from_torch(sequential(MODULES["plain.lstm"], linear(2, 5)))
    with pytest.raises(ValueError, match=r"'1' \(GRUCell\) returns its states"):
        from_torch(sequential(linear(3, 3), MODULES["gru_cell"]))
    with pytest.raises(ValueError, match="batch_first=False, so that axis 0 is time; BatchNorm1d"):
        from_torch(sequential(batch_norm(), MODULES["gru"]))


def test_slopes_of_prelu():
    slopes = np.array([0.1, 0.2, 0.3], np.float32)
    prelu = module("PReLU", {"weight": slopes}, num_parameters=3)
    want = np.where(X > 0, X, slopes * X)
    np.testing.assert_allclose(from_torch(prelu)(X), want, atol=1e-6)
    flat = from_torch(sequential(linear(3, 3), prelu), input_shape=(3,))
    assert flat.layers[1].alpha.shape == (3,)
    with pytest.raises(ValueError, match="say input_shape: it decides which axis"):
        from_torch(sequential(linear(3, 3), prelu))
    with pytest.raises(ValueError, match="its slopes belong to axis 1, that of time here"):
        from_torch(sequential(linear(3, 3), prelu), input_shape=(3, 3))
    one = module("PReLU", {"weight": slopes[:1]}, num_parameters=1)
    np.testing.assert_allclose(from_torch(one)(X), np.where(X > 0, X, 0.1 * X), atol=1e-6)


def test_a_module_that_is_there_twice_is_one_layer():
    fc = linear(3, 3)
    model = from_torch(sequential(fc, module("ReLU"), fc), input_shape=(3,))
    assert model.layers[0] is model.layers[2]
    assert model.count_params() == 12


def test_models_inside_models_and_half_precision():
    half = {n: a.astype(np.float16) for n, a in arrays("linear").items()}
    inner = sequential(module("Linear", half), module("ReLU"))
    model = from_torch(sequential(inner, module("Dropout", p=0.5)), input_shape=(3,))
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Activation", "Dropout"]
    assert model.dtype == "float32"


def test_the_model_is_saved_and_loaded(tmp_path):
    from lstmcore import load_model

    model = from_torch(sequential(conv(), batch_norm_of(4), module("ELU", alpha=0.5)))
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def batch_norm_of(size):
    state = {"running_mean": np.ones(size), "running_var": np.full(size, 2.0)}
    state = {n: a.astype(np.float32) for n, a in state.items()}
    state["num_batches_tracked"] = np.zeros((), np.int64)
    return module("BatchNorm1d", state, eps=1e-5, momentum=0.1, track_running_stats=True)


OWN = module("Crnn", home="mine", children=OrderedDict(c=conv(), l=MODULES["lstm"], none=None))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (OWN, r"Crnn is a class of its own, .*It has c \(Conv1d\), l \(LSTM\): .*module\.c\)"),
        (sequential(linear(3, 3), OWN), r"'1' \(Crnn\) is a class of its own, .*module\.1\.c\)"),
        (module("Bilinear"), "Bilinear is not known; known are LSTM, GRU"),
        (
            module("LSTM", home="mine"),
            r"a class of its own, mine\.LSTM, whose forward",
        ),
        (
            module("ModuleList", children={"0": conv()}),
            r"ModuleList is not known\. It has 0 \(Conv",
        ),
        (module("DataParallel", home="torch.nn.parallel", children={"module": conv()}), "module"),
        (sequential(), "Sequential has no modules"),
        ({"weight": 1}, r"a module of torch\.nn, got dict: lstmcore\.layers_from_torch"),
        (3, "a module of torch.nn, got int"),
        (conv(padding_mode="reflect"), "padding_mode: expected 'zeros', got 'reflect'"),
        (conv(stride=(2,), dilation=(2,)), "dilation_rate: expected 1 where strides"),
        (conv(padding="full"), "padding: expected a whole number, got 'full'"),
        (module("Flatten", start_dim=0, end_dim=-1), "start_dim: expected 1, got 0"),
        (module("Linear", arrays("linear"), _forward_pre_hooks={1: 2}), "has hooks, which cannot"),
        (
            module("Linear", {**arrays("linear"), "weight_v": np.ones(3)}),
            "not read: weight_v",
        ),
        (
            module(
                "BatchNorm1d", arrays("batch_norm"), eps=1, momentum=0.1, track_running_stats=False
            ),
            "track_running_stats: expected True",
        ),
        (
            module("Embedding", arrays("embedding"), max_norm=1.0, scale_grad_by_freq=False),
            r"max_norm: expected None, got 1\.0",
        ),
        (
            sequential(module("Flatten", start_dim=1, end_dim=-1), conv(padding=(7, 1))),
            r"from_torch: '1' \(Conv1d\): padding: expected a whole number",
        ),
    ],
)
def test_what_is_not_known_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        from_torch(given)


def test_a_module_is_not_changed():
    before = {n: a.copy() for n, a in arrays("plain.lstm").items()}
    layer = from_torch(MODULES["plain.lstm"])
    layer.set_weights([w + 1 for w in layer.get_weights()])
    for name, array in before.items():
        np.testing.assert_array_equal(STATE[f"plain.lstm.{name}"], array)
    assert Sequential([Input((None, 3)), layer]).count_params() == 160


def test_tensors_without_content():
    def numpy():
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")

    given = module("Linear", arrays("linear"))
    given.state_dict()["weight"].numpy = numpy
    with pytest.raises(ValueError, match=r"from_torch: Linear: weight has no array: Cannot copy"):
        from_torch(given)
