"""TimeDistributed: the same as a call for each step, whatever is inside."""

import copy
import json

import numpy as np
import pytest
from gradients import check_backward, gradient
from helpers import numbers

from lstmcore import Input, Model, Sequential, layers, load_model
from lstmcore.layers import LSTM, Bidirectional, Dense, Dropout, Layer, TimeDistributed
from lstmcore.regularizers import L2

INNER = {
    "dense": lambda: Dense(3, "tanh"),
    "lstm": lambda: LSTM(3),
    "sequences": lambda: LSTM(2, return_sequences=True),
    "flatten": lambda: layers.Flatten(),
    "bidirectional": lambda: Bidirectional(LSTM(2)),
    "model": lambda: Sequential([LSTM(3, return_sequences=True), layers.Flatten(), Dense(2)]),
    "distributed": lambda: TimeDistributed(Sequential([Dense(3), Dense(2)])),
    "regularized": lambda: Dense(3, activity_regularizer=L2(0.0)),
}
SHAPE = (2, 3, 4, 2)


@pytest.mark.parametrize("name", sorted(INNER))
def test_is_a_call_for_each_step(name, dtype):
    layer, x = TimeDistributed(INNER[name](), dtype=dtype), numbers(*SHAPE).astype(dtype)
    y = layer(x)
    assert y.dtype == dtype
    assert y.shape == layer.compute_output_shape(SHAPE)
    for t in range(SHAPE[1]):
        np.testing.assert_array_equal(y[:, t], layer.layer.run(x[:, t].copy())[0])


@pytest.mark.parametrize("name", sorted(INNER))
def test_backward(name):
    layer, x = TimeDistributed(INNER[name](), dtype="float64"), numbers(*SHAPE)
    check_backward(layer, x)
    y, back = layer.forward(x, True)
    np.testing.assert_allclose(y, layer.forward(x)[0])
    if layer.weights:
        assert back(y, need_dx=False) is None


def test_x_and_dy_as_they_lie(dtype):
    """Recurrent layers hand on arrays whose axes lie in another order."""
    x, r = (numbers(3, 2, 4, 2).astype(dtype).swapaxes(0, 1) for _ in range(2))
    layer = TimeDistributed(LSTM(2, return_sequences=True), dtype=dtype)
    plain = layer(x.copy())
    y, back = layer.forward(x, True)
    np.testing.assert_array_equal(y, plain)
    dx = back(r)
    np.testing.assert_array_equal(dx, layer.forward(x.copy(), True)[1](r.copy()))


def test_embedding_has_no_dx():
    layer = TimeDistributed(layers.Embedding(5, 3))
    x = np.arange(24).reshape(2, 3, 4) % 5
    y = layer(x)
    assert layer.input_dtype == "int64"
    np.testing.assert_array_equal(y, layer.layer(x))
    y, back = layer.forward(x, True)
    assert back(np.ones_like(y)) is None
    assert layer.weights[0].grad.sum() == y.size


def test_masks_are_handed_on():
    layer, x = TimeDistributed(Dense(3)), numbers(2, 3, 4).astype(np.float32)
    mask = np.array([[True, True, False], [True, False, False]])
    layer(x)
    y, _, out = layer.run(x, False, mask)
    assert out is mask
    np.testing.assert_array_equal(y, layer.forward(x)[0])


def test_training_reaches_the_layer():
    x = np.ones((4, 30, 20), np.float32)
    layer = TimeDistributed(Dropout(0.5, seed=1))
    assert layer(x) is not None
    assert (layer(x) == x).all()
    y = layer(x, training=True)
    assert (y == 0).mean() == pytest.approx(0.5, abs=0.05)
    assert (y[:, 0] != y[:, 1]).any()  # each step has draws of its own


class Centred(Layer):
    """x less the mean of the batch; real rows alone count."""

    mixes_rows = True
    uses_mask = True

    def forward(self, x, training=False, mask=None):
        real = np.ones(len(x), bool) if mask is None else mask
        share = (real / max(real.sum(), 1)).astype(x.dtype)

        def back(dy, need_dx=True):
            return dy - share[:, None] * dy.sum(axis=0)

        return x - share @ x, back if training else None


