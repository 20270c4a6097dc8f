"""Mixed precision: Keras's older names of policies, and layers that compute and train in it."""

import copy

import numpy as np
import pytest

import lstmcore
from lstmcore import (
    Input,
    Sequential,
    _core,
    config,
    layers,
    mixed_precision,
    num_threads,
    optimizers,
    reference,
)
from lstmcore.config import policies
from lstmcore.utils import set_random_seed

pytestmark = pytest.mark.usefixtures("default_settings")
MIXED = "mixed_bfloat16"
computed = pytest.mark.skipif(
    policies.bfloat16_products() is None, reason="this CPU has no dot products of bfloat16"
)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 9, 21)).astype(np.float32)
EPS = np.finfo(np.float32).eps


@pytest.fixture(params=[name for name in _core.dot_products("bfloat16") if name != "none"])
def dot(request):
    """Run the test once for every dot product of bfloat16 that this CPU has, with that forced."""
    _core.set_dot_product(request.param)
    yield request.param
    _core.set_dot_product(None)


def test_the_global_policy_is_that_of_new_layers(with_products):
    mixed_precision.set_global_policy(MIXED)
    assert mixed_precision.global_policy() == mixed_precision.Policy(MIXED)
    assert config.dtype_policy() == mixed_precision.dtype_policy() == layers.LSTM(2).dtype_policy
    mixed_precision.set_dtype_policy(mixed_precision.DTypePolicy("float32"))
    assert layers.LSTM(2).compute_dtype == "float32"


def test_no_loss_is_scaled():
    with pytest.raises(AttributeError, match="no loss is scaled"):
        _ = mixed_precision.LossScaleOptimizer


