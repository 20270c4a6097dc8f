"""The layer CRF with its loss: in fit, evaluate and predict, with masks, weights and files."""

import numpy as np
import pytest
from gradients import gradient
from helpers import numbers

from lstmcore import GradientTape, Input, Model, Sequential, layers, losses
from lstmcore.layers import CRF
from lstmcore.layers.core.chain import Chain
from lstmcore.saving import load_model

RNG = np.random.default_rng(9)
X, TAGS = numbers(4, 5, 2), RNG.integers(0, 3, (4, 5))
MASK = np.arange(5) < np.array([5, 3, 1, 4])[:, None]


def made(**options):
    crf = CRF(3, boundary_initializer="random_normal", dtype="float64", **options)
    crf.build((None, 5, 3 if options.get("use_kernel") is False else 2))
    crf.set_weights([RNG.normal(size=w.shape) for w in crf.get_weights()])
    return crf


def score(crf, x, tags):
    """The score of a sequence of tags, one row."""
    kernel, bias, chain, left, right = crf.get_weights()
    own = (x @ kernel + bias)[np.arange(len(x)), tags].sum()
    return own + chain[tags[:-1], tags[1:]].sum() + left[tags[0]] + right[tags[-1]]


def test_scores_are_of_steps_transitions_and_boundaries():
    crf = made()
    y = crf(X, mask=MASK)
    assert y.shape == (4, 5, 3)
    found = losses.CRF("none")(TAGS, y)
    for row, n in enumerate(MASK.sum(1)):
        alone = crf(X[row : row + 1, :n])
        tags = alone[0].argmax(-1)
        np.testing.assert_array_equal(y[row, :n], alone[0])  # a row alone is that row
        every = [score(crf, X[row, :n], np.array(t)) for t in np.ndindex(*[3] * n)]
        assert score(crf, X[row, :n], tags) == pytest.approx(max(every))
        right = np.log(np.exp(every).sum()) - score(crf, X[row, :n], TAGS[row, :n])
        assert found[row] == pytest.approx(right, rel=1e-10)
    assert not y[~MASK].any()
    np.testing.assert_array_equal(crf.viterbi_decode(X, MASK), y.argmax(-1))
    np.testing.assert_allclose(crf.marginals(X, MASK).sum(-1), MASK)
    np.testing.assert_array_equal(made(returns="marginals")(X).sum(-1).round(9), 1)


@pytest.mark.parametrize(
    "options",
    [{}, {"use_boundary": False}, {"use_bias": False}, {"use_kernel": False}],
    ids=str,
)
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_gradients_of_weights_and_input(options, mask):
    crf, weight = made(**options), np.array([0.5, 2, 1, 3])
    x = numbers(4, 5, 3 if "use_kernel" in options else 2)
    loss = losses.CRF()

    def value():
        return loss.forward(TAGS, crf.forward(x, False, mask)[0], weight, False, mask)[0]

    y, back = crf.forward(x, True, mask)
    crf.weights[0].flat.grad[...] = 0
    dx = back(loss.forward(TAGS, y, weight, True, mask)[1])
    np.testing.assert_allclose(dx, gradient(value, x), rtol=1e-6, atol=1e-8)
    flat = crf.weights[0].flat
    np.testing.assert_allclose(flat.grad, gradient(value, flat.value), rtol=1e-6, atol=1e-8)


WORDS = [RNG.integers(1, 30, n) for n in RNG.integers(2, 9, 60)]
PARTS = [w % 3 for w in WORDS]


def tagger(**compiled):
    model = Sequential(
        [layers.Embedding(30, 8, mask_zero=True), layers.LSTM(8, return_sequences=True), CRF(3)]
    )
    model.compile("adam", "crf", metrics=["accuracy"], **compiled)
    model.optimizer.learning_rate = 0.03
    return model


def padded(sequences, value=0):
    out = np.full((len(sequences), max(map(len, sequences))), value)
    for row, s in zip(out, sequences, strict=True):
        row[: len(s)] = s
    return out