def test_a_layer_that_mixes_rows_sees_one_step_at_a_time():
    x = numbers(3, 4, 2)
    layer = TimeDistributed(Centred(), dtype="float64")
    np.testing.assert_allclose(layer(x), x - x.mean(axis=0))
    mask = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]], bool)
    y, back, _ = layer.run(x, True, mask)
    np.testing.assert_allclose(y[:, 0], x[:, 0] - x[:, 0].mean(axis=0))
    np.testing.assert_allclose(y[:, 1], x[:, 1] - x[0, 1])
    np.testing.assert_allclose(y[:, 3], x[:, 3])
    r = numbers(*y.shape)
    got = back(r)
    want = gradient(lambda: float((layer.run(x, False, mask)[0] * r).sum()), x)
    np.testing.assert_allclose(got, want, atol=1e-8)


def test_a_stateful_layer_goes_on_from_step_to_step():
    layer = TimeDistributed(LSTM(2, stateful=True, return_sequences=True), dtype="float64")
    x = numbers(2, 3, 4, 1)
    y = layer(x)
    whole = LSTM(2, return_sequences=True, dtype="float64")
    whole(x[:, 0])
    whole.set_weights(layer.get_weights())
    np.testing.assert_allclose(y.reshape(2, 12, 2), whole(x.reshape(2, 12, 1)), atol=1e-12)


def model_of(*more):
    return Sequential(
        [
            Input((5, 4, 2)),
            TimeDistributed(Sequential([LSTM(3), Dense(2)], name="inner"), name="outer"),
            LSTM(4, return_sequences=True),
            TimeDistributed(Dense(1)),
            *more,
        ]
    )


def test_in_a_model(tmp_path):
    model = model_of()
    assert model.output_shape == (None, 5, 1)
    model.compile("adam", "mse")
    x, y = numbers(20, 5, 4, 2), numbers(20, 5, 1)
    losses = model.fit(x, y, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    want = model.predict(x, verbose=0)
    np.testing.assert_array_equal(again.predict(x, verbose=0), want)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(x, verbose=0), want)


def test_a_dense_at_every_step_is_a_dense_and_streams():
    model = Sequential(
        [Input((None, 2)), LSTM(3, return_sequences=True), TimeDistributed(Dense(2))]
    )
    plain = Sequential([Input((None, 2)), LSTM(3, return_sequences=True), Dense(2)])
    plain.set_weights(model.get_weights())
    x = numbers(2, 6, 2).astype(np.float32)
    want = plain.predict(x, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), want)
    np.testing.assert_array_equal(model.stream(2).feed(x), want)


def test_a_dropout_at_every_step_streams_and_a_class_of_the_users_own_does_not():
    class Own(Dropout):
        def forward(self, x, training=False):
            return x + 1, None

    for inner, streams in ((Dropout(0.5), True), (Own(0.5), False)):
        model = Sequential(
            [Input((None, 2)), LSTM(3, return_sequences=True), TimeDistributed(inner)]
        )
        if streams:
            assert model.stream().feed(np.ones((1, 2, 2))).shape == (1, 2, 3)
        else:
            with pytest.raises(ValueError, match="its layer Own may have a forward of its own"):
                model.stream()


