"""ReversibleEmbedding: both ways, tied weights in language models, masks, errors.

Keras's numbers are in `tests/keras/test_keras_layers.py`.
"""

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers

from lstmcore import Input, Model, load_model
from lstmcore.layers import LSTM, ReversibleEmbedding
from lstmcore.losses import SparseCategoricalCrossentropy
from lstmcore.models import clone_model
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed

IDS = np.array([[1, 2, 6, 0], [3, 1, 0, 0]])


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


@pytest.mark.parametrize(
    "options", [{}, {"tie_weights": False}, {"logit_soft_cap": 0.7}], ids=["tied", "own", "capped"]
)
def test_both_ways(options, dtype):
    layer = ReversibleEmbedding(7, 3, dtype=dtype, **options)
    vectors = layer(IDS)
    table = layer.weights[0].numpy()
    np.testing.assert_array_equal(vectors, table[IDS])
    h = numbers(2, 4, 3).astype(dtype)
    kernel = table.T if options.get("tie_weights", True) else layer.weights[1].numpy()
    want = h @ kernel
    cap = options.get("logit_soft_cap")
    want = want if cap is None else cap * np.tanh(want / cap)
    logits = layer(h, reverse=True)
    assert logits.dtype == dtype
    np.testing.assert_allclose(logits, want, atol=1e-6)
    np.testing.assert_array_equal(layer(h, True), logits)  # by place, as in Keras
    assert layer.compute_output_shape((None, 4)) == (None, 4, 3)
    assert layer.compute_output_shape((None, 4, 3), reverse=True) == (None, 4, 7)


@pytest.mark.parametrize(
    "options", [{}, {"tie_weights": False}, {"logit_soft_cap": 0.7}], ids=["tied", "own", "capped"]
)
def test_gradients_in_reverse(options):
    layer = ReversibleEmbedding(7, 3, dtype="float64", **options)
    layer(IDS)
    layer.set_weights([numbers(*p.shape) for p in layer.weights])
    check_backward(layer, numbers(2, 4, 3), reverse=True)
    before = [p.grad.copy() for p in layer.weights]
    h = numbers(2, 4, 3)
    y, back = layer.forward(h, True, reverse=True)
    back(np.ones_like(y))
    _, back = layer.forward(h, True, reverse=True)
    back(-np.ones_like(y))  # a second use takes away what the first has added
    for p, grad in zip(layer.weights, before, strict=True):
        np.testing.assert_allclose(p.grad, grad, atol=1e-12)


def language_model(mask_zero=False):
    inputs = Input((None,), dtype="int64")
    embedding = ReversibleEmbedding(7, 3, mask_zero=mask_zero)
    h = LSTM(3, return_sequences=True)(embedding(inputs))
    logits = embedding(h, reverse=True)
    assert logits.shape == (None, None, 7)
    return Model(inputs, logits)


def test_tied_weights_of_a_model_get_both_gradients(tmp_path):
    """Held to numeric derivatives through the whole model: the table is used twice."""
    model = language_model()
    model.compile("sgd", "mse")
    target = numbers(2, 4, 7).astype("f")
    table = model.layers[1].weights[0]
    before = table.numpy().astype(float)
    model.fit(IDS, target, verbose=0, batch_size=2)
    step = (before - table.numpy()) / 0.01

    def loss(values):
        model.layers[1].weights[0].assign(values)
        return float(((model.predict(IDS).astype(float) - target) ** 2).mean())

    others = [p.numpy() for p in model.layers[2].weights]
    assert len(model.weights) == 1 + len(others)
    # the LSTM has moved as well: its step back is small beside the differences below
    eps, at = 1e-2, (1, 2)
    up, down = before.copy(), before.copy()
    up[at] += eps
    down[at] -= eps
    want = (loss(up) - loss(down)) / (2 * eps)
    assert step[at] == pytest.approx(want, rel=0.05)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(IDS), model.predict(IDS))
    assert clone_model(model).count_params() == model.count_params()


def test_the_mask_goes_through_both_ways():
    model = language_model(mask_zero=True)
    model.compile("sgd", "mse")
    y = numbers(2, 4, 7).astype("f")
    other = y.copy()
    other[IDS == 0] = 99  # padding does not count
    assert model.evaluate(IDS, y, verbose=0) == model.evaluate(IDS, other, verbose=0)
    layer = model.layers[1]
    _, _, mask = layer.run(IDS, False)
    np.testing.assert_array_equal(mask, IDS != 0)
    _, _, same = layer.run(layer(IDS), False, mask, reverse=True)
    np.testing.assert_array_equal(same, mask)


def test_learning():
    """A cycle of numbers, of which each says the next."""
    model = language_model()
    model.compile(Adam(0.05), SparseCategoricalCrossentropy(from_logits=True))
    x = (np.arange(6) + np.arange(7)[:, None]) % 7
    losses = model.fit(x, (x + 1) % 7, epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.3 < losses[0]


def test_configs_and_errors():
    layer = ReversibleEmbedding(7, 3, False, mask_zero=True, logit_soft_cap=2.0)
    config = layer.get_config()
    assert ReversibleEmbedding.from_config(config).get_config() == config
    assert list(ReversibleEmbedding.arguments)[:4] == [
        *("input_dim", "output_dim", "tie_weights", "embeddings_initializer")
    ]
    for cap in (0, -1.0, "x", np.inf, True):
        with pytest.raises(ValueError, match="logit_soft_cap: expected a finite number > 0"):
            ReversibleEmbedding(7, 3, logit_soft_cap=cap)
    with pytest.raises(ValueError, match="reverse_dtype: expected None or float32, got float64"):
        ReversibleEmbedding(7, 3, reverse_dtype="float64")(IDS)
    layer = ReversibleEmbedding(7, 3, name="e")
    with pytest.raises(ValueError, match=r"layer 'e' .*: x: expected vectors of size 3 with rev"):
        layer(numbers(2, 4, 5), reverse=True)
    with pytest.raises(ValueError, match=r"x: expected whole numbers, got"):
        layer(numbers(2, 4))
    with pytest.raises(ValueError, match="x: expected whole numbers from 0 to 6, got 7"):
        layer([[7]])
