"""Comparison of a model's forecasts with baselines: errors, gains, and a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from .baselines import rmse_per_horizon

PERSISTENCE = "persistence"
SEASONAL_NAIVE = "seasonal naive"


class Comparison:
    """Forecasts of the same steps by several methods, the model's first.

    A subclass has `truth`, (windows, horizon), and `forecasts`, arrays of that shape by method.
    """

    truth: np.ndarray
    forecasts: dict[str, np.ndarray]

    @cached_property
    def rmse(self) -> dict[str, np.ndarray]:
        """The RMSE of each method for every step ahead, shape (horizon,)."""
        return {k: rmse_per_horizon(v, self.truth) for k, v in self.forecasts.items()}

    @property
    def mean_rmse(self) -> dict[str, float]:
        """The RMSE of each method, averaged over the steps ahead."""
        return {k: float(v.mean()) for k, v in self.rmse.items()}

    @property
    def gains(self) -> dict[str, float]:
        """The per cent by which the model's mean error is below that of each other method."""
        means = self.mean_rmse
        model = means.pop(next(iter(means)))
        return {k: 100 * (1 - model / v) if v else -math.inf for k, v in means.items()}

    @property
    def digits(self) -> int:
        """The number of decimals that shows errors to three significant figures."""
        size = max(self.mean_rmse.values()) or 1.0
        return min(max(2 - math.floor(math.log10(size)), 0), 9)

    def table(self, step: str = "step", unit: str = "") -> list[str]:
        """Return the lines of a table of errors, one for each method.

        Parameters
        ----------
        step : str, default "step"
            The name of one step.
        unit : str, optional
            The unit of the values.
        """
        rmse, gains = self.rmse, self.gains
        horizon = self.truth.shape[1]
        shown = np.unique(np.linspace(1, horizon, min(horizon, 7)).round().astype(int))
        rows = [[*(f"+{h}" for h in shown), "mean", f"{next(iter(rmse))} better by"]]
        for name, errors in rmse.items():
            numbers = [*errors[shown - 1], errors.mean()]
            gain = f"{gains[name]:.1f} %" if name in gains else ""
            rows.append([*(f"{v:.{self.digits}f}" for v in numbers), gain])
        names = [f"RMSE{f' in {unit}' if unit else ''}, {step}s ahead", *rmse]
        return aligned(names, rows)

    def verdict(self, leave_out: tuple[str, ...] = ()) -> str:
        """Return one sentence that compares the model with each baseline, for better or worse."""
        gains = self.gains
        parts = [
            f"{abs(gain):.1f} % {'below' if gain > 0 else 'above'} that of {name}"
            for name, gain in gains.items()
            if name not in leave_out and math.isfinite(gain)
        ]
        model = next(iter(self.forecasts))
        text = "no error to compare"
        if parts:
            text = f"the mean error of the {model} is {' and '.join(parts)}"
        best = min(gains, key=lambda name: gains[name])
        return f"{text}; {best} is the better forecast here" if gains[best] <= 0 else text


def finite(gains: Mapping[str, float]) -> dict[str, float | None]:
    """Return gains for JSON: None where the other method had no error."""
    return {k: v if math.isfinite(v) else None for k, v in gains.items()}


def aligned(names: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table with names on the left and right-aligned cells."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = max(map(len, names))
    lines = []
    for name, row in zip(names, rows, strict=True):
        cells = "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        lines.append(f"{name:<{left}}  {cells}".rstrip())
    return lines
