"""Padding of sequences, and windows of a series as samples of a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..refused.arguments import checked
from ..validation import plain_array, refuse_masked

Array = NDArray[Any]


@checked
def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Pad or truncate sequences of different lengths to one array.

    Parameters
    ----------
    sequences : sequence of sequences
        Each of numbers, or of arrays of one shape.
    maxlen : int, optional
        Length of the result; by default that of the longest sequence.
    dtype : default "int32"
        The dtype of the result. Fractions need a float dtype: ``dtype="float32"``.
    padding, truncating : {"pre", "post"}
        Pad, and truncate, at the beginning or at the end.
    value : default 0.0
        The padding.

    Returns
    -------
    ndarray, shape (sequences, maxlen, ...)

    Raises
    ------
    ValueError
        If an argument is not valid, or an element of `sequences` is not a sequence or differs in
        the shape of its steps.
    """
    for name, given in (("padding", padding), ("truncating", truncating)):
        if given not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name}: expected 'pre' or 'post', got {given!r}")
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"pad_sequences: sequences: expected a list, got {sequences!r:.80}")
    for i, one in enumerate(sequences):
        if not hasattr(one, "__len__"):
            raise ValueError(f"pad_sequences: sequences[{i}]: expected a sequence, got {one!r:.80}")
    if maxlen is None:
        maxlen = max(map(len, sequences), default=0)
    strings = np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)
    if isinstance(value, str) and not strings and np.dtype(dtype) != object:
        raise ValueError(
            f"pad_sequences: value: {value!r} does not go with dtype {dtype}: use dtype=object"
        )
    refuse_masked(sequences, "pad_sequences: sequences")
    step = next((np.asarray(one).shape[1:] for one in sequences if len(one)), ())
    padded = np.full((len(sequences), maxlen, *step), value, dtype)
    for i, one in enumerate(sequences):
        kept = one[max(len(one) - maxlen, 0) :] if truncating == "pre" else one[:maxlen]
        if not len(kept):
            continue
        part = np.asarray(kept, dtype)
        if part.shape[1:] != step:
            raise ValueError(
                f"pad_sequences: sequences[{i}]: expected steps of shape {step}, "
                f"got {part.shape[1:]}"
            )
        where = slice(maxlen - len(part), None) if padding == "pre" else slice(len(part))
        padded[i, where] = part
    return padded


def create_sequences(
    data: Any,
    seq_length: int,
    horizon: int = 1,
    *,
    target: int | Sequence[int] | None = None,
    stride: int = 1,
    known_future: int | Sequence[int] | None = None,
) -> tuple[Any, Array]:
    """Cut a series into windows and the steps after each: samples and targets of a forecast.

    Keras has no such function, but most forecasting scripts write one of this name.

    Parameters
    ----------
    data : array, shape (steps,) or (steps, features)
    seq_length : int
        Number of steps of a window.
    horizon : int, default 1
        Number of steps to forecast.
    target : int or sequence of int, optional
        The features to forecast; by default all.
    stride : int, default 1
        Number of steps between the beginnings of two windows.
    known_future : int or sequence of int, optional
        The features that are known in advance, such as holidays: their values at the steps to
        forecast are part of the samples.

    Returns
    -------
    x : ndarray, shape (windows, seq_length, features)
        With `known_future` a list of that and an array (windows, horizon, known features),
        for a model of two inputs.
    y : ndarray, shape (windows, horizon, features)
        Without the axis of a horizon of 1, and without that of the features where `data` has
        none or `target` is a number. Both are read-only views that cost no memory.

    Raises
    ------
    ValueError
        If an argument is not valid or the series is shorter than a window and its targets.

    Examples
    --------
    >>> from lstmcore.utils import create_sequences
    >>> x, y = create_sequences([1, 2, 3, 4, 5], 3)
    >>> x.shape, y
    ((2, 3, 1), array([4, 5]))
    """
    data = plain_array(data, "create_sequences: data")
    if data.ndim not in (1, 2):
        raise ValueError(
            "create_sequences: data: expected shape (steps,) or (steps, features), "
            f"got {data.shape}"
        )
    for name, number in (("seq_length", seq_length), ("horizon", horizon), ("stride", stride)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise ValueError(
                f"create_sequences: {name}: expected a whole number >= 1, got {number!r}"
            )
    if len(data) < seq_length + horizon:
        raise ValueError(
            f"create_sequences: data: {len(data)} steps are fewer than the {seq_length} + "
            f"{horizon} of one window and its targets"
        )
    features = data if data.ndim == 2 else data[:, None]
    count = len(data) - seq_length - horizon + 1
    x = _windows(features, seq_length)[:count:stride]
    out = data if target is None else features[:, target]
    y = _windows(out[seq_length:], horizon)[::stride]
    y = y[:, 0] if horizon == 1 else y
    if known_future is None:
        return x, y
    ahead = features[seq_length:, np.atleast_1d(known_future)]
    return [x, _windows(ahead, horizon)[::stride]], y


def _windows(series: Array, length: int) -> Array:
    """Return all windows of a series, (windows, length, ...)."""
    view = np.lib.stride_tricks.sliding_window_view(series, length, axis=0)
    return np.moveaxis(view, -1, 1)
