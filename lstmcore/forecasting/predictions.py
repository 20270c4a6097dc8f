"""Forecasts, intervals and quantiles from a trained forecaster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..random.generator import generator
from ..validation import whole
from . import settings
from .blend import METHODS, NETWORK, REGRESSION, SMOOTHING, Blend
from .columns import Columns, read, wrap
from .network import POINT, Head
from .notebook import forecast_html
from .preparation import Preparation
from .regression import Ridge
from .rollout import Rollout
from .smoothing import LONGEST_SEASON, Smoothing

Array = np.ndarray


@dataclass(frozen=True)
class Forecast:
    """Forecast of the next steps.

    Parameters
    ----------
    names : tuple of str
        The targets.
    point : ndarray, shape (horizon, targets)
        The median of a quantile head, otherwise the mean.
    levels : tuple of float
    quantiles : ndarray, shape (horizon, targets, levels)
    dates : ndarray of datetime64, shape (horizon,), optional
    """

    names: tuple[str, ...]
    point: Array
    levels: tuple[float, ...]
    quantiles: Array
    dates: Array | None = None

    @property
    def intervals(self) -> list[tuple[float, Array, Array]]:
        """Central intervals as (probability, low, high), bounds of shape (horizon, targets)."""
        return [
            (share, self.quantiles[..., i], self.quantiles[..., j])
            for share, i, j in pairs(self.levels)
        ]

    def __repr__(self) -> str:
        names = ", ".join(self.names)
        until = "" if self.dates is None else f" until {self.dates[-1]}"
        return f"<Forecast of {names}: {len(self.point)} steps{until}>"

    def _repr_html_(self) -> str:
        """Return chart and table, as notebooks show them."""
        return forecast_html(self)


def pairs(levels: Sequence[float]) -> list[tuple[float, int, int]]:
    """Return central intervals among quantiles as (probability, index of low, index of high)."""
    found = []
    for i, level in enumerate(levels):
        j = next((j for j, other in enumerate(levels) if abs(1 - level - other) < 1e-9), None)
        if level < 0.5 and j is not None:
            found.append((round(1 - 2 * level, 9), i, j))
    return found


class PredictionMixin:
    """Forecasts of `LSTMForecaster` after `fit`."""

    horizon: int
    freq: str | None
    fill: str | None
    strategy: str
    head: str
    paths: int
    random_state: int | None
    model_: Any
    preparation_: Preparation
    columns_: Columns
    targets_: tuple[str, ...]
    past_: tuple[str, ...]
    known_: tuple[str, ...]
    levels_: tuple[float, ...]
    head_: Head
    method: str
    season_: int
    ridge_: Ridge | None
    smoothings_: tuple[Smoothing, ...]
    blends_: tuple[Blend, ...]  # one for each target; none where the network forecasts alone
    first_: int  # the number of the first step in `columns_`; the first fitted to is 0

    def forecast(
        self,
        horizon: int | None = None,
        *,
        future: Any = None,
        quantiles: Sequence[float] | None = None,
    ) -> Forecast:
        """Forecast the steps after the last known one: values, quantiles and dates.

        Parameters
        ----------
        horizon : int, optional
            By default the setting, which is also the limit of the direct strategy.
        future : dict of str to array_like, or pandas, optional
            Values of the `known_future` columns for the steps ahead.
        quantiles : sequence of float, optional
            By default those learned.

        Raises
        ------
        ValueError
            If the horizon or `future` is invalid, or before `fit`.
        """
        self._check_fitted()
        steps = whole("horizon", horizon, self.horizon)
        settings.check_horizon(steps, self.strategy, self.preparation_.horizon)
        levels = self.levels_ if quantiles is None else settings.levels(quantiles)
        levels = () if self.head == POINT else levels
        origins = np.array([len(self.columns_)])
        ahead = self._future(future, steps)
        point, bounds = self._forecast(self.columns_, origins, steps, levels, ahead)
        return Forecast(self.targets_, point[0], levels, bounds[0], self.dates_ahead(steps))

    def predict(self, horizon: int | None = None, *, future: Any = None) -> Any:
        """Return the point forecast of the next steps; see `forecast`.

        Returns
        -------
        ndarray (horizon,), or for several targets an array, dict or DataFrame as the data fitted to
            The median of a quantile head, otherwise the mean. Pandas objects have the dates ahead.
        """
        found = self.forecast(horizon, future=future, quantiles=(0.5,))
        return wrap(found.point, self.columns_, self.targets_, found.dates)

    def predict_interval(
        self, horizon: int | None = None, *, level: float = 0.8, future: Any = None
    ) -> tuple[Any, Any]:
        """Return the lower and upper bound of a central interval, each in the form of `predict`.

        The values lie inside it with probability `level`. Bounds that are not among the learned
        quantiles are interpolated as for a normal distribution, or extrapolated, which is less
        reliable.
        """
        if not 0 < level < 1:
            raise ValueError(f"level: expected a probability between 0 and 1, got {level!r}")
        self._check_has_quantiles("predict_interval")
        outer = (0.5 - level / 2, 0.5 + level / 2)
        found = self.forecast(horizon, future=future, quantiles=outer)
        low, high = (
            wrap(found.quantiles[..., i], self.columns_, self.targets_, found.dates)
            for i in range(2)
        )
        return low, high

    def predict_quantiles(
        self,
        horizon: int | None = None,
        *,
        quantiles: Sequence[float] | None = None,
        future: Any = None,
    ) -> Any:
        """Return quantiles, by default those learned.

        Returns
        -------
        dict of float to values in the form of `predict`
        """
        self._check_has_quantiles("predict_quantiles")
        found = self.forecast(horizon, future=future, quantiles=quantiles)
        like, names = self.columns_, self.targets_
        return {
            level: wrap(found.quantiles[..., i], like, names, found.dates)
            for i, level in enumerate(found.levels)
        }

    def forecast_at(self, data: Any, origins: Array) -> tuple[Array, Array]:
        """Forecast from several origins in a series, ignoring the steps that follow each.

        Parameters
        ----------
        data : as for `fit`
            Must begin with the same step as the data fitted to, and have values of the
            `known_future` columns for all steps ahead.
        origins : array_like of int, shape (rows,)
            The first step of each forecast.

        Returns
        -------
        point : ndarray, shape (rows, horizon, targets)
        quantiles : ndarray, shape (rows, horizon, targets, learned quantiles)
        """
        self._check_fitted()
        columns = self.read(data, names=self.columns_.names)
        levels = () if self.head == POINT else self.levels_
        return self._forecast(columns, np.asarray(origins), self.horizon, levels)

    def _forecast(
        self,
        columns: Columns,
        origins: Array,
        horizon: int,
        levels: tuple[float, ...],
        ahead: Array | None = None,
    ) -> tuple[Array, Array]:
        """Forecast from each origin: points (rows, horizon, targets), and quantiles of them."""
        if not self.blends_:
            series = self._with_ahead(columns, ahead)
            return self.rollout().forecast(series, origins, horizon, levels)
        names = {name for blend in self.blends_ for name in blend.weights}
        found = self.forecasts_by_method(columns, origins, horizon, tuple(names), ahead)
        points, quantiles = [], []
        for i, blend in enumerate(self.blends_):
            points.append(blend.mean({name: f[..., i] for name, f in found.items()}))
            quantiles.append(blend.quantiles(points[i], np.array(levels, np.float64)))
        return np.stack(points, axis=-1), np.stack(quantiles, axis=2)

    def forecasts_by_method(
        self,
        columns: Columns,
        origins: Array,
        horizon: int,
        names: Sequence[str] = METHODS,
        ahead: Array | None = None,
    ) -> dict[str, Array]:
        """Return the point forecasts of the methods that are fitted, (rows, horizon, targets)."""
        series, found = self._with_ahead(columns, ahead), {}
        if NETWORK in names:
            found[NETWORK] = self.rollout().forecast(series, origins, horizon, ())[0]
        if REGRESSION in names and self.ridge_ is not None:
            rollout = self.rollout(self.ridge_)
            found[REGRESSION] = rollout.forecast(series, origins, horizon, ())[0]
        if SMOOTHING in names:
            found[SMOOTHING] = self._smoothing(columns, origins, horizon)
        return found

    def _smoothing(self, columns: Columns, origins: Array, horizon: int) -> Array:
        points = []
        steps = self.first_ + origins[:, None] + np.arange(horizon)
        for target, state, (y, _) in zip(
            self.preparation_.targets, self.smoothings_, self.smoothed(columns), strict=True
        ):
            found = state.forecast(y, origins, horizon, self.first_)
            if target.curve is not None and target.season > LONGEST_SEASON:
                found = found + target.curve.at(steps)
            points.append(np.exp(found) if target.log else found)
        return np.stack(points, axis=-1)

    def smoothed(self, columns: Columns) -> list[tuple[Array, int]]:
        """Return what smoothing reads of each target, and its season.

        That is the target, or its logarithm; without the curve of a season that is too long.
        """
        found = []
        y = self.series(columns=columns)[0]
        for i, target in enumerate(self.preparation_.targets):
            values, season = y[:, i], self.season_
            if season > LONGEST_SEASON:
                season = 0
                if target.curve is not None:
                    values = values - target.curve.at(self.first_ + np.arange(len(values)))
            found.append((values, season))
        return found

    def _with_ahead(self, columns: Columns, ahead: Array | None) -> tuple[Array, Array, Array]:
        y, past, known = self.series(columns=columns)
        return y, past, known if ahead is None else np.concatenate([known, ahead])

    def dates_ahead(self, horizon: int) -> Array | None:
        """Return the dates of the next steps, or None without dates."""
        return self.columns_.dates_ahead(horizon, self.freq)

    def append(self, data: Any, dates: Any = None) -> Self:
        """Append new steps without training; forecasts then start after them.

        Parameters
        ----------
        data, dates
            As for `fit`.
        """
        self._check_fitted()
        later = read(data, dates, self.columns_.names)
        if self.fill is None:
            later.check(self.columns_.names)
        self.columns_ = self.columns_.joined(later, self.freq).regular(self.freq, self.fill)
        return self

    def read(self, data: Any, dates: Any = None, names: Sequence[str] = ()) -> Columns:
        """Return a series of any form with a row for each step."""
        if isinstance(data, Columns):
            return data
        return read(data, dates, names).regular(self.freq, self.fill)

    def _check_fitted(self) -> None:
        if not hasattr(self, "model_"):
            raise ValueError(f"{type(self).__name__}: fit it first")

    def _check_has_quantiles(self, method: str) -> None:
        self._check_fitted()
        if self.head == POINT:
            raise ValueError(
                f"{method}: head='point' learns no intervals; take head='quantile' or 'gaussian'"
            )

    def anchor_at(self, data: Any, origins: Array) -> Array:
        """Forecast from several origins without the network: season, and level by regression."""
        series = self.series(columns=self.read(data, names=self.columns_.names))
        return self.rollout(None).forecast(series, origins, self.horizon, ())[0]

    def rollout(self, other: Any = NETWORK) -> Rollout:
        """Return the network's multi-step forecast; or a `Ridge`'s, or with None the anchors'."""
        recursive = self.strategy == "recursive"
        random = generator(self.random_state)
        network = other is NETWORK
        model, head = (self.model_, self.head_) if network else (other, Head(POINT, (0.5,)))
        return Rollout(model, self.preparation_, head, recursive, self.paths, random, self.first_)

    def _future(self, future: Any, steps: int) -> Array:
        """Return the `known_future` values of the steps ahead, (steps, columns)."""
        if not self.known_:
            return np.empty((steps, 0))
        if future is None:
            names = ", ".join(self.known_)
            raise ValueError(f"future: expected the next {steps} values of {names}")
        columns = read(future, names=self.known_)
        columns.check(self.known_)
        if len(columns) < steps:
            raise ValueError(f"future: expected {steps} steps, got {len(columns)}")
        return columns.select(self.known_)[:steps]

    def series(
        self, preparation: Preparation | None = None, columns: Columns | None = None
    ) -> tuple[Array, Array, Array]:
        """Return targets (logarithms with `log`), columns known up to now, and known ahead."""
        columns = self.columns_ if columns is None else columns
        transforms = (preparation or self.preparation_).targets
        y = columns.select(self.targets_)
        y = np.stack([t.maybe_log(y[:, i]) for i, t in enumerate(transforms)], axis=1)
        return y, columns.select(self.past_), columns.select(self.known_)
