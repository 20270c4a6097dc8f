"""STFTSpectrogram: short-time Fourier transforms of a signal, by products with learnable waves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import _core
from ...initializers import STFT, window_values
from ...validation import Array
from ..base import Back, Shape, registry
from ..convolution.window_layer import (
    WindowLayer,
    add_window_rows,
    check_padding,
    count_windows,
    mask_of_windows,
    pad_steps,
    padding_sizes,
    window_rows,
)
from ..parameters import Param

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
EPSILON = 1e-7  # Keras's: power below is taken for it, so that root and logarithm have a gradient


@registry.add()
class STFTSpectrogram(WindowLayer):
    """Short-time Fourier transforms of a signal: the spectrum of each frame.

    Input ``(batch, time, channels)``, output ``(batch, frames, channels * bins)``, channel by
    channel, with ``bins = fft_length // 2 + 1``, twice as many in mode ``"stft"``. The weights
    ``real_kernel`` and ``imag_kernel (frame_length, 1, bins)`` begin as windowed cosines and
    sines, and are trained unless ``trainable=False``; modes ``"real"`` and ``"imag"`` have one.

    Parameters
    ----------
    mode : {"log", "magnitude", "psd", "real", "imag", "angle", "stft"}
        The logarithm of the magnitude; the magnitude; the power of both halves of the spectrum;
        the real part; the imaginary part; the phase; the real, then the imaginary part.
    frame_length : int, default 256
        The samples of a frame.
    frame_step : int, optional
        The samples from one frame to the next; the default is half of `frame_length`.
    fft_length : int, optional
        The number of frequencies around the circle, at least `frame_length`; the default is the
        least power of two that is.
    window : str, array_like or None, default "hann"
        The weights of a frame's samples, by one of SciPy's names.
    periodic : bool, default False
        Take a periodic window rather than a symmetric one.
    scaling : {"density", "spectrum", None}
        Divide the window by its Euclidean norm, or by its sum.
    padding : {"valid", "same"}
        ``"same"``: zeros at both ends, a frame for every `frame_step` samples.
    expand_dims : bool, default False
        Give the bins an axis of their own: ``(batch, frames, bins, channels)``.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, channels, time)``; outputs are ``(batch, channels
        * bins, frames)`` or ``(batch, channels, frames, bins)``.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: masked samples count as
        zeros, and the mask is passed on; see `WindowLayer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import STFTSpectrogram
    >>> STFTSpectrogram(frame_length=64, frame_step=32)(np.zeros((2, 1600, 1))).shape
    (2, 49, 33)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if mode not in MODES:
            raise self.error("mode", " or ".join(map(repr, MODES)), repr(mode))
        self.mode = mode
        self.frame_length = self.check_size("frame_length", frame_length)
        self.frame_step, self.fft_length = frame_step, fft_length
        self._step = max(self.frame_length // 2, 1)
        if frame_step is not None:
            self._step = self.check_size("frame_step", frame_step)
            if self._step > self.frame_length:
                wanted = f"at most frame_length={self.frame_length}"
                raise self.error("frame_step", wanted, frame_step)
        points = 1 << (self.frame_length - 1).bit_length()
        if fft_length is not None:
            points = self.check_size("fft_length", fft_length)
            if points < self.frame_length:
                wanted = f"at least frame_length={self.frame_length}"
                raise self.error("fft_length", wanted, fft_length)
        self._bins = points // 2 + 1
        try:
            window_values(window, self.frame_length, bool(periodic))
            STFT("real", window, scaling, periodic)
        except ValueError as error:
            raise ValueError(f"{self.describe()}: {error}") from None
        self.window, self.periodic, self.scaling = window, bool(periodic), scaling
        self.padding = check_padding(self, padding, "valid", "same")
        self.expand_dims = bool(expand_dims)

    # -- shapes and weights ----------------------------------------------------------------

    @property
    def _frame(self) -> tuple[int, int, str]:
        """The samples of a frame, the samples between frames, and the padding."""
        return self.frame_length, self._step, self.padding

    def steps_after(self, steps: int) -> int:
        """Return the number of frames."""
        return count_windows(steps, *self._frame)

    def features_after(self, features: int | None) -> int | None:
        """Return the number of channels times that of the bins."""
        bins = self._bins * (2 if self.mode == "stft" else 1)
        return None if features is None else features * bins

    def mask_after(self, mask: Array) -> Array:
        """Return the mask of the frames; see `mask_of_windows`."""
        return mask_of_windows(mask, self.steps_after(mask.shape[1]), *self._frame)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with the number of frames and bins."""
        shape = super().compute_output_shape(input_shape)
        return self._expanded(shape, input_shape) if self.expand_dims else shape

    def _expanded(self, shape: Shape, input_shape: Shape) -> Shape:
        """Return the output's shape with an axis of the bins."""
        bins = self.features_after(1)
        if self.data_format == "channels_first":
            return (shape[0], input_shape[1], shape[2], bins)
        return (shape[0], shape[1], bins, input_shape[2])

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self._kernels: list[Param] = []
        for side, without in (("real", "imag"), ("imag", "real")):
            if self.mode != without:
                kernel = self.add_weight(
                    (self.frame_length, 1, self._bins),
                    STFT(side, self.window, self.scaling, self.periodic),
                    name=f"{side}_kernel",
                )
                setattr(self, f"{side}_kernel", kernel)
                self._kernels.append(kernel)

    # -- the transform ---------------------------------------------------------------------

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        y, flat_back = super().forward(x, grad, mask)
        if not self.expand_dims:
            return y, flat_back
        whole: Any = self._expanded(y.shape, x.shape)
        split = (*whole[:2], whole[3], whole[2])  # the bins are the second to last axis
        expanded = np.ascontiguousarray(y.reshape(split).swapaxes(2, 3))
        if flat_back is None:
            return expanded, None
        inner_back, shape = flat_back, y.shape

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dflat = np.ascontiguousarray(dy.swapaxes(2, 3)).reshape(shape)
            dx: Array | None = inner_back(dflat, need_dx=need_dx)
            return dx

        return expanded, back

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        if mask is not None:
            x = np.where(mask[..., None], x, x.dtype.type(0))
        batch, steps, channels = x.shape
        signals = np.ascontiguousarray(x.swapaxes(1, 2)).reshape(batch * channels, steps, 1)
        before, after = padding_sizes(steps, *self._frame)
        count = self.steps_after(steps)
        wide = pad_steps(signals, before, after)
        rows = window_rows(wide, count, self.frame_length, self._step)
        flats = [kernel.value[:, 0] for kernel in self._kernels]
        spectrum, gradient = self._read([_core.dense_forward(rows, flat, None) for flat in flats])
        split = (batch, channels, count, spectrum.shape[2])
        y = np.ascontiguousarray(spectrum.reshape(split).swapaxes(1, 2)).reshape(batch, count, -1)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dsplit = dy.reshape(batch, count, channels, -1).swapaxes(1, 2)
            dspectrum = np.ascontiguousarray(dsplit).reshape(spectrum.shape)
            dwide = np.zeros_like(wide)
            for kernel, flat, part in zip(self._kernels, flats, gradient(dspectrum), strict=True):
                drows = _core.dense_backward(
                    rows, flat, part, dkernel=kernel.grad[:, 0], need_dx=need_dx
                )
                if drows is not None:
                    add_window_rows(dwide, drows, self.frame_length, self._step)
            if not need_dx:
                return None
            dx = dwide[:, before : before + steps].reshape(batch, channels, steps)
            dx = np.ascontiguousarray(dx.swapaxes(1, 2))
            return dx if mask is None else np.where(mask[..., None], dx, dx.dtype.type(0))

        return y, back

    def _read(self, parts: list[Array]) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Return the output of a mode, and the gradients of its parts by that of the output."""
        if self.mode in ("real", "imag"):
            return parts[0], lambda dy: [dy]
        real, imag = parts
        if self.mode == "stft":
            n = self._bins
            joined = np.concatenate(parts, axis=-1)
            return joined, lambda dy: [np.ascontiguousarray(d) for d in np.split(dy, [n], axis=-1)]
        power = real * real + imag * imag
        if self.mode == "angle":
            inverse = np.zeros_like(power)
            np.divide(1, power, out=inverse, where=power > 0)
            return np.arctan2(imag, real), lambda dy: [-dy * imag * inverse, dy * real * inverse]
        if self.mode == "psd":
            both = np.full(self._bins, 2, power.dtype)  # but the first and the last have one half
            both[[0, -1]] = 1
            return power * both, lambda dy: [2 * dy * both * part for part in parts]
        above = power > EPSILON
        magnitude = np.sqrt(np.maximum(power, power.dtype.type(EPSILON)))
        if self.mode == "magnitude":
            slope = above / magnitude
            return magnitude, lambda dy: [dy * slope * part for part in parts]
        slope = above / (magnitude * magnitude)
        return np.log(magnitude), lambda dy: [dy * slope * part for part in parts]
