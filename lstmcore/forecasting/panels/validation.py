"""Cross-validation of forecasters of panels over rolling origins, side by side, and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...data import DataError
from ...validation import whole
from . import steps
from .columns import to_form
from .panel import Panel
from .reading import COLUMNS, read

Array = np.ndarray
SEASONAL_NAIVE = "SeasonalNaive"
METRICS = ("mae", "rmse", "smape", "mase")


class SeasonalNaive:
    """Repeat the last season of each series; its errors of the past give intervals.

    Parameters
    ----------
    horizon : int
    season : int or "auto", default "auto"
        Steps; by default that of the dates. Shorter series repeat their last value.
    """

    past = known_future = static = ()

    def __init__(self, horizon: int, season: int | str = "auto") -> None:
        self.horizon, self.season = horizon, season

    def unfitted(self) -> SeasonalNaive:
        """Return a forecaster with the same settings."""
        return SeasonalNaive(self.horizon, self.season)

    def fit_panel(self, panel: Panel) -> None:
        """Nothing is trained."""

    def forecast_panel(
        self, panel: Panel, known: Mapping[str, Array], shares: Array
    ) -> tuple[Array, Array]:
        """Return forecasts (series, horizon), and quantiles (series, horizon, k)."""
        from scipy.special import ndtri

        season = steps.season(panel.frequency) if self.season == "auto" else int(self.season)
        lengths = panel.lengths
        seasons = np.where(lengths > season, season, 1)[:, None]
        ahead = np.arange(self.horizon)
        rows = panel.starts[1:, None] - seasons + ahead % seasons
        point = panel.y[rows].astype(np.float64)
        spread = np.array([_naive_error(panel, i, season, 2) for i in range(len(panel))])
        grown = np.sqrt(ahead // seasons + 1) * np.where(np.isfinite(spread), spread, 0)[:, None]
        return point, point[..., None] + grown[..., None] * ndtri(shares)


class PerSeries:
    """One model for each series, to compare a global one with.

    Parameters
    ----------
    model : GlobalForecaster
        Its settings; a clone is trained on each series alone.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.horizon = model, model.horizon
        self.past, self.known_future = model.past, model.known_future
        self.static = model.static

    def unfitted(self) -> PerSeries:
        """Return a forecaster with the same settings."""
        return PerSeries(self.model)

    def fit_panel(self, panel: Panel) -> None:
        """Train a model on each series."""
        self.models = {}
        for i, one in enumerate(panel.ids.tolist()):
            self.models[one] = self.model.unfitted()
            self.models[one].fit_panel(panel.take(np.array([i])))

    def forecast_panel(
        self, panel: Panel, known: Mapping[str, Array], shares: Array
    ) -> tuple[Array, Array]:
        """Return forecasts (series, horizon), and quantiles (series, horizon, k)."""
        found = []
        for i, one in enumerate(panel.ids.tolist()):
            row = np.array([i])
            ahead = {name: values[row] for name, values in known.items()}
            found.append(self.models[one].forecast_panel(panel.take(row), ahead, shares))
        points, bounds = zip(*found, strict=True)
        return np.concatenate(points), np.concatenate(bounds)


