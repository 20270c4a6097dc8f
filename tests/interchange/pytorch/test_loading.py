"""model.load_torch: every tensor has its place, every weight its tensor, or nothing changes."""

import numpy as np
import pytest
from torch_files import FILES

from lstmcore import Input, Model, Sequential, read_torch
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    LSTMCell,
    TimeDistributed,
)

STATE = read_torch(FILES / "everything.pt")
EXPECTED = np.load(FILES / "everything.npz")


def part(*prefixes):
    return {n: a for n, a in STATE.items() if n.startswith(prefixes)}


def make(**options):
    layers = [
        Bidirectional(LSTM(4, return_sequences=True, **options), name="one"),
        Bidirectional(LSTM(4, return_sequences=True), name="two"),
        Dense(3, name="between"),
        Dense(5, name="dense"),
    ]
    return Sequential([Input((None, 3)), *layers])


PROJECTED = read_torch(FILES / "projected.pt")
STACK = {n.partition(".")[2]: a for n, a in part("lstm.").items() if "_l1" in n}
STACK |= {n.replace("_l1", "_l0"): a for n, a in STACK.items()}
MAPPING = {"lstm.": ("one", "two"), "linear.": "dense"}


def test_a_model_is_filled_and_computes_the_same():
    model = make()
    model.load_torch(part("lstm.", "linear."), MAPPING)
    x = EXPECTED["9x3/x"]
    inner = Model(model.input, model.get_layer("two").output)
    np.testing.assert_allclose(inner.predict(x, verbose=0), EXPECTED["9x3/lstm"], atol=2e-6)
    np.testing.assert_array_equal(
        model.get_layer("dense").get_weights()[0], STATE["linear.weight"].T
    )


def test_files_layers_and_prefixes_without_dots(tmp_path):
    model = Sequential([Input((None, 3)), GRU(4, return_sequences=True, name="g")])
    model.load_torch(
        FILES / "everything.pt",
        {"gru": None, "rnn": None}
        | dict.fromkeys(sorted({n.partition(".")[0] for n in STATE} - {"gru", "rnn"}))
        | {"plain": None},
    )
    mapping = {"": [Bidirectional(GRU(4, return_sequences=True)), Bidirectional(GRU(4))]}
    whole = Sequential([Input((None, 3)), *mapping[""]])
    whole.load_torch(FILES / "protocol5.pt", mapping)
    want = EXPECTED["4x1/gru"]
    got = whole.predict(EXPECTED["4x1/x"], verbose=0)
    np.testing.assert_allclose(got[:, :4], want[:, -1, :4], atol=2e-6)
    np.testing.assert_allclose(got[:, 4:], want[:, 0, 4:], atol=2e-6)


def test_layers_inside_others():
    cell = RNN(LSTMCell(4), return_sequences=True, name="rnn")
    plain = LSTM(4, return_sequences=True, name="lstm")
    inner = Sequential([Input((None, 3)), TimeDistributed(Dense(5), name="steps")], name="inner")
    x = Input((None, 3))
    model = Model(x, [cell(x), plain(x), inner(x)])
    state = part("lstm_cell.", "linear.")
    model.load_torch(state, {"lstm_cell.": "rnn", "linear.": "inner/steps"})
    copy = {f"more.{n}": a for n, a in state.items() if n.startswith("lstm_cell")}
    model.load_torch(copy, {"more.lstm_cell": "lstm"})
    sample = EXPECTED["9x3/x"]
    for got, name in zip(
        model.predict(sample, verbose=0), ("lstm_cell",) * 2 + ("linear",), strict=True
    ):
        np.testing.assert_allclose(got, EXPECTED[f"9x3/{name}"], atol=2e-6)


def test_other_layers():
    model = Sequential(
        [Input((None,)), Embedding(7, 3, name="e"), Conv1D(4, 3, padding="same", name="c")]
    )
    norm = Sequential([Input((None, 3)), BatchNormalization(epsilon=1e-4, name="n")])
    model.load_torch(part("embedding.", "conv."), {"embedding": "e", "conv": "c"})
    np.testing.assert_array_equal(model.weights[0].numpy(), STATE["embedding.weight"])
    norm.load_torch(part("batch_norm."), {"batch_norm": "n"})
    y = norm.predict(EXPECTED["9x3/x"], verbose=0)
    np.testing.assert_allclose(y, EXPECTED["9x3/batch_norm"], atol=2e-6)


