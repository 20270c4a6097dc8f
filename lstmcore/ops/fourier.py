"""Fourier transforms; complex numbers are pairs (real part, imaginary part), as in Keras."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp

from ..autodiff.derivatives import primitive
from ..validation import Array
from .operation import op
from .shapes import extract_sequences
from .types import floating, floats, plain, tensor

# The primitives have real and imaginary parts along a first axis of size 2.


def _complex(parts: Array) -> Array:
    z: Array = parts[0] + 1j * parts[1]
    return z


def _parts(z: Array, dtype: Any) -> Array:
    return numpy.stack([z.real, z.imag]).astype(dtype)


@primitive
def _transform(parts: Array, axes: int, inverse: bool) -> Array:
    over = range(-axes, 0)
    z = (numpy.fft.ifftn if inverse else numpy.fft.fftn)(_complex(parts), axes=over)
    return _parts(z, parts.dtype)


def _of_transform(y: Any, parts: Any, axes: int, inverse: bool) -> Any:
    """The adjoint of a transform is the inverse one, but for the factor of the number of points."""
    count = numpy.prod(parts.shape[-axes:])
    scale = float(1 / count if inverse else count)
    return lambda g: _transform(g, axes, not inverse) * scale


defvjp(_transform, _of_transform)


@primitive
def _real_transform(x: Array, points: int) -> Array:
    return _parts(numpy.fft.rfft(x, points), x.dtype)


def _of_real_transform(y: Any, x: Any, points: int) -> Any:
    def vjp(g: Any) -> Any:
        dx = numpy.zeros(x.shape, x.dtype)
        kept = min(points, x.shape[-1])
        dx[..., :kept] = points * numpy.fft.ifft(_complex(g), points).real[..., :kept]
        return dx

    return vjp


defvjp(_real_transform, _of_real_transform)


@primitive
def _real_inverse(parts: Array, points: int) -> Array:
    return numpy.fft.irfft(_complex(parts), points).astype(parts.dtype)


def _of_real_inverse(y: Any, parts: Any, points: int) -> Any:
    def vjp(g: Any) -> Any:
        z = numpy.fft.rfft(g) / points
        z[..., 1 : (points + 1) // 2] *= 2  # these stand for two frequencies
        total = numpy.zeros(parts.shape, parts.dtype)
        kept = min(z.shape[-1], parts.shape[-1])
        total[..., :kept] = _parts(z[..., :kept], parts.dtype)
        return total

    return vjp


defvjp(_real_inverse, _of_real_inverse)


def _joined(what: str, x: Any) -> Any:
    if not isinstance(x, list | tuple) or len(x) != 2:
        raise ValueError(f"{what}: x: expected a pair (real part, imaginary part)")
    real, imaginary = floats(tensor(x[0]), tensor(x[1]))
    return np.concatenate([real[None], imaginary[None]])


@op
def fft(x: Any) -> tuple[Any, Any]:
    """Return the Fourier transform along the last axis, of and as (real, imaginary)."""
    y = _transform(_joined("fft", x), 1, False)
    return y[0], y[1]


@op
def fft2(x: Any) -> tuple[Any, Any]:
    """Return the Fourier transform along the last two axes, of and as (real, imaginary)."""
    y = _transform(_joined("fft2", x), 2, False)
    return y[0], y[1]


@op
def ifft2(x: Any) -> tuple[Any, Any]:
    """Return the inverse of `fft2`, of and as (real, imaginary)."""
    y = _transform(_joined("ifft2", x), 2, True)
    return y[0], y[1]


@op
def rfft(x: Any, fft_length: int | None = None) -> tuple[Any, Any]:
    """Return the Fourier transform of real numbers along the last axis, as (real, imaginary).

    `fft_length` cuts the axis or fills it up with zeros; the default is its size.
    """
    x = floating(x)
    y = _real_transform(x, np.shape(x)[-1] if fft_length is None else int(fft_length))
    return y[0], y[1]


@op
def irfft(x: Any, fft_length: int | None = None) -> Any:
    """Return the inverse of `rfft`, of (real, imaginary); by default an even number of points."""
    parts = _joined("irfft", x)
    points = 2 * (np.shape(parts)[-1] - 1) if fft_length is None else int(fft_length)
    return _real_inverse(parts, points)


def _window(window: Any, length: int, points: int, dtype: Any) -> Array:
    """Return a window of `length` numbers in the middle of `points`; None is all of them."""
    if window is None:
        return numpy.ones(points, dtype)
    elif isinstance(window, str):
        made = {"hann": numpy.hanning, "hamming": numpy.hamming}
        if window not in made:
            raise ValueError(
                f"window: expected 'hann', 'hamming', None or an array, got {window!r}"
            )
        values = made[window](length + 1)[:-1]  # periodic
    else:
        values = numpy.asarray(plain(window))
        if values.shape != (length,):
            raise ValueError(f"window: expected {length} numbers, got shape {values.shape}")
    before = (points - length) // 2
    return numpy.pad(values, (before, points - length - before)).astype(dtype)


@op
def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Any, Any]:
    """Return the Fourier transforms of windows of the last axis, (..., windows, frequencies).

    Parameters
    ----------
    x : array_like, (..., samples)
    sequence_length : int
        The samples of a window.
    sequence_stride : int
        The distance of the windows.
    fft_length : int
        The points of the transforms, at least `sequence_length`.
    window : {"hann", "hamming", None} or array_like, default "hann"
        The weights of a window's samples; None for all samples of a transform alike.
    center : bool, default True
        The windows are centered at the samples; x is reflected at its ends.

    Returns
    -------
    (real, imaginary), each (..., windows, fft_length // 2 + 1)
    """
    if fft_length < sequence_length:
        raise ValueError(f"stft: fft_length: expected >= {sequence_length}, got {fft_length}")
    x = floating(x)
    if center:
        from .shapes import pad

        half = fft_length // 2
        x = pad(x, [[0, 0]] * (np.ndim(x) - 1) + [[half, half]], mode="reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    weights = _window(window, sequence_length, fft_length, x.dtype)
    real, imaginary = rfft(frames * weights, fft_length)
    return real, imaginary


@op
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Any:
    """Return the samples of `stft`'s (real, imaginary); see there for the arguments.

    `length` cuts the result, or fills it up with zeros.
    """
    frames = irfft(x, fft_length)
    weights = _window(window, sequence_length, fft_length, frames.dtype)
    count = np.shape(frames)[-2]
    total = fft_length + sequence_stride * (count - 1)
    places = numpy.arange(count)[:, None] * sequence_stride + numpy.arange(fft_length)
    summed = _overlapped(frames * weights, places, total)
    norm = numpy.bincount(
        places.ravel(), numpy.broadcast_to(weights**2, places.shape).ravel(), total
    )
    y = summed / numpy.where(norm > 1e-10, norm, 1).astype(frames.dtype)
    start = fft_length // 2 if center else 0
    end = total - start if length is None else start + length
    y = y[..., start:end]
    missing = 0 if length is None else length - np.shape(y)[-1]
    if missing:
        zeros = numpy.zeros((*np.shape(y)[:-1], missing), frames.dtype)
        y = np.concatenate([y, zeros], axis=-1)
    return y


@primitive
def _overlapped(frames: Array, places: Array, total: int) -> Array:
    y = numpy.zeros((*frames.shape[:-2], total), frames.dtype)
    numpy.add.at(y, (..., places), frames)  # type: ignore[arg-type]
    return y


defvjp(_overlapped, lambda y, frames, places, total: lambda g: g[..., places])
