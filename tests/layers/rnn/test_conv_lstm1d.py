"""ConvLSTM1D: the formulas, gradients, masks, states. Keras's numbers: `test_keras_layers.py`."""

import numpy as np
import pytest
from formulas import wave
from gradients import leaves
from helpers import numbers
from recurrent_checks import MASK, alone, check_recurrent

from lstmcore import Input, Model, Sequential, load_model
from lstmcore.layers import LSTM, Bidirectional, ConvLSTM1D, Dense, Flatten, TimeDistributed
from lstmcore.utils import set_random_seed

WAYS = {
    "valid": {},
    "same": {"padding": "same", "strides": 2},
    "dilated": {"dilation_rate": 2, "activation": "relu"},
    "backwards": {"go_backwards": True, "padding": "same", "use_bias": False},
    "first": {"data_format": "channels_first"},
}
RETURNS = {
    "last": {},
    "sequences": {"return_sequences": True},
    "states": {"return_sequences": True, "return_state": True},
    "zeros": {"return_sequences": True, "zero_output_for_mask": True},
}
every_way = pytest.mark.parametrize("way", WAYS)


def made(x, **options):
    """A layer of 2 filters and windows of 2, built, with weights that are not small."""
    layer = ConvLSTM1D(2, 2, dtype="float64", **options)
    layer(x)
    for i, param in enumerate(layer.weights):
        param.assign(wave(param.shape, 1.1 + 0.1 * i))
    return layer


def states_of(layer, x):
    """States of the right shape that are not 0."""
    shape = ConvLSTM1D.from_config({**layer.get_config(), "return_state": True})
    _, h, c = shape.compute_output_shape(x.shape)
    return [wave(h, 0.7), wave(c, 0.9)]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_the_formulas():
    """One step after the other, one window after the other."""
    x, options = numbers(2, 3, 5, 2), {"return_sequences": True, "padding": "same"}
    layer = made(x, **options)
    kernel, recurrent, bias = (param.value for param in layer.weights)
    h = c = np.zeros((2, 5, 2))
    for t in range(3):
        z = np.tile(bias, (2, 5, 1))
        for at in range(5):
            for k in range(2):  # an even window has its zeros at the end
                if at + k < 5:
                    z[:, at] += x[:, t, at + k] @ kernel[k] + h[:, at + k] @ recurrent[k]
        i, f, g, o = np.split(z, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(layer(x)[:, t], h, atol=1e-14)


def test_windows_of_all_positions_are_an_lstm():
    """One position, one window: the convolutions are products."""
    x = numbers(3, 4, 1, 2)
    conv, plain = ConvLSTM1D(5, 1, dtype="float64"), LSTM(5, dtype="float64")
    conv(x)
    plain(x[:, :, 0])
    plain.set_weights([w.squeeze() for w in conv.get_weights()])
    np.testing.assert_allclose(conv(x)[:, 0], plain(x[:, :, 0]), atol=1e-14)


@pytest.mark.parametrize(
    ("way", "returns"),
    [*(("valid", r) for r in RETURNS), *((w, "states") for w in WAYS if w != "valid")],
)
def test_gradients(way, returns):
    x = numbers(3, 5, 1, 3) if way == "first" else numbers(3, 5, 3, 1)
    layer = made(x, **WAYS[way], **RETURNS[returns])
    check_recurrent(layer, x, MASK[[1, 3, 4]], states_of(layer, x))


@every_way
@pytest.mark.parametrize("steps", [1, 3])
def test_gradients_without_a_mask(way, steps):
    x = numbers(2, steps, 2, 3) if way == "first" else numbers(2, steps, 3, 2)
    layer = made(x, return_state=True, **WAYS[way])
    check_recurrent(layer, x, states=states_of(layer, x))
    check_recurrent(layer, x)


def test_gradients_with_dropout():
    x = numbers(2, 3, 4, 2)
    layer = made(x, dropout=0.4, recurrent_dropout=0.4)
    check_recurrent(layer, x, states=states_of(layer, x), before=lambda: set_random_seed(3))


@every_way
def test_a_masked_row_is_the_row_without_its_masked_steps(way, dtype):
    x = numbers(5, 5, 2, 4) if way == "first" else numbers(5, 5, 4, 2)
    layer = made(x, **WAYS[way], return_state=True)
    states = states_of(layer, x)
    padded = x.copy()
    padded[~MASK] = np.nan
    ours = leaves(layer(padded, mask=MASK, initial_state=states))
    for row in range(4):
        for whole, part in zip(ours, alone(layer, x, MASK, row, states), strict=True):
            np.testing.assert_allclose(whole[row], part[0], atol=1e-14)
    for whole, state in zip(ours[1:], states, strict=True):  # nothing real: as it began
        np.testing.assert_array_equal(whole[4], state[4])


def test_outputs_of_masked_steps():
    x = numbers(5, 5, 4, 2)
    layer = made(x, return_sequences=True)
    y = layer(x, mask=MASK)
    np.testing.assert_array_equal(y[1, 1], y[1, 0])
    assert not y[4].any()
    layer.zero_output_for_mask = True
    zero = layer(x, mask=MASK)
    np.testing.assert_array_equal(zero[MASK], y[MASK])
    assert not zero[~MASK].any()


def test_the_mask_turns_round_with_the_outputs():
    x = numbers(5, 5, 4, 2)
    layer = made(x, return_sequences=True, go_backwards=True)
    _, _, mask = layer.run(x, False, MASK)
    np.testing.assert_array_equal(mask, MASK[:, ::-1])
    assert made(x).run(x, False, MASK)[2] is None


def test_a_stateful_layer_goes_on(dtype):
    x = numbers(2, 6, 4, 2).astype(dtype)
    layer = ConvLSTM1D(2, 2, stateful=True, return_sequences=True, dtype=dtype.name)
    parts = [layer(x[:, :3]), layer(x[:, 3:])]
    layer.reset_states()
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), layer(x))
    with pytest.raises(ValueError, match="expected 2 rows as in the call before"):
        layer(x[:1])