def test_fit_evaluate_and_predict_as_taggers_are_written(tmp_path):
    model, x, y = tagger(), padded(WORDS), padded(PARTS, -1)
    history = model.fit(x, y, epochs=15, verbose=0, validation_data=(x, y)).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["val_accuracy"][-1] > 0.8
    loss, accuracy = model.evaluate(x, y, verbose=0)
    tags = model.predict(x).argmax(-1)
    assert accuracy == pytest.approx((tags == y)[x > 0].mean())
    scattered = model.evaluate(WORDS, PARTS, batch_size=7, verbose=0)  # lists, other batches
    np.testing.assert_allclose(scattered, [loss, accuracy], rtol=1e-5)
    for alone, row in zip(model.predict(WORDS), tags, strict=True):
        np.testing.assert_array_equal(alone.argmax(-1), row[: len(alone)])
    one_hot = np.eye(3)[np.maximum(y, 0)]
    np.testing.assert_allclose(model.evaluate(x, one_hot, verbose=0), [loss, accuracy], rtol=1e-6)
    np.testing.assert_allclose(model.evaluate(x, y[..., None], verbose=0), [loss, accuracy])
    model.save(tmp_path / "tagger.safetensors")
    again = load_model(tmp_path / "tagger.safetensors")
    np.testing.assert_allclose(again.evaluate(x, y, verbose=0), [loss, accuracy], rtol=1e-6)
    one, other = model.train_on_batch(x, y), again.train_on_batch(x, y)
    assert one == other


def test_every_metric_is_of_the_best_sequence():
    def right(y_true, y_pred):
        return (y_true == y_pred.argmax(-1)).astype("f4")

    model, x, y = tagger(weighted_metrics=[right]), padded(WORDS), padded(PARTS, -1)
    wanted = [layers.CRF.accuracy, "sparse_categorical_accuracy", right]
    model.compile("sgd", layers.CRF.loss, metrics=wanted)
    first, *others = model.evaluate(x, y, verbose=0)[1:]
    assert others == [pytest.approx(first)] * 2
    assert model.fit(x, y, verbose=0, batch_size=60).history["right"][0] == pytest.approx(first)
    with_one_hot = np.eye(3)[np.maximum(y, 0)]
    model.compile("sgd", "crf", metrics=["categorical_accuracy"])
    with pytest.raises(ValueError, match="expected targets of the shape"):
        model.evaluate(x, with_one_hot, verbose=0)  # the loss has made tags of them


def test_boundaries_are_at_the_first_and_last_unmasked_step():
    crf = CRF(3, use_kernel=False)
    crf.build((None, 5, 3))
    crf.set_weights([np.zeros((3, 3)), [5.0, 0, 0], [0, 7.0, 0]])
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 1, 0]], bool)
    tags = crf(np.full((4, 5, 3), [0, 0, 1.0]), mask=mask).argmax(axis=-1)
    wanted = [[0, 2, 2, 2, 1], [0, 1, 0, 0, 0], [0, 0, 0, 2, 1], [0, 0, 0, 1, 0]]
    np.testing.assert_array_equal(tags, wanted)


