"""MelSpectrogram: Keras's numbers, the transform by hand, gradients, what is refused."""

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers
from keras_numbers import keras_numbers
from spectrogram_cases import CASES, SMALL, signal_of

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense, MelSpectrogram, Permute
from lstmcore.layers.preprocessing.mel_spectrogram import mel_matrix

FROZEN = keras_numbers("spectrograms")


@pytest.mark.parametrize("name", CASES)
def test_it_is_keras_s(name, dtype):
    """Keras's bands are of float32, whose errors are seen where levels are low."""
    x = signal_of(name).astype(dtype)
    layer = MelSpectrogram(**CASES[name], dtype=dtype.name)
    y, want = layer(x), np.array(FROZEN[name]["y"])
    assert y.shape == want.shape == layer.compute_output_shape(x.shape)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, want, rtol=2e-4, atol=2e-4)
    _, back = layer.forward(x, True)
    dx, wanted = back((2 * y / y.size).astype(dtype)), np.array(FROZEN[name]["dx"])
    np.testing.assert_allclose(dx, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_a_tone_is_heard_in_its_band():
    rate, n = 8000, 4000
    bands = MelSpectrogram(512, 256, sampling_rate=rate, num_mel_bins=20, power_to_db=False)
    edges = 700 * (
        10 ** (np.linspace(*(2595 * np.log10(1 + f / 700) for f in (20, 4000)), 22) / 2595) - 1
    )
    for band in (4, 10, 17):
        tone = np.sin(2 * np.pi * edges[band + 1] * np.arange(n) / rate)
        assert (bands(tone).argmax(axis=0)[2:-2] == band).all()


def test_the_bands():
    layer = MelSpectrogram(256, sampling_rate=8000, num_mel_bins=20, min_freq=125, max_freq=3800)
    layer(np.zeros((1, 300)))
    matrix = layer.linear_to_mel_weight_matrix()
    assert matrix.dtype == np.float32
    assert matrix.shape == (129, 20)
    np.testing.assert_array_equal(matrix, layer._matrix)
    assert (matrix >= 0).all()
    assert not matrix[0].any()
    assert (matrix.max(axis=0) > 0.6).all()


def test_the_transform_by_hand():
    x = numbers(1, 40)
    layer = MelSpectrogram(16, 8, 12, sampling_rate=800, num_mel_bins=3, dtype="float64")
    wide = np.pad(x[0], 8, mode="reflect")
    window = np.zeros(16)
    window[2:14] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(12) / 12)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(16), np.arange(9)) / 16)
    power = [np.abs((wide[t : t + 16] * window) @ waves) ** 2 for t in range(0, 41, 8)]
    levels = 10 * np.log10(np.array(power) @ mel_matrix(3, 9, 800, 20, 400))
    np.testing.assert_allclose(layer(x)[0], levels.T, rtol=1e-10)
    np.testing.assert_array_equal(layer(x[0]), layer(x)[0])
    assert layer.compute_output_shape((40,)) == (3, 6)
    assert layer.compute_output_shape((None, None)) == (None, 3, None)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    layer = MelSpectrogram(**CASES[name], dtype="float64")
    check_backward(layer, 0.1 * signal_of(name)[:, :45], atol=1e-4, every=True)


def test_silence_has_numbers():
    x = np.zeros((2, 50))
    x[1] = numbers(50)
    layer = MelSpectrogram(**SMALL, mag_exp=1.0, dtype="float64")
    np.testing.assert_allclose(layer(x)[0], -100)
    y, back = layer.forward(x, True)
    assert np.isfinite(y).all()
    dx = back(np.ones_like(y))
    assert not dx[0].any()
    assert np.isfinite(dx).all()


def test_a_loud_signal_leaves_others_as_they_are():
    x = numbers(2, 60)
    x[1] *= 1e4
    layer = MelSpectrogram(**SMALL, top_db=10.0)
    np.testing.assert_array_equal(layer(x)[:1], layer(x[:1]))


def test_in_a_model(tmp_path):
    x = numbers(16, 200).astype("float32")
    x[8:] = np.sin(np.arange(200) * 0.2)
    model = Sequential(
        [
            Input((200,)),
            MelSpectrogram(**SMALL),
            Permute((2, 1)),
            LSTM(4),
            Dense(1, "sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    losses = model.fit(x, np.arange(16) // 8, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MelSpectrogram(16, sequence_length=17), "sequence_length: expected at most fft"),
        (lambda: MelSpectrogram(16, 0), "sequence_stride: expected a whole number from 1"),
        (lambda: MelSpectrogram(16, window="harm"), "window: expected a name that SciPy knows"),
        (lambda: MelSpectrogram(16, window=[1.0]), "window: expected 16 numbers, got shape"),
        (lambda: MelSpectrogram(16, min_freq=9000), "max_freq: expected more than min_freq=9000"),
        (lambda: MelSpectrogram(16, top_db=-1), "top_db: expected a number >= 0"),
        (lambda: MelSpectrogram(16, mag_exp=0), "mag_exp: expected a number > 0"),
        (lambda: MelSpectrogram(16)(np.zeros((2, 8))), "with more than 8 samples, got shape"),
        (lambda: MelSpectrogram(16)(np.zeros((2, 20, 1))), r"shape \(batch, samples\)"),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()