def test_dropout_is_drawn_in_training_alone():
    x = numbers(2, 4, 4, 2)
    layer = made(x, dropout=0.5, recurrent_dropout=0.5, seed=3)
    once, again = layer(x, training=True), layer(x, training=True)
    assert (once != again).any()
    np.testing.assert_array_equal(layer(x), layer(x))
    np.testing.assert_array_equal(
        made(x, dropout=0.5, recurrent_dropout=0.5, seed=3)(x, training=True), once
    )


def test_the_bias_to_begin_with():
    x = numbers(1, 2, 4, 2)
    for given, forget in ((True, 1.0), (False, 0.0), (2.5, 2.5)):
        layer = ConvLSTM1D(2, 2, unit_forget_bias=given)
        layer(x)
        np.testing.assert_array_equal(layer.bias.value, [0, 0, forget, forget, 0, 0, 0, 0])


def test_frames_in_models(tmp_path):
    set_random_seed(0)
    x = numbers(16, 6, 8, 1).astype("float32")
    model = Sequential(
        [
            Input((None, 8, 1)),
            ConvLSTM1D(4, 3, padding="same", return_sequences=True),
            Bidirectional(ConvLSTM1D(2, 3, padding="same", return_sequences=True)),
            TimeDistributed(Flatten()),
            LSTM(4),
            Dense(1),
        ]
    )
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, 0, 0], epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "m.safetensors")
    y = model.predict(x, verbose=0)
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(x, verbose=0), y)


def test_an_encoder_hands_its_states_to_a_decoder():
    x = numbers(3, 4, 5, 2).astype("float32")
    start = Input((4, 5, 2))
    _, *states = ConvLSTM1D(2, 2, padding="same", return_state=True)(start)
    end = ConvLSTM1D(2, 2, padding="same")(start, initial_state=states)
    model = Model(start, end)
    assert model.output_shape == (None, 5, 2)
    encoder, decoder = model.layers[1:]
    _, h, c = encoder(x)
    np.testing.assert_array_equal(model.predict(x, verbose=0), decoder(x, initial_state=[h, c]))
    model.compile("sgd", "mse")
    before = encoder.get_weights()[0]
    model.train_on_batch(x, np.zeros((3, 5, 2)))
    assert (encoder.get_weights()[0] != before).any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ConvLSTM1D(0, 3), "filters: expected a whole number from 1"),
        (lambda: ConvLSTM1D(4, (3, 3)), "kernel_size: expected a whole number, got"),
        (lambda: ConvLSTM1D(4, 3, padding="causal"), "padding: expected 'valid' or 'same'"),
        (lambda: ConvLSTM1D(4, 3, 2, dilation_rate=2), "dilation_rate: expected 1 where"),
        (lambda: ConvLSTM1D(4, 3, dropout=1.0), "dropout: expected a number from 0 to below 1"),
        (lambda: ConvLSTM1D(4, 3, unit_forget_bias="1"), "unit_forget_bias: expected True"),
        (
            lambda: ConvLSTM1D(4, 3, use_bias=False, unit_forget_bias=2.0),
            "unit_forget_bias: expected True or False: use_bias is False",
        ),
        (
            lambda: ConvLSTM1D(4, 3)(numbers(2, 5, 3)),
            r"an array of shape \(batch, time, positions, features\)",
        ),
        (
            lambda: ConvLSTM1D(4, 3, data_format="channels_first")(Input((5, 2, None))),
            r"\(batch, time, features, positions\), the last two of known size",
        ),
        (lambda: ConvLSTM1D(4, 3)(numbers(2, 5, 2, 1)), "at least 3 positions, got 2"),
        (
            lambda: made(numbers(2, 5, 4, 2))(numbers(2, 5, 4, 3)),
            r"features of x: expected 2, got 3, shape \(2, 5, 4, 3\)",
        ),
        (
            lambda: made(numbers(2, 5, 4, 2))(
                numbers(2, 5, 4, 2), initial_state=[np.zeros((2, 3, 2))]
            ),
            r"initial_state: expected a pair \(h, c\)",
        ),
        (
            lambda: made(numbers(2, 5, 4, 2))(
                numbers(2, 5, 4, 2), initial_state=[np.zeros((2, 2, 2))] * 2
            ),
            r"initial_state: expected two arrays of shape \(2, 3, 2\)",
        ),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()