def test_weights_of_samples_and_of_the_loss():
    model, x, y = tagger(), padded(WORDS), padded(PARTS)
    weight = np.zeros(60)
    weight[7] = 3
    alone = model.evaluate(x[7:8], y[7:8], verbose=0)[0]
    assert model.evaluate(x, y, 60, 0, weight)[0] == pytest.approx(3 * alone / 60, rel=1e-5)
    before = model.get_weights()
    model.compile("sgd", "crf", loss_weights=[0.0])
    model.fit(x, y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Steps(Sequential):
    """Steps of one's own, as scripts write them."""

    def train_step(self, data):
        x, y = data
        with GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(x, y, y_pred, training=False)
        return {"loss": loss, "right": (y_pred.argmax(-1) == y)[x > 0].mean()}


def test_steps_of_ones_own():
    x, y = padded(WORDS), padded(PARTS)
    usual = tagger()
    own = Steps([type(layer).from_config(layer.get_config()) for layer in usual.layers])
    usual.predict(x), own.predict(x)
    own.set_weights(usual.get_weights())
    for model in (usual, own):
        model.compile("sgd", "crf", metrics=["accuracy"])
        model.fit(x, y, batch_size=60, verbose=0, shuffle=False)
    for a, b in zip(usual.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    found = own.evaluate(x, y, 60, verbose=0, return_dict=True)
    loss, accuracy = usual.evaluate(x, y, 60, verbose=0)
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["right"] == pytest.approx(accuracy)


def test_functional_models_weights_and_subclasses():
    ids = Input((None,), dtype="int32")
    steps = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(
        layers.Embedding(30, 4, mask_zero=True)(ids)
    )
    crf = CRF(3, sparse_target=True, name="tags")
    model = Model(ids, [crf(steps), layers.Dense(1, name="other")(steps)])
    model.compile(
        "sgd", [crf.loss_function, "mse"], loss_weights=[0.5, 0], metrics=[[crf.accuracy], []]
    )
    x, y = padded(WORDS), padded(PARTS)
    before = crf.chain_kernel.numpy()
    model.fit(x, [y, 0.0 * y], sample_weight=np.linspace(0, 1, 60), verbose=0)
    assert (crf.chain_kernel.numpy() != before).any()

    class Tagger(Model):
        def __init__(self):
            super().__init__()
            self.embed = layers.Embedding(30, 8, mask_zero=True)
            self.lstm = layers.LSTM(8, return_sequences=True)
            self.crf = CRF(3)

        def call(self, ids):
            return self.crf(self.lstm(self.embed(ids)))

    own = Tagger()
    own.compile("adam", "crf", metrics=["accuracy"])
    own.optimizer.learning_rate = 0.1
    history = own.fit(x, y, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    accuracy = own.evaluate(x, y, verbose=0)[1]
    assert accuracy == pytest.approx((own.predict(x).argmax(-1) == y)[x > 0].mean())


def test_what_does_not_fit_is_told():
    model, x, y = tagger(), padded(WORDS), padded(PARTS)
    with pytest.raises(ValueError, match=r"loss 'crf': expected tags \(60, 8\) or one-hot"):
        model.fit(x, y[:, 0], verbose=0)
    with pytest.raises(ValueError, match="expected tags from 0 to 2 at unmasked steps, got 1 to 3"):
        model.fit(x, y + 1, verbose=0)
    with pytest.raises(ValueError, match="expected one weight a sample"):
        model.fit(x, y, sample_weight=np.ones(y.shape), verbose=0)
    behind = Sequential([Input((5, 2)), CRF(3), layers.Activation("softmax")])
    behind.compile("sgd", "crf")
    with pytest.raises(ValueError, match="expected the output of a layer CRF, the last one"):
        behind.fit(X, TAGS, verbose=0)
    behind.compile("sgd", "categorical_crossentropy")
    with pytest.raises(ValueError, match=r"\(CRF\): the gradient of the output: expected that of"):
        behind.fit(X, np.eye(3)[TAGS], verbose=0)
    with pytest.raises(ValueError, match=r"returns: expected one of .*, got 'tags'"):
        CRF(3, returns="tags")
    with pytest.raises(ValueError, match=r"x: expected an array of shape \(batch, time, 3\)"):
        CRF(3, use_kernel=False)(X)


def test_a_chain_is_that_of_the_whole_output_alone():
    crf = made()
    y = crf(X)
    assert losses.CRF()(TAGS, y) == losses.CRF()(TAGS, np.asarray(y))  # memory that is shared
    with pytest.raises(ValueError, match="expected the output of a layer CRF"):
        losses.CRF()(TAGS, np.array(y))  # a copy
    with pytest.raises(ValueError, match="expected the output of a layer CRF"):
        losses.CRF()(TAGS[1:], y[1:])
    assert isinstance(Chain(X @ np.ones((2, 3)), np.eye(3)), Chain)