def rounded(a):
    """The nearest numbers of bfloat16, ties to even."""
    bits = np.ascontiguousarray(a, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def assert_product(found, a, b, bias=0):
    """`found` is a @ b of rounded operands, summed up in float32; it is not that of float32."""
    one, other = rounded(a).astype(float), rounded(b).astype(float)
    bound = (one.shape[-1] + 4) * EPS * (np.abs(one) @ np.abs(other) + np.abs(bias))
    assert (np.abs(found - (one @ other + bias)) <= bound).all()
    assert (np.abs(found - (a.astype(float) @ b + bias)) > bound).mean() > 0.5


def dense(**kwargs):
    return layers.Dense(7, bias_initializer="normal", **kwargs)


def einsum(**kwargs):
    return layers.EinsumDense(
        "abc,cd->abd", (None, 7), bias_axes="d", bias_initializer="normal", **kwargs
    )


@computed
@pytest.mark.parametrize("make", [dense, einsum])
@pytest.mark.parametrize("how", ["in training", "at inference"])
def test_products_take_bfloat16_and_add_in_float32(make, how, dot):
    layer = make(dtype=MIXED)
    layer.build(X.shape)
    kernel, bias = layer.get_weights()
    y, back = layer.forward(X, how == "in training")
    assert_product(y, X, kernel, bias)
    if back is None:
        return
    dy = RNG.normal(size=y.shape).astype(np.float32)
    dx = back(dy)
    rows, drows = X.reshape(-1, X.shape[-1]), dy.reshape(-1, 7)
    assert_product(dx, dy, np.ascontiguousarray(kernel.T))
    assert_product(layer.kernel.grad, np.ascontiguousarray(rows.T), drows)
    np.testing.assert_allclose(layer.bias.grad, drows.sum(0, dtype=float), rtol=1e-5, atol=1e-5)


@computed
def test_projections_of_attention_take_bfloat16(dot):
    plain, mixed = (layers.MultiHeadAttention(2, 4, dtype=kind) for kind in ("float32", MIXED))
    wanted = plain(X, X)
    mixed(X, X)
    mixed.set_weights(plain.get_weights())
    found = mixed(X, X)
    assert 1e-4 < np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max()


@computed
def test_an_lstm_is_the_reference_of_rounded_operands(dot):
    layer = layers.LSTM(5, return_sequences=True, bias_initializer="normal", dtype=MIXED)
    found = layer(X)
    kernel, recurrent, bias = layer.get_weights()
    weights = [rounded(kernel).astype(float), rounded(recurrent).astype(float), bias]
    c = np.zeros((len(X), 5))
    before = np.zeros_like(found[:, 0])
    for t in range(X.shape[1]):
        x = rounded(X[:, t : t + 1]).astype(float)
        _, h, c = reference.lstm(x, *weights, rounded(before), c)
        np.testing.assert_allclose(found[:, t], h, rtol=0, atol=1e-6)
        before = found[:, t]
    assert np.abs(found - layers_of_float32(layer)(X)).max() > 1e-3
    assert layer.kernel_info()["dot_product"] == dot


def layers_of_float32(layer):
    """The same layer, with the same weights, in float32."""
    other = type(layer).from_config({**layer.get_config(), "dtype": "float32"})
    other.build(X.shape)
    other.set_weights(layer.get_weights())
    return other


RECURRENT = [layers.LSTM, layers.GRU, layers.SimpleRNN]


@computed
@pytest.mark.parametrize("cls", RECURRENT)
@pytest.mark.parametrize("more", [{}, {"recurrent_dropout": 0.3, "weight_dropout": 0.2}])
def test_recurrent_layers_are_near_to_float32(cls, more, dot):
    mixed = cls(12, return_sequences=True, seed=1, dtype=MIXED, **more)
    mixed.build(X.shape)
    plain = layers_of_float32(mixed)
    (y, back), (wanted, wanted_back) = (layer.forward(X, True) for layer in (mixed, plain))
    dy = RNG.normal(size=y.shape).astype(np.float32)
    near = [(y, wanted), (back(dy), wanted_back(dy))]
    near += [(a.grad, b.grad) for a, b in zip(mixed.weights, plain.weights, strict=True)]
    for found, of_float32 in near:
        assert found.dtype == np.float32
        error = np.linalg.norm(found - of_float32) / np.linalg.norm(of_float32)
        assert 1e-5 < error < 0.03


@computed
@pytest.mark.parametrize("cls", RECURRENT)
def test_training_sees_the_outputs_of_inference(cls, dot):
    layer = layers.Bidirectional(cls(8, return_sequences=True), dtype=MIXED)
    layer.build(X.shape)
    wanted = layer(X)
    y, _ = layer.forward(X, True)
    assert np.array_equal(y, wanted)
    assert np.array_equal(layer(X[:1]), wanted[:1])
    with num_threads(1):
        assert np.array_equal(layer(X), wanted)
    assert np.array_equal(copy.deepcopy(layer)(X), wanted)


def model_of(dtype):
    set_random_seed(3)
    inner = [Input((9, 21)), layers.LSTM(16, return_sequences=True), layers.GRU(8)]
    return Sequential([*inner, layers.Dense(4, "relu"), layers.Dense(1)], dtype=dtype)


@computed
def test_a_stream_and_a_file_give_the_same_bits(tmp_path):
    model = model_of(MIXED)
    wanted = model.predict(X, verbose=0)
    stream = model.stream(len(X))
    for t in range(X.shape[1]):
        y = stream.step(X[:, t])
    assert np.array_equal(y, wanted)
    model.save(tmp_path / "model.safetensors")
    loaded = lstmcore.load_model(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict(X, verbose=0), wanted)


@computed
def test_training_is_that_of_float32_but_for_rounding():
    x = RNG.normal(size=(128, 9, 21)).astype(np.float32)
    y = x[:, :, :1].mean(axis=1) + np.maximum(x[:, -1, 1:2], 0)
    losses = {}
    for dtype in ("float32", MIXED):
        model = model_of(dtype)
        model.compile(optimizers.Adam(0.01), "mse")
        losses[dtype] = model.fit(x, y, 32, 25, verbose=0).history["loss"]
        assert {w.value.dtype for w in model.weights} == {np.dtype("f4")}
        assert all(slot.dtype == np.float32 for slot in model.optimizer.slots.values())
    plain, mixed = losses.values()
    assert plain != mixed
    assert plain[-1] < 0.2 * plain[0]
    np.testing.assert_allclose(mixed[:5], plain[:5], rtol=0.02)
    assert mixed[-1] < 1.3 * plain[-1]


@computed
def test_steps_too_small_for_bfloat16_add_up():
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False, dtype=MIXED)])
    model.set_weights([np.ones((1, 1))])
    model.compile(optimizers.SGD(1e-4), lambda y, p: (p - y) * 1.0)
    model.fit(np.ones((8, 1)), np.zeros((8, 1)), 1, 4, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], 1 - 32e-4, rtol=1e-6)  # the next is 0.9961


@pytest.mark.skipif(len(_core.isas()) < 2, reason="there is one instruction set")
def test_an_instruction_set_without_dot_products_has_no_policy():
    before = _core.isa()
    _core.set_isa("base")
    try:
        with pytest.raises(ValueError, match="or not in the instruction set that is used, base"):
            layers.LSTM(2, dtype=MIXED)
    finally:
        _core.set_isa(before)


@computed
def test_a_policy_is_set_and_reset_on_trained_layers():
    model, wanted = model_of("float32"), {}
    for dtype in ("float32", MIXED, "float32", MIXED):
        for layer in model.layers:
            layer.dtype_policy = dtype
        found = model.predict(X, verbose=0)
        assert np.array_equal(model.stream(len(X)).feed(X), found)
        assert np.array_equal(wanted.setdefault(dtype, found), found)
    assert not np.array_equal(*wanted.values())


@computed
def test_a_model_in_mixed_precision_is_quantized_and_back():
    model = model_of(MIXED)
    before = model.predict(X, verbose=0)
    model.quantize("int8")
    changed = model.predict(X, verbose=0)
    assert 0 < np.abs(changed - before).max() < 0.1 * np.abs(before).max()
    model.dequantize()
    assert np.array_equal(model.predict(X, verbose=0), before)
    assert {layer.dtype_policy.name for layer in model.layers} == {MIXED}
