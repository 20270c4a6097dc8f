"""ONNX's activations and any hard sigmoid: values, gradients, layers and files."""

import numpy as np
import pytest
from formulas import wave32
from gradients import gradient
from helpers import numbers
from recurrent_checks import MASK, check_recurrent

from lstmcore import Input, Sequential, activations, load_model
from lstmcore.layers import GRU, LSTM, RNN, Activation, Dense, GRUCell, LSTMCell, SimpleRNN

X = numbers(5, 5, 3)


@pytest.mark.parametrize(("slope", "offset"), [(0.2, 0.5), (0.7, 0.1), (-1.5, 0.3), (2.0, 1.25)])
def test_hard_sigmoid_of_any_line(dtype, slope, offset):
    f = activations.HardSigmoid(slope, offset)
    x, dy = (2 * numbers(40, 6)).astype(dtype), numbers(40, 6).astype(dtype)
    y, line = f(x), slope * x.astype("f8") + offset
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, np.clip(line, 0, 1), rtol=0, atol=tolerance)
    inside = (line > 0) & (line < 1)
    assert inside.any()
    assert (line <= 0).any()
    assert (line >= 1).any()
    np.testing.assert_allclose(f.gradient(dy, x, y), slope * dy * inside, rtol=tolerance)
    assert y.dtype == f.gradient(dy, x, y).dtype == dtype
    assert activations.core_form(f) == ("hard_sigmoid", slope, offset)


def test_hard_sigmoid_without_options_is_keras_3():
    assert activations.HardSigmoid() is activations.hard_sigmoid
    assert activations.core_form(activations.hard_sigmoid) == "hard_sigmoid"
    x = np.linspace(-4, 4, 1001).astype("f4")
    said = activations.hard_sigmoid.using(slope=1 / 6, offset=0.5)
    np.testing.assert_array_equal(said(x), activations.hard_sigmoid(x))


@pytest.mark.parametrize("line", [(0, 0.25), (1e31, 0.5), (0.2, -1e31)])
def test_a_line_that_kernels_refuse_is_computed_in_numpy(line):
    f = activations.HardSigmoid(*line)
    assert not activations.in_the_core(f)
    x = np.array([-2.0, 0.5])
    np.testing.assert_array_equal(f(x), np.clip(line[0] * x + line[1], 0, 1))


