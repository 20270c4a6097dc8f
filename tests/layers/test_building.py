"""`layer.build(shape)` by hand; test_conformance.py does it with every layer."""

import copy

import numpy as np
import pytest

from lstmcore import Input, Model, Sequential
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    Add,
    Attention,
    Bidirectional,
    Dense,
    Embedding,
    Layer,
    LSTMCell,
    MultiHeadAttention,
)

W = np.arange(6.0, dtype="float32").reshape(3, 2)


def shapes(layer):
    return [w.shape for w in layer.get_weights()]


@pytest.mark.parametrize("shape", [(2, 5, 4), [2, 5, 4], (None, None, 4), np.array([2, 5, 4])])
def test_weights_are_there_at_once(shape):
    layer = LSTM(3)
    layer.build(shape)
    assert layer.built
    assert shapes(layer) == [(4, 12), (3, 12), (12,)]
    layer.set_weights([np.ones(s) for s in shapes(layer)])
    assert layer.kernel.numpy().sum() == 48


def test_the_declared_shape_is_the_default():
    layer = GRU(3, input_shape=(5, 4))
    layer.build()
    assert shapes(layer)[0] == (4, 9)


def test_a_built_layer_keeps_its_weights_in_a_model():
    layer = Dense(2)
    layer.build((None, 3))
    before = layer.get_weights()
    x = Input((3,))
    for model in (Sequential([Input((3,)), layer]), Model(x, layer(x))):
        np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_another_shape_is_refused():
    layer = Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match=r"x: expected shape \(None, 3\), as it was built for"):
        layer.build((None, 4))
    layer.build((7, 5, 3))  # the same weights


@pytest.mark.parametrize("shape", [5, "abc", (2, "a"), [(2, 3), 4]])
def test_no_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"layer '.*' \(LSTM\): input_shape: expected"):
        LSTM(3).build(shape)


def test_several_inputs():
    pair = [(2, 5, 4), (2, 6, 4)]
    for call in (
        lambda layer: layer.build(*pair),
        lambda layer: layer.build(value_shape=pair[1], query_shape=pair[0]),
        lambda layer: layer.build(pair),
        lambda layer: layer.build(tuple(pair)),
    ):
        layer = MultiHeadAttention(2, 3)
        call(layer)
        assert shapes(layer)[0] == (4, 2, 3)
        assert len(shapes(layer)) == 8
    attention = Attention(use_scale=True)
    attention.build({"b": [2, 6, 4], "a": [2, 5, 4]})
    assert shapes(attention) == [()]
    with pytest.raises(ValueError, match=r"\(Add\)"):
        Add().build([(None, 3), (None, 4)])


def test_recurrent_wrappers_and_cells():
    layer = RNN(LSTMCell(3))
    layer.build((None, 5, 4), [(None, 3), (None, 3)])
    assert shapes(layer) == [(4, 12), (3, 12), (12,)]
    both = Bidirectional(LSTM(3))
    both.build((None, 5, 4))
    assert len(shapes(both)) == 6
    cell = LSTMCell(3)
    cell.build((None, 4))
    assert shapes(cell) == [(4, 12), (3, 12), (12,)]


def test_an_embedding_needs_no_shape():
    layer = Embedding(3, 2)
    with pytest.raises(AttributeError, match="no embeddings before it is built"):
        _ = layer.embeddings
    layer.build()
    assert shapes(layer) == [(3, 2)]
    again = copy.deepcopy(layer)
    np.testing.assert_array_equal(again.get_weights(), layer.get_weights())
    assert layer(np.array([[1, 2]])).shape == (1, 2, 2)


def test_an_embedding_with_weights_has_them_at_once():
    np.testing.assert_array_equal(Embedding(3, 2, weights=[W]).embeddings, W)
    np.testing.assert_array_equal(Embedding(3, 2, weights=W).get_weights()[0], W)
    wide = Sequential([Input((4,), dtype="float64"), Embedding(3, 2, weights=[W])])
    assert wide.dtype == "float64"
    np.testing.assert_array_equal(wide.get_weights()[0], W)


class Scaled(Layer):
    """A layer that builds another one."""

    def build(self, input_shape):
        self.inner = Dense(2)
        self.inner.build(input_shape)
        self.scale = self.add_weight((2,), "ones", name="scale")
        super().build(input_shape)

    def call(self, x):
        return self.inner(x) * self.scale


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_that_builds_another(dtype):
    layer = Scaled(dtype=dtype)
    layer.build((None, 3))
    layer.build((None, 3))
    assert sorted(shapes(layer)) == [(2,), (2,), (3, 2)]
    assert {w.dtype.name for w in layer.get_weights()} == {dtype}
    x = np.ones((4, 3), dtype)
    np.testing.assert_allclose(layer(x), layer.inner(x))