def test_what_is_done_around_a_layer_is_the_model_s():
    """A convolution that PyTorch pads by hand, a direction of time that it flips by hand."""
    convolution = Conv1D(4, 3, padding="causal", name="c")
    backwards = LSTM(5, use_bias=False, go_backwards=True, return_sequences=True, name="l")
    x = Input((None, 3))
    model = Model(x, [convolution(x), backwards(x)])
    model.load_torch(part("conv.", "plain.lstm."), {"conv": "c", "plain.lstm": "l"})
    flipped = np.ascontiguousarray(EXPECTED["9x3/x"][:, ::-1])
    _, y = model.predict(flipped, verbose=0)
    np.testing.assert_allclose(y, EXPECTED["9x3/plain.lstm"], atol=2e-6)


@pytest.mark.parametrize(
    ("state", "mapping", "options", "message"),
    [
        (
            part("lstm.", "linear."),
            {"lstm.": ("one", "two")},
            {},
            r"no prefix of the mapping has: l",
        ),
        (part("lstm."), MAPPING, {}, r"no tensor's name begins with 'linear\.'"),
        (part("lstm.", "linear."), {"lstm.": "one", "linear.": "dense"}, {}, r"not read: lstm\."),
        (
            part("lstm.", "linear."),
            {"lstm.": ("one", "two", "two"), "linear.": "dense"},
            {},
            r"there is no 'lstm\.weight_ih_l2'",
        ),
        (
            part("lstm.", "linear."),
            {"lstm.": ("two", "one"), "linear.": "dense"},
            {},
            r"layer 'forward_lstm\w*' \(LSTM\)|weight 'kernel': expected shape",
        ),
        (
            part("lstm.", "linear."),
            {"lstm.": ("one", "two"), "linear.": "between"},
            {},
            r"layer 'between' \(Dense\): weight 'kernel': expected shape \(8, 3\), got \(3, 5\)",
        ),
        (part("lstm."), {"lstm.": ("one", "to")}, {}, "no layer named 'to': did you mean 'two'"),
        (part("lstm."), {"lstm.": ("one", 2)}, {}, "expected names of layers, got 2"),
        (part("lstm."), {"lstm.": ("one", "dense")}, {}, "recurrent layers alone in a list"),
        (part("lstm."), {"lstm.": LSTM(3)}, {}, "expected a layer of model"),
        (PROJECTED, {"": "one"}, {}, "projection: expected 2, which PyTorch's proj_size is, got N"),
        (
            STACK,
            {"": ("two", "two")},
            {},
            r"\(Bidirectional\): mapping: expected it once, under ''",
        ),
        (part("lstm."), {3: "one"}, {}, "expected str as prefixes, got 3"),
        (part("lstm."), {}, {}, "mapping: expected a dict of prefixes"),
        (part("lstm."), "lstm", {}, "mapping: expected a dict of prefixes"),
        (
            part("lstm.", "linear."),
            {"lstm.": ("one", "two"), "lstm": None, "linear.": "dense"},
            {},
            "are of two prefixes",
        ),
        (
            part("linear.") | {n.replace("l", "again.l", 1): a for n, a in part("linear.").items()},
            {"linear": "dense", "again.linear": "dense"},
            {},
            r"layer 'dense' \(Dense\): mapping: expected it once, under 'linear', got it again",
        ),
        (
            part("lstm.", "linear."),
            MAPPING,
            {"activation": "relu"},
            "activation: expected 'tanh', as",
        ),
        (
            part("lstm.", "linear."),
            MAPPING,
            {"recurrent_activation": "hard_sigmoid"},
            "recurrent_activation: expected 'sigmoid', as PyTorch has, got 'hard_sigmoid'",
        ),
        (part("lstm.", "linear."), MAPPING, {"use_bias": False}, "backward_layer|not read"),
        (part("lstm.", "linear."), MAPPING, {"variant": "CIFG"}, "variant: expected 'vanilla'"),
        (part("lstm.", "linear."), MAPPING, {"cell_clip": 1.0}, "cell_clip: expected None"),
        (
            {**part("lstm.", "linear."), "linear.bias": np.ones(5, int)},
            MAPPING,
            {},
            r"'linear\.bias': expected an array of floats of 1 axes, got int64",
        ),
    ],
)
def test_what_does_not_fit_changes_nothing(state, mapping, options, message):
    model = make(**options)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.load_torch(state, mapping)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_model_without_weights():
    with pytest.raises(ValueError, match="has no weights yet: give it an Input"):
        Sequential([Dense(5)]).load_torch(part("linear."), {"linear": "dense"})
    with pytest.raises(FileNotFoundError):
        make().load_torch("no.pt", MAPPING)
