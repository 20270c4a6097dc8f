"""Layers with a `call` of their own: masks, training, calls of the base."""

import numpy as np
import pytest

from lstmcore import Input, Model, Sequential, layers, losses, ops

IDS = np.array([[1, 2, 0, 0], [3, 4, 5, 6]])
X = np.random.default_rng(0).standard_normal((12, 6, 3)).astype("f4")


class Halves(layers.Layer):
    def call(self, x):
        return ops.split(x, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else ops.split(mask, 2, axis=1)


class Insists(layers.Layer):
    """Refuses to be called without a mask."""

    supports_masking = True

    def call(self, x, mask=None):
        assert mask is not None
        return x * mask[..., None]


class Sum(layers.Layer):
    supports_masking = True

    def call(self, inputs):
        first, second = inputs
        return first + ops.mean(second, axis=1, keepdims=True)


class Always(layers.Dropout):
    """Drops at inference, too."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=True)


def test_the_mask_of_an_array_goes_through_in_a_call_by_hand():
    embedding = layers.Embedding(9, 3, mask_zero=True)
    first, second = Halves()(embedding(IDS))
    assert first.mask.tolist() == [[True, True], [True, True]]
    assert second.mask.tolist() == [[False, False], [True, True]]
    lstm = layers.LSTM(2)
    assert not lstm(second)[0].any()
    assert Insists()(embedding(IDS))[0, 2:].any() == np.False_
    inputs = Input((4,))
    outputs = [lstm(half) for half in Halves()(embedding(inputs))]
    found = Model(inputs, outputs).predict(IDS)
    np.testing.assert_array_equal(found[0], lstm(first))
    np.testing.assert_array_equal(found[1], lstm(second))


def test_a_layer_that_insists_on_a_mask_has_its_place_in_a_graph():
    inputs = Input((4,))
    h = layers.Embedding(9, 3, mask_zero=True)(inputs)
    model = Model(inputs, layers.LSTM(2)(Insists()(h)))
    alone = model.predict(IDS[:1, [0, 1, 1, 1]] * [1, 1, 0, 0])
    np.testing.assert_array_equal(model.predict(IDS)[:1], alone)
    with pytest.raises(AssertionError):
        Model(inputs, Insists()(layers.Embedding(9, 3)(inputs))).predict(IDS)


def test_the_mask_of_the_first_of_several_inputs_is_the_output_s():
    inputs, others = Input((4,)), Input((None,))
    embedding = layers.Embedding(9, 3, mask_zero=True)
    total = Sum()([embedding(inputs), embedding(others)])
    model = Model([inputs, others], layers.Dense(5, "softmax")(total))
    model.compile("sgd", "sparse_categorical_crossentropy")
    loss = model.evaluate([IDS, IDS[:, :2]], IDS % 5, verbose=0)
    taken = model.predict([IDS, IDS[:, :2]])[IDS > 0]
    expected = -np.log(taken[np.arange(6), IDS[IDS > 0] % 5]).mean()
    assert np.isclose(loss, expected, rtol=1e-5)


def test_training_that_is_given_to_the_base_holds():
    layer = Always(0.5, seed=1)
    assert 0.3 < np.mean(np.asarray(layer(np.ones((100, 10)))) == 0) < 0.7
    model = Sequential([Input((6, 3)), Always(0.5)])
    assert 0.3 < np.mean(model.predict(X) == 0) < 0.7
    model.add(layers.LSTM(2))
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((12, 2)), verbose=0)
    assert not np.array_equal(model.predict(X), model.predict(X))


class Endpoint(layers.Layer):
    def call(self, targets, logits):
        self.add_loss(losses.BinaryCrossentropy(from_logits=True)(targets, logits))
        return ops.sigmoid(logits)


def test_targets_that_are_an_input_need_no_gradient():
    inputs, targets = Input((6, 3)), Input((2,))
    logits = layers.Dense(2)(layers.LSTM(4)(inputs))
    model = Model([inputs, targets], Endpoint()(targets, logits))
    model.compile("sgd")
    y = (X[:, -1, :2] > 0).astype("f4")
    found = model.fit([X, y], epochs=3, shuffle=False, verbose=0).history["loss"]
    plain = Model(inputs, logits)
    plain.compile("sgd", losses.BinaryCrossentropy(from_logits=True))
    assert np.isclose(plain.evaluate(X, y, verbose=0), model.evaluate([X, y], verbose=0))
    assert found[2] < found[1] < found[0]
    learnt = Model([inputs, targets], Endpoint()(layers.Dense(2)(targets), logits))
    learnt.compile("sgd")
    with pytest.raises(ValueError, match=r"write ops.stop_gradient\(y_true\)"):
        learnt.fit([X, y], verbose=0)


class Squares(Model):
    def __init__(self, teacher):
        super().__init__()
        self.teacher, self.student = teacher, layers.Dense(2)

    def call(self, x):
        return self.student(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        wanted = ops.softmax(self.teacher(x, training=False))
        return losses.KLDivergence()(wanted, ops.softmax(y_pred))


class Own(layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize("make", [lambda: layers.Dense(2), Own], ids=["kernel", "call"])
def test_what_a_frozen_layer_makes_of_data_is_a_constant(make):
    teacher = make()
    model = Squares(teacher)
    model.compile("sgd")
    model(X[:, 0]), teacher(X[:, 0])
    with pytest.raises(ValueError, match=r"write ops.stop_gradient\(y_true\)"):
        model.fit(X[:, 0], X[:, 0, :2], verbose=0)
    teacher.trainable = False
    before = teacher.get_weights()
    found = model.fit(X[:, 0], X[:, 0, :2], epochs=3, verbose=0).history["loss"]
    assert found[2] < found[1] < found[0]
    for a, b in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_classes_have_weights_with_a_function_as_loss():
    model = Sequential([Input((3,)), layers.Dense(4, "softmax")])
    y, weight = np.arange(12) % 4, {0: 1.0, 1: 2.0, 2: 0.0, 3: 0.5}

    def own(y_true, y_pred):
        return losses.sparse_categorical_crossentropy(y_true, y_pred)

    found, weights = [], model.get_weights()
    for loss in (own, "sparse_categorical_crossentropy"):
        model.set_weights(weights)
        model.compile("sgd", loss)
        history = model.fit(X[:, 0], y, class_weight=weight, epochs=2, shuffle=False, verbose=0)
        found.append(history.history["loss"])
    np.testing.assert_allclose(*found, rtol=1e-5)
