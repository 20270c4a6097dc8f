"""Layers and models with a `call` of their own: recorded, and compared with what they compute."""

import numpy as np
import pytest
from onnx_exports import SEQUENCES as X
from onnx_exports import exported, same

from lstmcore import Input, Model, Sequential, layers, ops, random
from lstmcore.interchange.onnx.exporting import model_bytes
from lstmcore.utils import set_random_seed

TOKENS = np.array([[3, 1, 0, 2, 0], [0, 0, 4, 1, 2], [5, 2, 0, 0, 0]])


class Attention(layers.Layer):
    """Bahdanau's, as notebooks have it."""

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], 1), "glorot_uniform", name="w")
        self.b = self.add_weight((1,), "ones", name="b")

    def call(self, x, mask=None):
        scores = ops.tanh(ops.dot(x, self.w) + self.b)
        if mask is not None:
            scores = ops.where(ops.expand_dims(mask, -1), scores, -1e9)
        return ops.sum(ops.softmax(scores, axis=1) * x, axis=1)


class Block(layers.Layer):
    """Layers in a layer, one of them with a call of its own."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.lstm = layers.LSTM(units, return_sequences=True)
        self.norm, self.attend = layers.LayerNormalization(), Attention()
        self.supports_masking = True

    def call(self, x):
        h = self.norm(self.lstm(x)) + x
        self.add_loss(ops.mean(h))
        return h * ops.expand_dims(self.attend(h), 1)


class Positions(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.tokens = layers.Embedding(7, 4, mask_zero=True)
        self.positions = layers.Embedding(9, 4)

    def call(self, x):
        return self.tokens(x) + self.positions(ops.arange(x.shape[1]))

    def compute_mask(self, x, mask=None):
        return self.tokens.compute_mask(x)


class Pair(Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one, self.other = layers.GRU(3), layers.Dense(2)

    def call(self, x):
        return {"a": self.one(x["series"]), "b": self.other(x["static"])}


def seeded(layers_of):
    set_random_seed(1)
    return Sequential(layers_of)


def test_layers():
    model = seeded([Input((None, 4)), Block(4), layers.Dense(3), Attention()])
    before = len(model.layers[0].lstm.nodes)
    graph = exported(model)
    assert graph.runner.inputs[0].shape == ("batch", "time", 4)
    same(graph.run([X]), [model.predict(X, verbose=0)])
    assert len(model.layers[0].lstm.nodes) == before


def test_names_go_on_as_before():
    model = seeded([Input((None, 4)), Block(4)])
    first = layers.InputLayer((3,)).name
    model_bytes(model)
    number = int(first.rpartition("_")[2]) if first[-1].isdigit() else 0
    assert layers.InputLayer((3,)).name == f"input_layer_{number + 1}"


def test_masks():
    set_random_seed(1)
    x = Input((None,), dtype="int32")
    h = Block(4)(layers.Embedding(7, 4, mask_zero=True)(x))
    model = Model(x, [layers.LSTM(2)(h), Attention()(h)])
    same(exported(model).run([TOKENS]), model.predict(TOKENS, verbose=0))


def test_masks_of_their_own():
    model = seeded([Input((5,), dtype="int32"), Positions(), layers.LSTM(3)])
    graph = exported(model)
    assert graph.runner.inputs[0].shape == ("batch", 5)  # it counts the steps
    same(graph.run([TOKENS]), [model.predict(TOKENS, verbose=0)])


def test_functions():
    model = seeded([Input((None, 4)), layers.Lambda(lambda x: ops.max(x, axis=1) * 2)])
    same(exported(model).run([X]), [model.predict(X, verbose=0)])


def squared(x):
    return ops.square(ops.relu(x))


def test_activations():
    model = seeded([Input((None, 4)), layers.Dense(3, squared), layers.Activation(squared)])
    same(exported(model).run([X]), [model.predict(X, verbose=0)])
    own = layers.Dense(3, lambda x: np.tanh(np.asarray(x)), name="own")
    with pytest.raises(ValueError, match=r"layer 'own' \(Dense\): activation: expected .*ops, got"):
        model_bytes(Sequential([Input((None, 4)), own]))


def test_several_inputs_and_outputs():
    set_random_seed(1)
    model = Pair()
    x = {"series": X, "static": X[:, 0]}
    wanted = model.predict(x, verbose=0)
    graph = exported(model)
    assert [t.name for t in graph.runner.inputs] == ["series", "static"]
    found = dict(zip([t.name for t in graph.runner.outputs], graph.run([*x.values()]), strict=True))
    same([found["a"], found["b"]], [wanted["a"], wanted["b"]])


def test_states_stay_as_they_are():
    class Running(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.gru = layers.GRU(3, stateful=True)

        def call(self, x):
            return self.gru(x) * 2

    model = seeded([Input((None, 4)), Running()])
    first = model.predict(X, verbose=0)
    (state,) = model.layers[0].gru.states
    same(exported(model).run([X]), [first])  # which begins with 0
    np.testing.assert_array_equal(model.layers[0].gru.states[0], state)


def test_streams():
    model = seeded([Input((None, 4)), Block(4)])
    with pytest.raises(ValueError, match="x: expected layers that go step by step"):
        model_bytes(model, stateful=True)


class Noisy(layers.Layer):
    def call(self, x):
        return x + random.normal((4,))


class Branch(layers.Layer):
    def call(self, x):
        return x * 2 if isinstance(x, np.ndarray) else x


class Numpy(layers.Layer):
    def call(self, x):
        return np.tanh(np.asarray(x))


@pytest.mark.parametrize(
    ("layer", "got"),
    [
        (Noisy(name="own"), "other numbers than it computes"),
        (Branch(name="own"), "other numbers than it computes"),
        (Numpy(name="own"), "TypeError"),
    ],
    ids=["noisy", "branch", "numpy"],
)
def test_what_is_not_the_same_is_refused(layer, got):
    model = Sequential([Input((None, 4)), layer])
    with pytest.raises(ValueError, match=rf"layer 'own' \(\w+\): call: expected .*, got {got}"):
        model_bytes(model)
