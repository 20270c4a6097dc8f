"""A long series cut into the windows that a network learns from."""

from __future__ import annotations

import numpy as np

from ..validation import plain_array


def sliding_windows(
    values: np.ndarray, window: int, horizon: int, *, start: int = 0, stop: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return every window of a series with the values that follow it.

    A window counts when all of its targets lie in ``values[start:stop]``; its inputs may
    reach back before `start`. So ``stop=k`` gives the windows to train on and ``start=k``
    those to test on: no target is in both, and nothing after `k` is seen in training.

    Parameters
    ----------
    values : ndarray, shape (n,)
    window : int
        Steps that go in.
    horizon : int
        Steps that come out.
    start, stop : int, optional
        Where the targets may lie; by default anywhere.

    Returns
    -------
    x : ndarray, shape (windows, window)
    y : ndarray, shape (windows, horizon)
        Both are read-only views: they cost no memory.

    Raises
    ------
    ValueError
        If `values` is not one-dimensional, a length is below 1, the part is no part of the
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
    both = np.lib.stride_tricks.sliding_window_view(values[first:stop], window + horizon)
    return both[:, :window], both[:, window:]


def windows_at(values: np.ndarray, origins: np.ndarray, before: int, after: int = 0) -> np.ndarray:
    """Return the rows around given places of a series.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
    origins : ndarray of int, shape (windows,)
        Each the place of the first row that counts as `after`.
    before, after : int
        How many rows from before an origin, and from it on.

    Returns
    -------
    ndarray, shape (windows, before + after, ...)
        A copy.

    Raises
    ------
    ValueError
        If a window reaches beyond the series.
    """
    values, origins = plain_array(values, "values"), np.asarray(origins)
    if origins.size and (origins.min() < before or origins.max() + after > len(values)):
        raise ValueError(f"no window of {before} + {after} rows at every origin")
    return np.asarray(values[origins[:, None] + np.arange(-before, after)])
