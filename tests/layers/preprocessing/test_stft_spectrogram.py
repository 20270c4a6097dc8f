"""STFTSpectrogram: the transform by NumPy, masks, shapes. Keras's numbers: `test_keras_layers`."""

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers

from lstmcore import Input, Sequential, load_model
from lstmcore.initializers import STFT
from lstmcore.layers import LSTM, Dense, STFTSpectrogram
from lstmcore.layers.preprocessing.stft_spectrogram import EPSILON, MODES


def by_numpy(x, mode, length, step, points):
    """The spectra of (batch, time), frame by frame."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / (length - 1))
    window /= np.sqrt((window**2).sum())
    starts = range(0, x.shape[1] - length + 1, step)
    z = np.stack([np.fft.rfft(x[:, t : t + length] * window, points) for t in starts], axis=1)
    power = np.abs(z) ** 2
    return {
        "real": z.real,
        "imag": z.imag,
        "stft": np.concatenate((z.real, z.imag), axis=-1),
        "angle": np.angle(z),
        "psd": power * np.r_[1, [2] * (points // 2 - 1), 1],
        "magnitude": np.sqrt(np.maximum(power, EPSILON)),
        "log": np.log(np.maximum(power, EPSILON)) / 2,
    }[mode]


@pytest.mark.parametrize("mode", MODES)
def test_it_is_the_fourier_transform(mode):
    x = numbers(2, 30, 3)
    layer = STFTSpectrogram(mode, 10, 4, 16, dtype="float64")
    y = layer(x)
    parts = [by_numpy(x[..., c], mode, 10, 4, 16) for c in range(3)]
    # phases turn from -pi to pi where there is nothing but rounding
    seen = (lambda phase: np.exp(1j * phase)) if mode == "angle" else np.asarray
    np.testing.assert_allclose(seen(y), seen(np.concatenate(parts, axis=-1)), atol=1e-9)
    assert y.shape == layer.compute_output_shape(x.shape)
    expanded = STFTSpectrogram(mode, 10, 4, 16, expand_dims=True, dtype="float64")
    np.testing.assert_allclose(seen(expanded(x)), seen(np.stack(parts, axis=-1)), atol=1e-9)
    first = STFTSpectrogram(mode, 10, 4, 16, data_format="channels_first", dtype="float64")
    np.testing.assert_array_equal(first(x.swapaxes(1, 2)), y.swapaxes(1, 2))


@pytest.mark.parametrize("mode", MODES)
def test_gradients(mode):
    layer = STFTSpectrogram(mode, 4, 2, window="hamming", expand_dims=True, dtype="float64")
    x = numbers(2, 8, 2)
    layer(x)
    for i, kernel in enumerate(layer.weights):  # angles turn where the imaginary part is 0
        kernel.assign(kernel.value + 0.1 * np.cos(np.arange(12.0) + i).reshape(4, 1, 3))
    check_backward(layer, x)


def test_silence_has_a_gradient_of_0():
    for mode in ("log", "magnitude", "angle"):
        layer = STFTSpectrogram(mode, 4, dtype="float64")
        x = np.zeros((1, 8, 1))
        layer(x)
        y, back = layer.forward(x, True)
        assert np.isfinite(y).all()
        np.testing.assert_array_equal(back(np.ones_like(y)), x)


def test_a_padded_signal_is_the_signal_alone():
    x = numbers(2, 20, 1)
    layer = STFTSpectrogram("psd", 6, 3, use_mask=True, dtype="float64")
    mask = np.arange(20) < np.array([[20], [13]])
    y, _, frames = layer.run(x, False, mask) if layer(x) is not None else ()
    assert frames.sum(axis=1).tolist() == [5, 3]
    np.testing.assert_allclose(y[1, :3], layer(x[1:, :13])[0])


def test_the_waves_are_learnt_or_not(tmp_path):
    x = numbers(8, 64, 1).astype("float32")
    for trainable in (True, False):
        model = Sequential(
            [
                Input((64, 1)),
                STFTSpectrogram("log", 16, 8, trainable=trainable),
                LSTM(3),
                Dense(1),
            ]
        )
        model.compile("adam", "mse")
        before = model.layers[0].get_weights()
        model.fit(x, x[:, 0], verbose=0)
        moved = [(a != b).any() for a, b in zip(before, model.layers[0].get_weights(), strict=True)]
        assert moved == [trainable] * 2
    model.save(tmp_path / "m.safetensors")
    y = model.predict(x, verbose=0)
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(x, verbose=0), y)


def test_the_initializer():
    kernel = STFT("real", None)((4, 1, 3), "float64")[:, 0]
    np.testing.assert_allclose(kernel, [[1, 1, 1], [1, 0, -1], [1, -1, 1], [1, 0, -1]], atol=1e-15)
    kernel = STFT("imag", [1, 1, 1, 2], "spectrum")((4, 1, 3), "float64")[:, 0]
    np.testing.assert_allclose(kernel[:, 1] * 5, [0, -1, 0, 2], atol=1e-15)
    again = STFT.from_config(STFT("imag", np.ones(4), None, True).get_config())
    np.testing.assert_array_equal(again((4, 1, 3)), STFT("imag", np.ones(4), None)((4, 1, 3)))
    with pytest.raises(ValueError, match="side: expected 'real' or 'imag'"):
        STFT("both")
    with pytest.raises(ValueError, match="scaling: expected 'density', 'spectrum' or None"):
        STFT(scaling="sum")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: STFTSpectrogram("power"), "mode: expected 'log' or 'magnitude'"),
        (lambda: STFTSpectrogram(frame_step=300), "frame_step: expected at most frame_length=256"),
        (lambda: STFTSpectrogram(fft_length=128), "fft_length: expected at least frame_length=256"),
        (lambda: STFTSpectrogram(scaling="sum"), "scaling: expected 'density', 'spectrum' or"),
        (lambda: STFTSpectrogram(window="harm"), "window: expected a name that SciPy knows"),
        (lambda: STFTSpectrogram(frame_length=2), "window: expected a number that is not 0, got 2"),
        (lambda: STFTSpectrogram(padding="causal"), "padding: expected 'valid' or 'same'"),
        (lambda: STFTSpectrogram()(np.zeros((1, 200, 1))), "at least 256 steps, got 200"),
        (lambda: STFTSpectrogram()(np.zeros((1, 200))), r"shape \(batch, time, features\)"),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()