@pytest.mark.parametrize("cls", [LSTM, GRU, SimpleRNN, Dense])
def test_hard_sigmoid_of_keras_2_in_a_file(cls, tmp_path):
    """Layers have it in the kernels, and a file keeps it."""
    old = activations.HardSigmoid(0.2)
    gates = {"recurrent_activation": old} if cls in (LSTM, GRU) else {}
    model = Sequential([Input((5, 4)), cls(3, old, **gates)])
    model.save(tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    x = 4 * wave32((2, 5, 4), 1.7)
    y = model.predict(x)
    np.testing.assert_array_equal(again.predict(x), y)
    layer = again.layers[0]
    for name in ("activation", *gates):
        assert getattr(layer, name).options == {"slope": 0.2, "offset": 0.5}
    if cls is not Dense:
        assert layer.kernel_info()["isa"] != "NumPy"


# -- the others that ONNX has ------------------------------------------------------------------

# ONNX's name, ours with its alpha and beta, and its definition
ONNX = {
    "Affine": (
        activations.affine.using(alpha=0.7, beta=-0.3),
        lambda x: 0.7 * x - 0.3,
    ),
    "ScaledTanh": (
        activations.scaled_tanh.using(alpha=1.7, beta=0.6),
        lambda x: 1.7 * np.tanh(0.6 * x),
    ),
    "ThresholdedRelu": (
        activations.threshold.using(threshold=0.4, default_value=0),
        lambda x: np.where(x > 0.4, x, 0),
    ),
    "LeakyRelu": (
        activations.leaky_relu.using(negative_slope=0.01),
        lambda x: np.where(x < 0, 0.01 * x, x),
    ),
    "Elu": (
        activations.elu.using(alpha=0.7),
        lambda x: np.where(x < 0, 0.7 * (np.exp(x) - 1), x),
    ),
    "Softplus": (activations.softplus, lambda x: np.log(1 + np.exp(x))),
    "HardSigmoid": (activations.HardSigmoid(0.3, 0.4), lambda x: np.clip(0.3 * x + 0.4, 0, 1)),
}
LIMIT = 0.8
ONNX |= {
    f"clipped {name}": (
        activations.clipped.using(function=ours, limit=LIMIT),
        lambda x, definition=definition: definition(np.clip(x, -LIMIT, LIMIT)),
    )
    for name, (ours, definition) in list(ONNX.items())
}


@pytest.mark.parametrize(("ours", "definition"), ONNX.values(), ids=ONNX)
def test_onnx_definitions(dtype, ours, definition):
    x = (2 * numbers(6, 7)).astype(dtype)
    y, dy = ours(x), numbers(6, 7).astype(dtype)
    assert y.dtype == ours.gradient(dy, x, y).dtype == dtype
    tolerance = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, definition(x.astype("f8")), rtol=tolerance, atol=tolerance)
    if dtype == np.float64:
        want = gradient(lambda: float((definition(x) * dy).sum()), x)
        np.testing.assert_allclose(ours.gradient(dy, x, y), want, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("ours", [f for f, _ in ONNX.values()], ids=ONNX)
@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
def test_layers_take_them_and_files_keep_them(tmp_path, kind, ours):
    gates = {} if kind is SimpleRNN else {"recurrent_activation": ours}
    more = {"output_activation": ours} if kind is LSTM else {}
    layer = kind(3, ours, **gates, **more, return_sequences=True)
    model = Sequential([Input((2, 3)), layer, Dense(2, ours), Activation(ours)])
    model.set_weights([0.6 + 0.1 * numbers(*p.shape) for p in model.weights])  # over thresholds
    model.save(tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    x = np.abs(X[:, :2])
    y = model.predict(x)
    assert y.any()
    np.testing.assert_array_equal(again.predict(x), y)
    assert again.layers[0].get_config() == layer.get_config()


CELLS = {LSTM: LSTMCell, GRU: GRUCell}


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("kind", CELLS)
def test_gradients_of_a_clipped_layer(kind, steps):
    """Every activation sees its input cut at the limit, as ONNX's clip says."""
    tanh, sigmoid = (
        activations.clipped.using(function=name, limit=0.3) for name in ("tanh", "sigmoid")
    )
    layer = kind(3, tanh, sigmoid, return_sequences=True, return_state=True, dtype="float64")
    cell = RNN(CELLS[kind](3, tanh, sigmoid), return_sequences=True, dtype="float64")
    states = [numbers(5, 3) / 2 for _ in layer.state_sizes]
    x = X[:, :steps].copy()
    layer(x)
    mask = MASK[:, :steps] if steps > 1 else None
    y, *_ = layer(x, initial_state=states, mask=mask)
    cell(x)
    cell.set_weights(layer.get_weights())
    np.testing.assert_allclose(cell(x, initial_state=states, mask=mask), y, atol=1e-14)
    assert layer.kernel_info()["isa"] == "NumPy"
    check_recurrent(layer, x, mask=mask, states=states)


def test_a_clip_of_the_inputs_by_hand():
    """The LSTM of ONNX with clip, written out; the cell state itself is not cut."""
    limit = 0.4
    tanh, sigmoid = (
        activations.clipped.using(function=name, limit=limit) for name in ("tanh", "sigmoid")
    )
    layer = LSTM(2, tanh, sigmoid, dtype="float64", unit_forget_bias=3.0, return_state=True)
    layer(X)
    W, R, b = (p.numpy() for p in layer.weights)
    h, c = np.zeros((5, 2)), np.full((5, 2), 2.0)
    _, h_last, c_last = layer(X, initial_state=[h, c])

    def cut(z):
        return np.clip(z, -limit, limit)

    for t in range(5):
        i, f, g, o = np.split(X[:, t] @ W + h @ R + b, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-cut(z))) for z in (i, f, o))
        c = f * c + i * np.tanh(cut(g))
        h = o * np.tanh(cut(c))
    np.testing.assert_allclose(h_last, h, atol=1e-14)
    np.testing.assert_allclose(c_last, c, atol=1e-14)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"function": "clipped", "limit": 1}, "function: expected one that is not clipped itself"),
        ({"function": "glu", "limit": 1}, "function: expected one that keeps the shape"),
        ({"function": "threshold", "limit": 1}, "expected threshold with threshold, default_value"),
        ({"function": "tan", "limit": 1}, "unknown activation 'tan'"),
        *[({"limit": bad}, "limit: expected a finite number > 0") for bad in (0, -1, np.inf, "a")],
        *[({"limit": bad}, "limit: expected a finite number > 0") for bad in (None, True, np.nan)],
    ],
)
def test_what_cannot_be_clipped(options, said):
    with pytest.raises(ValueError, match=said):
        activations.clipped.using(**options)


def test_a_layer_asks_for_the_options():
    with pytest.raises(ValueError, match=r"clipped\.using\(function=\.\.\., limit=\.\.\.\)"):
        LSTM(3, "clipped")


def test_a_function_of_ones_own_is_clipped(tmp_path):
    square = activations.Activation("square", lambda x: x * x, lambda dy, x, y: 2 * x * dy)
    model = Sequential([Input((3,)), Dense(2, activations.clipped.using(function=square, limit=1))])
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors", custom_objects={"square": square})
    np.testing.assert_array_equal(again.predict(X[0]), model.predict(X[0]))
    with pytest.raises(ValueError, match="unknown activation 'square'"):
        load_model(tmp_path / "m.safetensors")
