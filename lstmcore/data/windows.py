"""Sliding windows of a series as training samples."""

from __future__ import annotations

import numpy as np

from ..validation import plain_array


def sliding_windows(
    values: np.ndarray, window: int, horizon: int, *, start: int = 0, stop: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return every window of a series with the values that follow it.

    Windows are returned if all of their targets lie in ``values[start:stop]``; their inputs may
    begin before `start`. So ``stop=k`` gives windows to train on and ``start=k`` windows to test
    on: they share no targets, and nothing after `k` is used in training.

    Parameters
    ----------
    values : ndarray, shape (n,)
    window : int
        The number of input steps.
    horizon : int
        The number of target steps.
    start, stop : int, optional
        The range of the targets; by default the whole series.

    Returns
    -------
    x : ndarray, shape (windows, window)
    y : ndarray, shape (windows, horizon)
        Both are read-only views, which take no extra memory.

    Raises
    ------
    ValueError
        If `values` is not one-dimensional, a length is below 1, the range is not within the
        series, or no window fits.
    """
    values = plain_array(values, "values")
    if values.ndim != 1:
        raise ValueError(f"values: expected one dimension, got shape {values.shape}")
    if window < 1 or horizon < 1:
        raise ValueError(f"window and horizon must be at least 1, got {window} and {horizon}")
    stop = len(values) if stop is None else stop
    if not 0 <= start <= stop <= len(values):
        raise ValueError(f"start:stop {start}:{stop} is no part of {len(values)} values")
    first = max(start - window, 0)
    if stop - first < window + horizon or stop - start < horizon:
        raise ValueError(
            f"no window of {window} + {horizon} steps with its targets in values[{start}:{stop}]"
        )
    windows = np.lib.stride_tricks.sliding_window_view(values[first:stop], window + horizon)
    return windows[:, :window], windows[:, window:]


def windows_at(values: np.ndarray, origins: np.ndarray, before: int, after: int = 0) -> np.ndarray:
    """Return the rows around given origins in a series.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
    origins : ndarray of int, shape (windows,)
        The index of the first row counted in `after`.
    before, after : int
        The number of rows before an origin, and from it on.

    Returns
    -------
    ndarray, shape (windows, before + after, ...)
        A copy.

    Raises
    ------
    ValueError
        If a window extends beyond the series.
    """
    values, origins = plain_array(values, "values"), np.asarray(origins)
    if origins.size and (origins.min() < before or origins.max() + after > len(values)):
        raise ValueError(f"no window of {before} + {after} rows at every origin")
    return np.asarray(values[origins[:, None] + np.arange(-before, after)])
