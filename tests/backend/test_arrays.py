"""Keras 2's functions of arrays against NumPy, in losses and in graphs."""

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Model, Sequential, config, context, layers
from lstmcore import backend as K

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 3, 4)).astype("f4")
Y = RANDOM.normal(size=(2, 3, 4)).astype("f4")
P = np.abs(X) / np.abs(X).sum(-1, keepdims=True)
IDS = np.array([[0, 3, 1], [2, 2, 1]])

CASES = {
    "mean": (K.mean(X, axis=-1, keepdims=True), X.mean(-1, keepdims=True)),
    "mean of truths": (K.mean(K.equal(IDS, 2)), 1 / 3),
    "sum": (K.sum(X, axis=(1, 2)), X.sum((1, 2))),
    "prod": (K.prod(X, 1), X.prod(1)),
    "max": (K.max(X, axis=0), X.max(0)),
    "min": (K.min(X), X.min()),
    "var": (K.var(X, axis=1), X.var(1)),
    "std": (K.std(X, axis=1), X.std(1)),
    "any": (K.any(X > 1, axis=1), (X > 1).any(1)),
    "all": (K.all(X > -1, axis=1), (X > -1).all(1)),
    "argmax": (K.argmax(X), X.argmax(-1)),
    "argmin": (K.argmin(X, axis=1), X.argmin(1)),
    "cumsum": (K.cumsum(X), X.cumsum(0)),
    "cumprod": (K.cumprod(X, axis=1), X.cumprod(1)),
    "abs": (K.abs(X), np.abs(X)),
    "square": (K.square(X), X**2),
    "sqrt": (K.sqrt(X), np.sqrt(np.maximum(X, 0))),
    "pow": (K.pow(X, 3), X**3),
    "exp log": (K.log(K.exp(X)), X),
    "clip": (K.clip(X, -0.5, 0.5), np.clip(X, -0.5, 0.5)),
    "clip above": (K.clip(X, None, 0.5), np.minimum(X, 0.5)),
    "clip below": (K.clip(X, 0.1, None), np.maximum(X, 0.1)),
    "maximum": (K.maximum(X, Y), np.maximum(X, Y)),
    "softmax": (K.softmax(X, axis=1), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    "sigmoid": (K.sigmoid(X), 1 / (1 + np.exp(-X))),
    "hard_sigmoid": (K.hard_sigmoid(4 * X), np.clip(0.8 * X + 0.5, 0, 1)),
    "relu": (K.relu(X), np.maximum(X, 0)),
    "relu with all": (
        K.relu(X, alpha=0.1, max_value=0.8, threshold=0.2),
        np.minimum(np.where(X >= 0.2, X, 0.1 * (X - 0.2)), 0.8),
    ),
    "l2_normalize": (K.l2_normalize(X, -1), X / np.linalg.norm(X, axis=-1, keepdims=True)),
    "l2_normalize zeros": (K.l2_normalize(np.zeros(3, "f4")), np.zeros(3)),
    "dot": (K.dot(X, Y[0].T), X @ Y[0].T),
    "dot of 3-D": (K.dot(X, Y.transpose(0, 2, 1)), np.dot(X, Y.transpose(0, 2, 1))),
    "expand_dims": (K.expand_dims(X), X[..., None]),
    "squeeze": (K.squeeze(X[:, :1], 1), X[:, 0]),
    "concatenate": (K.concatenate([X, Y]), np.concatenate([X, Y], -1)),
    "stack": (K.stack([X, Y], axis=1), np.stack([X, Y], 1)),
    "permute_dimensions": (K.permute_dimensions(X, (2, 0, 1)), X.transpose(2, 0, 1)),
    "flatten": (K.flatten(X), X.ravel()),
    "batch_flatten": (K.batch_flatten(X), X.reshape(2, 12)),
    "reverse": (K.reverse(X, 1), X[:, ::-1]),
    "tile": (K.tile(X, (1, 2, 1)), np.tile(X, (1, 2, 1))),
    "repeat": (K.repeat(X[:, 0], 3), np.repeat(X[:, :1], 3, 1)),
    "repeat_elements": (K.repeat_elements(X, 2, 1), np.repeat(X, 2, 1)),
    "gather": (K.gather(X[0], IDS % 3), X[0][IDS % 3]),
    "one_hot": (K.one_hot(IDS, 4), np.eye(4)[IDS]),
    "temporal_padding": (K.temporal_padding(X, (2, 1)), np.pad(X, ((0, 0), (2, 1), (0, 0)))),
    "eye": (K.eye(3), np.eye(3)),
    "zeros": (K.zeros((2, 3)), np.zeros((2, 3))),
    "ones_like": (K.ones_like(X), np.ones_like(X)),
    "binary_crossentropy": (
        K.binary_crossentropy(P > 0.3, P),
        -np.where(P > 0.3, np.log(P), np.log(1 - P)),
    ),
    "categorical_crossentropy": (
        K.categorical_crossentropy(np.eye(4)[IDS], P),
        -np.log(np.take_along_axis(P, IDS[..., None], -1))[..., 0],
    ),
    "sparse_categorical_crossentropy": (
        K.sparse_categorical_crossentropy(IDS, P),
        -np.log(np.take_along_axis(P, IDS[..., None], -1))[..., 0],
    ),
    "in_top_k": (K.in_top_k(X[0], np.array([3, 0, 1]), 4), [True, True, True]),
    "switch": (K.switch(X > 0, X, lambda: Y), np.where(X > 0, X, Y)),
    "switch of rows": (
        K.switch(np.array([True, False]), X, Y),
        np.where(np.array([True, False])[:, None, None], X, Y),
    ),
    "switch of one": (K.switch(np.array(False), lambda: 1 / 0, Y), Y),
    "map_fn": (K.map_fn(lambda row: row * 2, X), 2 * X),
    "foldl": (K.foldl(lambda a, b: 2 * a + b, X), 2 * X[0] + X[1]),
    "foldr": (K.foldr(lambda a, b: 2 * a + b, X, Y[0]), 2 * (2 * Y[0] + X[1]) + X[0]),
    "bias_add": (K.bias_add(X, Y[0, 0]), X + Y[0, 0]),
    "batch_normalization": (
        K.batch_normalization(X, X.mean((0, 1)), X.var((0, 1)), None, None),
        (X - X.mean((0, 1))) / np.sqrt(X.var((0, 1)) + 1e-3),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_against_numpy(name):
    ours, wanted = (np.asarray(a) for a in CASES[name])
    assert ours.shape == wanted.shape
    np.testing.assert_allclose(ours, wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("left", "right", "axes", "formula"),
    [
        ((2, 3, 4), (2, 4, 5), None, "zij,zjk->zik"),
        ((2, 3, 4), (2, 5, 4), 2, "zij,zkj->zik"),
        ((2, 3, 4), (2, 5, 3), (1, -1), "zji,zkj->zik"),
        ((2, 3, 4), (2, 4), None, "zij,zj->zi"),
        ((2, 4), (2, 4, 5), None, "zj,zjk->zk"),
        ((2, 3, 4, 5), (2, 5, 6), (3, 1), "zabj,zjk->zabk"),
    ],
)
def test_batch_dot(left, right, axes, formula):
    x, y = RANDOM.normal(size=left), RANDOM.normal(size=right)
    found = K.batch_dot(x, y, axes)
    np.testing.assert_allclose(found, np.einsum(formula, x, y), rtol=1e-12)


def test_batch_dot_of_vectors_has_two_axes():
    x, y = RANDOM.normal(size=(2, 5, 4))
    np.testing.assert_allclose(K.batch_dot(x, y, 1), (x * y).sum(1, keepdims=True))
    with pytest.raises(ValueError, match="batch_dot: axes: expected axes behind the first"):
        K.batch_dot(x, y, 0)
    with pytest.raises(ValueError, match="expected batches, got 1 and 2 axes"):
        K.batch_dot(x[0], y)


def test_ctc_batch_cost():
    p = K.softmax(RANDOM.normal(size=(2, 6, 4)))
    labels, steps, counts = np.array([[0, 1], [2, 0]]), np.array([[6], [5]]), np.array([[2], [1]])
    found = K.ctc_batch_cost(labels, p, steps, counts)
    assert found.shape == (2, 1)
    ways = 0.0  # of the second: label 2 alone in 5 steps, all else blank (class 3)
    for first in range(5):
        for last in range(first, 5):
            inside = [2 if first <= t <= last else 3 for t in range(5)]
            ways += np.prod([p[1, t, k] for t, k in enumerate(inside)])
    np.testing.assert_allclose(found[1, 0], -np.log(ways), rtol=1e-5)


def rmse(y_true, y_pred):
    return K.sqrt(K.mean(K.square(y_pred - y_true), axis=-1))


def clipped(y_true, y_pred):
    p = K.clip(y_pred, K.epsilon(), 1 - K.epsilon())
    return -K.mean(y_true * K.log(p) + (1 - y_true) * K.log(1 - p), axis=-1)


@pytest.mark.parametrize("loss", [rmse, clipped, lambda t, p: K.sum(K.abs(t - p), axis=-1)])
def test_losses_are_derived(loss):
    x, y = RANDOM.normal(size=(16, 5, 2)), RANDOM.integers(0, 2, (16, 1)).astype("f8")
    lstmcore.utils.set_random_seed(0)
    model = Sequential([layers.LSTM(4), layers.Dense(1, "sigmoid")], name="m")
    model.compile("adam", loss)
    history = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_in_a_graph():
    inputs = Input((3, 4))
    model = Model(inputs, K.l2_normalize(K.mean(inputs, axis=1), axis=-1))
    mean = X.mean(1)
    wanted = mean / np.linalg.norm(mean, axis=-1, keepdims=True)
    np.testing.assert_allclose(model.predict(X, verbose=0), wanted, rtol=1e-5)
    flat = Model(inputs, K.batch_flatten(inputs) * 2)
    np.testing.assert_allclose(flat.predict(X, verbose=0), 2 * X.reshape(2, 12))


def test_training_phases():
    assert K.learning_phase() == 0
    assert K.in_train_phase("train", lambda: "test") == "test"
    assert K.in_test_phase("test", "train") == "test"
    with context.changed(training=True):
        assert K.learning_phase() == 1
        assert K.in_train_phase(lambda: "train", "test") == "train"
        assert K.in_test_phase("test", "train") == "train"
    assert K.in_train_phase("train", "test", training=True) == "train"


def test_floatx(monkeypatch):
    monkeypatch.setattr(config.Settings, "floatx", "float64")
    assert K.zeros((2,)).dtype == K.ones((2,)).dtype == K.eye(2).dtype == np.float64
    assert K.cast_to_floatx(X).dtype == K.constant(1).dtype == np.float64
    assert K.cast(X, "int32").dtype == np.int32


def test_ctc_decode():
    p = np.full((2, 4, 3), 0.1)
    p[[0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 2, 3] * 2, [0, 0, 2, 1, 2, 1, 1, 0]] = 0.8
    paths, scores = K.ctc_decode(p, [4, 3])
    assert [path.tolist() for path in paths] == [[[0, 1, -1, -1], [1, -1, -1, -1]]]
    np.testing.assert_allclose(scores[:, 0], [-4 * np.log(0.8), -3 * np.log(0.8)], rtol=1e-5)
    paths, scores = K.ctc_decode(p, [4, 3], greedy=False, top_paths=2)
    assert len(paths) == 2
    assert paths[0].tolist() == [[0, 1, -1, -1], [1, -1, -1, -1]]
    assert scores.shape == (2, 2)