@dataclass(frozen=True)
class CrossValidation:
    """Forecasts of known steps by several models.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (rows,)
        Ids, dates, "cutoff" (the last date that a forecast knew), the target, a column for each
        model, and its intervals.
    models : tuple of str
    scales : dict of id to float
        Mean error of the seasonal naive forecast before the first cutoff, for MASE.
    names : (str, str, str)
        The columns of ids, dates and targets.
    form : str
    """

    columns: dict[str, Array]
    models: tuple[str, ...]
    scales: dict[Any, float]
    names: tuple[str, str, str]
    form: str

    @property
    def table(self) -> Any:
        """The forecasts: a frame, or a dict of columns, as the data."""
        return to_form(self.columns, self.form)

    def metrics(self, metrics: Sequence[str] = METRICS, *, by_series: bool = True) -> Any:
        """Return errors of all models side by side.

        Parameters
        ----------
        metrics : sequence of {"mae", "rmse", "smape", "mase"}
            smape is 200 |y - f| / (|y| + |f|); mase is relative to the seasonal naive forecast of
            the steps before the first cutoff (Hyndman and Koehler, 2006), NaN if that has no error.
            For intervals there are rows "coverage-80" and so on.
        by_series : bool, default True
            A row for each series and metric; otherwise the mean over series, NaN aside.

        Returns
        -------
        DataFrame, or dict of columns
            Columns of ids (if `by_series`), "metric", and one for each model.
        """
        for metric in metrics:
            if metric not in METRICS:
                raise ValueError(f"metrics: expected some of {METRICS}, got {metric!r}")
        id_col = self.names[0]
        ids = list(self.scales)
        number = {one: i for i, one in enumerate(ids)}
        series = np.array([number[one] for one in self.columns[id_col].tolist()])
        levels = [
            c.rpartition("-")[2] for c in self.columns if c.startswith(f"{self.models[0]}-lo-")
        ]
        rows = [*metrics, *(f"coverage-{level}" for level in levels)]
        values = {
            model: [self._measured(model, metric, series, len(ids)) for metric in rows]
            for model in self.models
        }
        if not by_series:
            means = {m: np.array([_mean(v) for v in found]) for m, found in values.items()}
            return to_form({"metric": np.array(rows), **means}, self.form)
        table = {id_col: np.tile(np.array(ids, self.columns[id_col].dtype), len(rows))}
        table["metric"] = np.repeat(np.array(rows), len(ids))
        table.update({model: np.concatenate(found) for model, found in values.items()})
        return to_form(table, self.form)

    def _measured(self, model: str, metric: str, series: Array, count: int) -> Array:
        """Return a metric for each series."""
        y = self.columns[self.names[2]].astype(np.float64)
        forecast = self.columns[model]
        error = np.abs(y - forecast)
        if metric == "rmse":
            error = error**2
        elif metric == "smape":
            size = np.abs(y) + np.abs(forecast)
            error = 200 * error / np.where(size > 0, size, 1)
        elif metric.startswith("coverage-"):
            low, high = (self.columns[f"{model}-{e}-{metric[9:]}"] for e in ("lo", "hi"))
            error = np.where(np.isfinite(y), 100.0 * ((low <= y) & (y <= high)), np.nan)
        known = np.isfinite(error)
        total = np.bincount(series[known], error[known], count)
        times = np.bincount(series[known], minlength=count)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = total / times
            if metric == "mase":
                found = found / np.array(list(self.scales.values()))
        return np.asarray(np.sqrt(found) if metric == "rmse" else found)


