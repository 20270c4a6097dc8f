"""Walk-forward backtests: forecasts of known steps from the steps before them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import (
    PERSISTENCE,
    SEASONAL_NAIVE,
    Comparison,
    DataError,
    finite,
    held_out,
    persistence,
    seasonal_naive,
    windows_at,
)
from ..validation import whole
from . import settings
from .blend import METHODS, NETWORK
from .columns import Columns
from .notebook import backtest_html
from .predictions import pairs

if TYPE_CHECKING:
    from .forecaster import LSTMForecaster

Array = np.ndarray
MODEL, BLEND, ANCHOR = "LSTM", "forecast", "linear"


@dataclass(frozen=True)
class Backtest(Comparison):
    """Forecasts of one target from each origin, compared with baselines.

    Beside the forecast stand what it blends, each alone, and persistence and the seasonal naive
    forecast; beside a network that forecasts alone the same forecaster without it: season, and
    level by linear regression ("linear").

    Parameters
    ----------
    name : str
        The target's name.
    origins : ndarray of int, shape (windows,)
        The first step of each forecast.
    truth : ndarray, shape (windows, horizon)
    forecasts : dict of str to ndarray, shape (windows, horizon)
        By method, the forecaster's own first.
    levels : tuple of float
    quantiles : ndarray, shape (windows, horizon, levels)
    season : int
        The season of the seasonal naive forecast in steps; 0 if there is none.
    dates : ndarray of datetime64, shape (steps,), optional
        Dates of the whole series.
    fits : int
        The number of times that the model was trained.
    chosen : str
        What forecasts, in words; of the last model that was trained.
    seconds : float
        The duration of the backtest.
    """

    name: str
    origins: Array
    truth: Array
    forecasts: dict[str, Array]
    levels: tuple[float, ...]
    quantiles: Array
    season: int
    dates: Array | None
    fits: int
    chosen: str
    seconds: float

    @property
    def coverage(self) -> dict[float, Array]:
        """The share of values inside each interval, by the interval's nominal probability.

        One for each step ahead, shape (horizon,).
        """
        found = {}
        for share, i, j in pairs(self.levels):
            low, high = self.quantiles[..., i], self.quantiles[..., j]
            found[share] = ((low <= self.truth) & (self.truth <= high)).mean(0)
        return found

    @property
    def pinball(self) -> dict[float, float]:
        """The mean pinball loss of each quantile, in the unit of the values."""
        error = self.truth[..., None] - self.quantiles
        losses = np.maximum(np.array(self.levels) * error, (np.array(self.levels) - 1) * error)
        return dict(zip(self.levels, losses.mean((0, 1)).tolist(), strict=True))

    def summary(self, step: str = "step", unit: str = "") -> str:
        """Return a report: the table of errors, coverage, and the best method."""
        lines = self.table(step, unit)
        for share, inside in self.coverage.items():
            lines.append(
                f"coverage  {100 * inside.mean():.0f} % of the values lie in the "
                f"{100 * share:g} % interval ({100 * inside.min():.0f} to {100 * inside.max():.0f} "
                f"% at single {step}s ahead)"
            )
        return "\n".join([*lines, f"verdict   {self.verdict(leave_out=METHODS)}"])

    def __repr__(self) -> str:
        errors = ", ".join(f"{name} {mean:.4g}" for name, mean in self.mean_rmse.items())
        return f"<Backtest of {self.name}: {len(self.truth)} forecasts, mean RMSE {errors}>"

    def _repr_html_(self) -> str:
        """Return errors, coverage and verdict, as notebooks show them."""
        return backtest_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-serializable values."""
        return {
            "target": self.name,
            "windows": len(self.truth),
            "first_origin": int(self.origins[0]),
            "fits": self.fits,
            "chosen": self.chosen,
            "seconds": self.seconds,
            "season": self.season,
            "rmse": {k: v.tolist() for k, v in self.rmse.items()},
            "mean_rmse": self.mean_rmse,
            "lstm_better_by_percent": finite(self.gains),
            "coverage": {f"{k:g}": v.tolist() for k, v in self.coverage.items()},
            "pinball": {f"{k:g}": v for k, v in self.pinball.items()},
        }