def test_config_round_trip():
    layer = TimeDistributed(Dense(3, "relu"), name="td", input_shape=(5, 2))
    config = json.loads(json.dumps(layer.get_config()))
    again = layers.get({"class_name": "TimeDistributed", "config": config})
    assert again.get_config() == layer.get_config()
    assert again.layer.units == 3
    assert again.input_shape == (5, 2)
    assert Sequential([layer]).output_shape == (None, 5, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimeDistributed(3), "layer: expected a layer, got 3"),
        (lambda: TimeDistributed(LSTM(3, return_state=True)), "one input and one output"),
        (lambda: TimeDistributed(layers.Add()), r"one output, got 'add\w*' \(Add\)"),
        (lambda: TimeDistributed(Dense(2))(np.ones((3, 4))), r"\(batch, time, ...\), got shape"),
        (lambda: TimeDistributed(LSTM(2))(np.ones((3, 4, 5))), r"\(LSTM\): x: expected"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_other_shapes_later():
    for inner in (Dense(2), LSTM(2)):
        layer = TimeDistributed(inner)
        layer(np.ones((2, 3, 4, 5)))
        assert layer(np.ones((1, 7, 4, 5))).shape[:2] == (1, 7)
        with pytest.raises(ValueError, match="x: expected"):
            layer(np.ones((2, 3)))
        with pytest.raises(ValueError, match="x: expected"):
            layer(np.ones((2, 3, 4, 6)))


LETTERS = np.array([[[1, 2, 3], [4, 0, 0], [0, 0, 0]], [[5, 5, 0], [0, 0, 0], [0, 0, 0]]])


@pytest.mark.parametrize("wrap", [LSTM, lambda n: Bidirectional(LSTM(n))])
def test_a_mask_of_the_parts_of_steps_is_the_layers(wrap):
    """Words of characters: a word alone, without its padding, gives the same."""
    embed = layers.Embedding(6, 4, mask_zero=True, dtype="float64")
    layer = TimeDistributed(wrap(3), dtype="float64")
    vectors = embed(LETTERS)
    layer(vectors)
    fine = embed.compute_mask(LETTERS, np.array([[1, 1, 0], [1, 0, 0]], bool))
    y, back, steps = layer.run(vectors, True, fine)
    np.testing.assert_array_equal(steps, [[True, True, False], [True, False, False]])
    for row, t, n in ((0, 0, 3), (0, 1, 1), (1, 0, 2)):
        alone = layer.layer.run(vectors[row : row + 1, t, :n])[0]
        np.testing.assert_allclose(y[row, t], alone[0], rtol=1e-12)
    assert not y[0, 2].any()  # of a word without characters: the state it begins with
    r = numbers(*y.shape)
    want = gradient(lambda: float((layer.run(vectors, False, fine)[0] * r).sum()), vectors)
    np.testing.assert_allclose(back(r), want, rtol=1e-6, atol=1e-8)
    assert not want[LETTERS == 0].any()


def test_parts_that_the_output_still_has_keep_their_mask():
    layer = TimeDistributed(LSTM(3, return_sequences=True))
    x, fine = numbers(2, 3, 3, 4).astype(np.float32), LETTERS > 0
    layer(x)
    np.testing.assert_array_equal(layer.compute_mask(x, fine), fine)
    pooled = TimeDistributed(layers.GlobalMaxPooling1D(use_mask=True))
    np.testing.assert_array_equal(pooled.compute_mask(x, fine), fine.any(axis=2))


def test_steps_in_turn_see_the_mask_of_their_parts():
    x, fine = numbers(2, 3, 3, 4).astype(np.float32), LETTERS > 0
    layer = TimeDistributed(LSTM(3, activity_regularizer=L2(0.0)))
    layer(x)
    plain = TimeDistributed(LSTM(3))
    plain(x)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer.run(x, False, fine)[0], plain.run(x, False, fine)[0], 1e-6)


def test_words_and_their_characters_in_one_model():
    """A mask of words meets one of characters in the embedding of the latter."""
    words, letters = Input((None,), dtype="int32"), Input((None, 3), dtype="int32")
    word = layers.Embedding(9, 4, mask_zero=True)(words)
    letter = layers.Embedding(6, 4, mask_zero=True)(letters)
    h = layers.Concatenate()([word, TimeDistributed(LSTM(3))(letter)])
    model = Model([words, letters], Dense(2, "softmax")(LSTM(5, return_sequences=True)(h)))
    ragged = [[np.array([1, 8]), np.array([3])], [LETTERS[0, :2], LETTERS[1, :1]]]
    y = model.predict(ragged, verbose=0)
    assert [part.shape for part in y] == [(2, 2), (1, 2)]
    alone = model.predict([np.array([[3]]), LETTERS[1:, :1]], verbose=0)
    np.testing.assert_allclose(y[1], alone[0], rtol=1e-6)
    model.compile("adam", "sparse_categorical_crossentropy")
    assert np.isfinite(model.fit(*(ragged, [[1, 0], [1]]), verbose=0).history["loss"]).all()