def cross_validation(
    models: Mapping[str, Any],
    data: Any,
    *,
    n_windows: int = 1,
    step_size: int | None = None,
    refit: bool = False,
    level: Sequence[float] = (),
    baseline: bool = True,
    id_col: str = COLUMNS[0],
    time_col: str = COLUMNS[1],
    target_col: str = COLUMNS[2],
    static: Any = None,
    freq: str | int | None = None,
    fill: str | None = None,
) -> CrossValidation:
    """Forecast the last steps of each series from the steps before them, with several models.

    Clones of the models are trained; they themselves do not change.

    Parameters
    ----------
    models : dict of str to GlobalForecaster, PerSeries or SeasonalNaive
        Of one horizon.
    data : as for `GlobalForecaster.fit`
    n_windows : int, default 1
        Forecasts of each series; the last one ends with the series.
    step_size : int, optional
        Steps between forecasts; by default the horizon.
    refit : bool, default False
        Train again for each forecast; otherwise before the first one alone. Each forecast uses
        all steps before it in any case.
    level : sequence of float
        Central intervals in percent.
    baseline : bool, default True
        Add the column "SeasonalNaive".
    id_col, time_col, target_col, static, freq, fill
        As for `GlobalForecaster.fit`.

    Raises
    ------
    DataError, ValueError
        As `fit`; or if no series is long enough.
    """
    horizon = _one_horizon(models)
    whole("n_windows", n_windows, 1)
    step = whole("step_size", step_size, horizon)
    covariates = {name: 1 for m in models.values() for name in (*m.past, *m.known_future)}
    statics = {name: 1 for model in models.values() for name in model.static}
    names = (id_col, time_col, target_col)
    panel = read(data, names, list(covariates), static, list(statics), freq, fill)
    names = panel.columns
    models = {name: model.unfitted() for name, model in models.items()}
    if baseline and SEASONAL_NAIVE not in models:
        season = next((m.season for m in models.values() if hasattr(m, "season")), "auto")
        models[SEASONAL_NAIVE] = SeasonalNaive(horizon, season)
    first = panel.lengths - horizon - (n_windows - 1) * step
    kept = np.flatnonzero(first >= 1)
    if not len(kept):
        raise DataError(
            f"no series has the {horizon + (n_windows - 1) * step + 1} steps that {n_windows} "
            f"forecasts of {horizon} steps need"
        )
    bounds, shares = _intervals(level)
    parts = []
    for k in range(n_windows):
        stops = first + k * step
        if k == 0 or refit:
            _train(models, panel.take(kept, stops[kept]))
        parts.append(_forecasts(models, panel, kept, stops[kept], horizon, bounds, shares))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    season = next((m.season for m in models.values() if hasattr(m, "season")), "auto")
    lag = steps.season(panel.frequency) if season == "auto" else max(int(season), 1)
    history = panel.take(kept, first[kept])
    scales = {one: _naive_error(history, i, lag, 1) for i, one in enumerate(history.ids.tolist())}
    return CrossValidation(columns, tuple(models), scales, names, panel.form)


def _one_horizon(models: Mapping[str, Any]) -> int:
    horizons = {model.horizon for model in models.values()} if models else set()
    if len(horizons) != 1:
        raise ValueError(f"models: expected some of one horizon, got {sorted(horizons)}")
    return int(horizons.pop())


def _intervals(level: Sequence[float]) -> tuple[list[str], Array]:
    """Return the ends of the names of intervals' columns, and the shares below them."""
    from .predictions import columns

    names, shares = columns(level, None)
    return [name.partition("-")[2] for name in names], shares


def _train(models: Mapping[str, Any], panel: Panel) -> None:
    for model in models.values():
        model.fit_panel(_restricted(panel, model))


def _restricted(panel: Panel, model: Any) -> Panel:
    """Return the panel with the columns of a model alone."""
    names = (*model.past, *model.known_future)
    return replace(
        panel,
        covariates={name: panel.covariates[name] for name in names},
        static={name: panel.static[name] for name in model.static},
    )


def _forecasts(
    models: Mapping[str, Any],
    panel: Panel,
    series: Array,
    stops: Array,
    horizon: int,
    bounds: list[str],
    shares: Array,
) -> dict[str, Array]:
    """Return the columns of all models' forecasts from one origin of each series."""
    id_col, time_col, target_col = panel.columns
    history = panel.take(series, stops)
    rows = (panel.starts[:-1][series] + stops)[:, None] + np.arange(horizon)
    found = {
        id_col: np.repeat(panel.ids[series], horizon),
        time_col: panel.dates[rows].reshape(-1),
        "cutoff": np.repeat(history.last_dates, horizon),
        target_col: panel.y[rows].reshape(-1),
    }
    for name, model in models.items():
        known = {n: panel.covariates[n][rows] for n in model.known_future}
        point, quantiles = model.forecast_panel(_restricted(history, model), known, shares)
        found[name] = point.reshape(-1)
        for k, bound in enumerate(bounds):
            found[f"{name}-{bound}"] = quantiles[..., k].reshape(-1)
    return found


def _naive_error(panel: Panel, series: int, season: int, power: int) -> float:
    """Return the mean of |y[t] - y[t - season]|, or the root of the mean square; NaN for none."""
    y = np.asarray(panel.y[panel.starts[series] : panel.starts[series + 1]], np.float64)
    lag = season if len(y) > season else 1
    error = np.abs(y[lag:] - y[:-lag])
    error = error[np.isfinite(error)]
    if not len(error) or not error.any():
        return float("nan")
    return float(np.mean(error**power) ** (1 / power))


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