def walk_forward(
    forecaster: LSTMForecaster,
    columns: Columns,
    initial: int | float | None,
    step: int,
    refit: int | None,
    sliding: bool,
) -> dict[str, Backtest]:
    """Return a backtest for each target; see `LSTMForecaster.backtest`."""
    start = time.perf_counter()
    horizon = whole("horizon", forecaster.horizon, 7)
    step = whole("step", step, 1)
    every = whole("refit", refit, 0, least=0)
    first = _first(columns, initial, horizon)
    origins = np.arange(first, len(columns) - horizon + 1, step)
    groups = [origins] if not every else np.split(origins, range(every, len(origins), every))
    columns.check(columns.names)
    columns = columns.without_absurd(settings.targets(forecaster.target, columns))
    points, others, all_quantiles, fitted = [], [], [], None
    for group in _progress(groups, forecaster.verbose):
        begin = int(group[0]) - first if sliding else 0
        fitted = forecaster.unfitted().set_params(verbose=0).fit(columns[begin : group[0]])
        point, quantiles = fitted.forecast_at(columns[begin:], group - begin)
        points.append(point)
        others.append(_alone(fitted, columns[begin:], group - begin))
        all_quantiles.append(quantiles)
    assert fitted is not None
    point, quantiles = map(np.concatenate, (points, all_quantiles))
    names = [name for name in others[-1] if all(name in part for part in others)]
    alone = {name: np.concatenate([part[name] for part in others]) for name in names}
    levels = fitted.levels_ if quantiles.shape[-1] else ()
    counted = columns.counted(origins, horizon)
    if not counted.any():
        raise DataError("every window to test on has a masked step; give fill=interpolate")
    seconds = time.perf_counter() - start
    found = {}
    for i, name in enumerate(fitted.targets_):
        y = columns.select([name])[:, 0]
        forecasts = {BLEND if fitted.blends_ else MODEL: point[..., i]}
        forecasts |= _baselines(y, horizon, first, step, fitted.season_)
        forecasts |= {method: points[..., i] for method, points in alone.items()}
        forecasts = {method: points[counted] for method, points in forecasts.items()}
        found[name] = Backtest(
            name,
            origins[counted],
            windows_at(y, origins[counted], 0, horizon),
            forecasts,
            levels,
            quantiles[counted, :, i],
            fitted.season_,
            columns.dates,
            len(groups),
            fitted.blends_[i].words if fitted.blends_ else NETWORK,
            seconds,
        )
    return found


def _alone(fitted: LSTMForecaster, columns: Columns, origins: Array) -> dict[str, Array]:
    """Return the forecasts of each method by itself, or of a network's anchors."""
    if not fitted.blends_:
        return {ANCHOR: fitted.anchor_at(columns, origins)}
    return fitted.forecasts_by_method(columns, origins, fitted.horizon)


def _baselines(y: Array, horizon: int, first: int, step: int, season: int) -> dict[str, Array]:
    found = {PERSISTENCE: persistence(y, horizon, start=first)[::step]}
    if season and first >= season:
        found[SEASONAL_NAIVE] = seasonal_naive(y, horizon, season, start=first)[::step]
    return found


def _first(columns: Columns, initial: int | float | None, horizon: int) -> int:
    """Return the number of steps that the first model is trained on."""
    steps = len(columns)
    if initial is None:
        first = steps - held_out(steps, columns.dates)
    elif isinstance(initial, float):
        if not 0 < initial < 1:
            raise ValueError(f"initial: expected steps, or a share from 0 to 1, got {initial}")
        first = int(initial * steps)
    else:
        first = whole("initial", initial, 1)
    if not 0 < first <= steps - horizon:
        raise DataError(
            f"no window of {horizon} steps lies behind the first {first} of {steps} steps: give "
            "more rows or a smaller horizon"
        )
    return first


def _progress(groups: list[Array], verbose: Any) -> Iterator[Array]:
    if not verbose or len(groups) < 2:
        return iter(groups)
    from tqdm import tqdm

    return iter(tqdm(groups, desc="backtest", unit="fit", disable=None))
