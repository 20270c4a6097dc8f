"""MelSpectrogram: the loudness of a signal in bands that are even for the ear, frame by frame."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import _core
from ...initializers import window_values
from ...validation import Array, number
from ..base import Back, Layer, Shape, registry
from ..convolution.window_layer import add_window_rows, window_rows

_BREAK, _SCALE = 700.0, 1127.0  # mel(f) = 1127 log(1 + f / 700), as in HTK


def mel_matrix(bands: int, bins: int, rate: float, lowest: float, highest: float) -> Array:
    """Return the weights of the bins of a spectrum in triangular bands, (bins, bands).

    The edges of the bands are evenly spaced in mel between two frequencies, each band reaches from
    one edge to the next but one, and its weight is 1 in the middle. The first bin has no weight.

    Parameters
    ----------
    bands, bins : int
        The bins are evenly spaced from 0 to ``rate / 2``.
    rate, lowest, highest : float
        Samples a second; the first and the last edge, in Hz.
    """
    edges = np.linspace(_mel(lowest), _mel(highest), bands + 2)
    at = _mel(np.linspace(0.0, rate / 2, bins))[:, None]
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (at - lower) / (center - lower), (upper - at) / (upper - center)
    weights: Array = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0
    return weights


def _mel(hertz: Any) -> Any:
    return _SCALE * np.log1p(np.asarray(hertz) / _BREAK)


@registry.add()
class MelSpectrogram(Layer):
    """The loudness of a signal in frequency bands evenly spaced in mel, frame by frame.

    Input ``(batch, samples)``, or ``(samples,)`` for one signal; output ``(batch, num_mel_bins,
    frames)``, with ``frames = 1 + samples // sequence_stride``. The signal is reflected at its
    ends; `fft_length` points around each frame's middle have a Fourier transform, whose magnitude,
    to the power `mag_exp`, is summed in the bands and turned into decibels.

    Padding is heard as silence, whatever the mask, which ends here. `top_db` counts from the
    loudest place of each sample; in Keras from that of the whole batch.

    Parameters
    ----------
    fft_length : int, default 2048
    sequence_stride : int, default 512
        The samples from one frame to the next.
    sequence_length : int, optional
        The samples of the window, at most `fft_length`, which is the default.
    window : str, array_like or None, default "hann"
        The weights of the window's samples, by one of SciPy's names.
    sampling_rate : int, default 16000
        Samples a second.
    num_mel_bins : int, default 128
    min_freq, max_freq : float, default 20.0 and ``sampling_rate / 2``
        The first and the last edge of the bands, in Hz.
    power_to_db : bool, default True
        Return decibels, ``10 * log10(power / ref_power)``.
    top_db : float, default 80.0
        Decibels are at least the greatest less this.
    mag_exp : float, default 2.0
        2 for power, 1 for magnitude.
    min_power : float, default 1e-10
        The least power, and reference, that is told from 0.
    ref_power : float, default 1.0
        The power of 0 decibels.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import MelSpectrogram
    >>> MelSpectrogram(512, 128, sampling_rate=8000, num_mel_bins=40)(np.ones((2, 8000))).shape
    (2, 40, 63)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fft_length = self.check_size("fft_length", fft_length)
        self.sequence_stride = self.check_size("sequence_stride", sequence_stride)
        length = fft_length if sequence_length is None else sequence_length
        self.sequence_length = self.check_size("sequence_length", length)
        if self.sequence_length > self.fft_length:
            wanted = f"at most fft_length={self.fft_length}"
            raise self.error("sequence_length", wanted, self.sequence_length)
        self.window, self._window = window, self._pad_window(window)
        self.sampling_rate = self.check_size("sampling_rate", sampling_rate)
        self.num_mel_bins = self.check_size("num_mel_bins", num_mel_bins)
        where = self.describe()
        self.min_freq = number(f"{where}: min_freq", min_freq)
        highest = int(self.sampling_rate / 2) if max_freq is None else max_freq
        self.max_freq = number(f"{where}: max_freq", highest)
        if self.max_freq <= self.min_freq:
            raise self.error("max_freq", f"more than min_freq={self.min_freq:g}", max_freq)
        self.power_to_db = bool(power_to_db)
        self.top_db = number(f"{where}: top_db", top_db)
        self.mag_exp = number(f"{where}: mag_exp", mag_exp, above=True)
        self.min_power = number(f"{where}: min_power", min_power, above=True)
        self.ref_power = number(f"{where}: ref_power", abs(ref_power))

    def _pad_window(self, window: Any) -> Array:
        """Return the window in the middle of `fft_length` points."""
        try:
            values = window_values(window, self.sequence_length, periodic=True)
        except ValueError as error:
            raise ValueError(f"{self.describe()}: {error}") from None
        if window is None:
            return np.ones(self.fft_length)
        before = (self.fft_length - self.sequence_length) // 2
        return np.pad(values, (before, self.fft_length - self.sequence_length - before))

    # -- shapes --------------------------------------------------------------------------------

    def _frames(self, shape: Shape) -> int | None:
        """Return the number of frames of inputs of this shape; raise ValueError if they cannot."""
        half = self.fft_length // 2
        if len(shape) not in (1, 2) or (shape[-1] is not None and shape[-1] <= half):
            wanted = f"an array of shape (batch, samples), with more than {half} samples"
            raise self.error("x", wanted, f"shape {shape}")
        if shape[-1] is None:
            return None
        return (shape[-1] + 2 * half - self.fft_length) // self.sequence_stride + 1

    def build(self, input_shape: Shape) -> None:
        self._frames(input_shape)
        edges = (float(self.sampling_rate), self.min_freq, self.max_freq)
        bins = self.fft_length // 2 + 1
        self._matrix = mel_matrix(self.num_mel_bins, bins, *edges).astype(self.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, num_mel_bins, frames)."""
        return (*input_shape[:-1], self.num_mel_bins, self._frames(input_shape))

    def compute_mask(self, x: Any, mask: Any = None) -> None:
        """Return None: the output has other steps than the input."""

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: Any = "float32",
    ) -> Array:
        """Return the weights of a spectrum's bins in bands; see `mel_matrix`.

        Parameters
        ----------
        num_mel_bins, num_spectrogram_bins : int, default 20 and 129
        sampling_rate : float, default 8000
            Samples a second.
        lower_edge_hertz, upper_edge_hertz : float, default 125 and 3800
            The first and the last edge of the bands.
        dtype : default "float32"

        Returns
        -------
        ndarray, (num_spectrogram_bins, num_mel_bins)
        """
        edges = (float(sampling_rate), float(lower_edge_hertz), float(upper_edge_hertz))
        return mel_matrix(num_mel_bins, num_spectrogram_bins, *edges).astype(dtype)

    # -- the transform -------------------------------------------------------------------------

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        frames, shape = self._frames(x.shape), x.shape
        signals = x.reshape(-1, shape[-1])
        rows, rows_back = self._frame_rows(signals, frames)
        spectrum = np.fft.rfft(rows * self._window.astype(x.dtype)).astype(_complex(x.dtype))
        magnitude = np.abs(spectrum)
        power = _core.dense_forward(magnitude**self.mag_exp, self._matrix, None)
        levels, levels_back = self._decibels(power) if self.power_to_db else (power, None)
        y = np.ascontiguousarray(levels.swapaxes(1, 2))
        if not grad:
            return y.reshape(*shape[:-1], *y.shape[1:]), None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            if not need_dx:
                return None
            d = np.ascontiguousarray(dy.reshape(y.shape).swapaxes(1, 2))
            d = d if levels_back is None else levels_back(d)
            d = _core.dense_forward(d, np.ascontiguousarray(self._matrix.T), None)
            slope = np.zeros_like(magnitude)
            np.power(magnitude, self.mag_exp - 2, out=slope, where=magnitude > 0)
            dspectrum = spectrum * (self.mag_exp * slope * d)
            dx: Array = rows_back(_rfft_back(dspectrum, self.fft_length, x.dtype))
            return dx.reshape(shape)

        return y.reshape(*shape[:-1], *y.shape[1:]), back

    def _frame_rows(self, signals: Array, frames: Any) -> tuple[Array, Any]:
        """Return the points around each frame, and the gradient of the signals by theirs."""
        half, (batch, n) = self.fft_length // 2, signals.shape
        wide = np.pad(signals, ((0, 0), (half, half)), mode="reflect")[..., None]
        rows = window_rows(wide, frames, self.fft_length, self.sequence_stride)

        def back(drows: Array) -> Array:
            drows = drows * self._window.astype(drows.dtype)
            dwide = np.zeros((batch, n + 2 * half, 1), drows.dtype)
            add_window_rows(dwide, drows, self.fft_length, self.sequence_stride)
            flat = dwide[..., 0]
            dx = flat[:, half : half + n].copy()
            dx[:, 1 : half + 1] += flat[:, :half][:, ::-1]
            dx[:, n - 1 - half : n - 1] += flat[:, half + n :][:, ::-1]
            return dx

        return rows, back

    def _decibels(self, power: Array) -> tuple[Array, Any]:
        """Return decibels, and the gradient of the power by theirs."""
        real = power.dtype.type
        counted = np.maximum(power, real(self.min_power))
        reference = 10 * math.log10(max(self.ref_power, self.min_power))
        levels = 10 * np.log10(counted) - real(reference)
        greatest = levels.max(axis=(1, 2), keepdims=True)
        floor = greatest - real(self.top_db)

        def back(dy: Array) -> Array:
            above = levels >= floor
            d = np.where(above, dy, real(0))
            loudest = levels == greatest  # which the floor follows
            share = (dy - d).sum(axis=(1, 2), keepdims=True) / loudest.sum(
                axis=(1, 2), keepdims=True, dtype=dy.dtype
            )
            d += loudest * share
            d *= real(10 / math.log(10)) / counted
            return np.where(power > self.min_power, d, real(0))

        return np.asarray(np.maximum(levels, floor)), back


def _complex(dtype: Any) -> Any:
    return np.complex64 if dtype == np.float32 else np.complex128


def _rfft_back(dspectrum: Array, points: int, dtype: Any) -> Array:
    """Return the gradient of ``rfft``'s input, given that of the real and the imaginary parts."""
    halved = dspectrum.copy()
    halved[..., 1 : (points + 1) // 2] /= 2  # `irfft` counts these twice, as their conjugates too
    return np.asarray(np.fft.irfft(halved, points) * points, dtype)
