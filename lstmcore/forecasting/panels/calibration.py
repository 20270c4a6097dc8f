"""Calibration of forecasts on held-out windows: quantiles are shifted, steps go together."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import heads
from .windows import Windows

Array = np.ndarray
BEYOND = 10  # errors beyond a quantile, that it may be shifted for each step ahead by itself


def uncalibrated(head: heads.Distribution, horizon: int) -> tuple[Array, Array]:
    """Return no shifts, (horizon, parameters), and independent steps, (horizon, horizon)."""
    return np.zeros((horizon, head.parameters)), np.eye(horizon)


def calibrate(model: Any, windows: Windows) -> tuple[Array, Array]:
    """Return shifts of quantiles, and correlations of the steps ahead, from held-out windows.

    Each quantile but the median is shifted, for each step ahead, so that the right share of the
    values of all series lies below it: split conformal prediction (Romano, Patterson and Candes,
    2019), whose guarantee is for values that could stand in any order.
    """
    head, horizon = windows.head, windows.inputs.horizon
    shifts, correlations = uncalibrated(head, horizon)
    found = []
    for index in range(len(windows)):
        x, y, scale = windows.rows(index)
        known = np.isfinite(y).all(1)
        parameters = head.unpack(model.predict(x, verbose=0), horizon)
        found.append((parameters[known], windows.encode(y, scale)[known]))
    parameters, y = (np.concatenate(part).astype(np.float64) for part in zip(*found, strict=True))
    if len(y) < 2:
        return shifts, correlations
    if isinstance(head, heads.Quantiles):
        for k, level in enumerate(head.levels):
            if level != 0.5:
                by_step = len(y) * min(level, 1 - level) >= BEYOND
                error = y - parameters[..., k]
                shifts[:, k] = np.quantile(error, level, axis=0 if by_step else None)
        parameters = np.sort(parameters + shifts, axis=-1)
    return shifts, dependence(heads.scores(head, parameters, y))


def dependence(scores: Array) -> Array:
    """Return correlations between steps ahead, shrunk a little so that few windows are enough."""
    rows, steps = scores.shape
    if steps == 1 or (scores.std(axis=0) == 0).any():
        return np.eye(steps)
    share = rows / (rows + steps)
    return np.asarray(share * np.corrcoef(scores, rowvar=False) + (1 - share) * np.eye(steps))
