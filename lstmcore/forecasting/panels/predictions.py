"""Forecasts of a trained `GlobalForecaster`: tables, quantiles, sampled paths, log scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...data import DataError
from ...random.generator import generator
from ...validation import whole
from .. import heads, settings
from . import steps
from .columns import to_form
from .inputs import Inputs, Scale
from .panel import Panel
from .reading import ahead, read
from .unseen import with_unseen
from .windows import offsets

Array = np.ndarray
NAME = "LSTM"
ROWS = 2048  # series forecast at once


class PredictionMixin:
    """Forecasts of `GlobalForecaster` after `fit`."""

    horizon: int
    static: Sequence[str]
    past: Sequence[str]
    known_future: Sequence[str]
    random_state: int | None
    model_: Any
    panel_: Panel
    inputs_: Inputs
    head_: heads.Distribution
    shifts_: Array
    dependence_: Array
    levels_: tuple[float, ...]

    def predict(
        self,
        data: Any = None,
        *,
        ids: Sequence[Any] | None = None,
        future: Any = None,
        static: Any = None,
        level: Sequence[float] | None = None,
        quantiles: Sequence[float] | None = None,
        fill: str | None = None,
    ) -> Any:
        """Forecast the steps after the last one of each series.

        Parameters
        ----------
        data : as for `fit`, optional
            Series to forecast instead of those fitted to: their newer steps, or new series, which
            need no training. A series of one step is enough.
        ids : sequence, optional
            The series to forecast; by default all, in the order of their first appearance. Ids
            that are in `static` alone are of series without any step yet: they start after the
            last date of all, at the level of the series with the same labels.
        future : DataFrame or dict of columns, optional
            A long table of the `known_future` columns for the steps ahead.
        static : DataFrame or dict of columns, optional
            As for `fit`, with `data`; or for series without steps.
        level : sequence of float, optional
            Central intervals in percent, such as ``[80, 95]``.
        quantiles : sequence of float, optional
            Such as ``[0.1, 0.9]``.
        fill : optional
            As for `fit`, with `data`.

        Returns
        -------
        DataFrame, or dict of arrays, as the data
            Columns of ids and dates, "LSTM" (the median of a quantile head, otherwise the mean),
            and "LSTM-lo-80", "LSTM-hi-80", "LSTM_ql0.1" and so on.
        """
        panel = self._panel(data, ids, static, fill)
        names, shares = columns(level, quantiles)
        tables = list(self._tables(panel, future, names, shares))
        table = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
        return to_form(table, panel.form)

    def predict_iter(
        self,
        data: Any = None,
        *,
        ids: Sequence[Any] | None = None,
        future: Any = None,
        static: Any = None,
        level: Sequence[float] | None = None,
        quantiles: Sequence[float] | None = None,
        fill: str | None = None,
    ) -> Iterator[Any]:
        """Yield the table of `predict` in parts of a few thousand series, for large panels."""
        panel = self._panel(data, ids, static, fill)
        for table in self._tables(panel, future, *columns(level, quantiles)):
            yield to_form(table, panel.form)

    def sample(
        self,
        paths: int = 100,
        data: Any = None,
        *,
        ids: Sequence[Any] | None = None,
        future: Any = None,
        static: Any = None,
        fill: str | None = None,
    ) -> Array:
        """Sample whole paths, whose steps go together as errors did in validation.

        Parameters
        ----------
        paths : int, default 100
            Of each series.
        data, ids, future, static, fill
            As for `predict`.

        Returns
        -------
        ndarray, shape (series, paths, horizon)
        """
        whole("paths", paths, 1)
        panel = self._panel(data, ids, static, fill)
        random = generator(self.random_state)
        parts = []
        for parameters, scale in self._parameters(panel, self._later(panel, future)):
            found = heads.sample_paths(self.head_, parameters, paths, random, self.dependence_)
            parts.append(self._decode(found, scale))
        return np.concatenate(parts)

    def log_score(
        self, data: Any, *, future: Any = None, static: Any = None, fill: str | None = None
    ) -> dict[Any, float]:
        """Return the logarithmic score of forecasts of the last steps of some series.

        It is the mean of -log p over the last `horizon` steps, which are forecast from the steps
        before them; p is the density, or the probability of a count. Less is better. Densities and
        probabilities of counts compare, as a count's probability is the density on a unit around.

        Parameters
        ----------
        data, static, fill
            As for `predict`; with the last steps and the `known_future` columns there.

        Returns
        -------
        dict of id to float
        """
        panel = self._panel(data, None, static, fill)
        if (short := panel.lengths <= self.horizon).any():
            i = int(short.argmax())
            raise DataError(
                f"log_score: {panel.columns[0]} {panel.ids[i]} has {panel.lengths[i]} steps, where "
                f"{self.horizon + 1} are needed"
            )
        found = np.empty(len(panel))
        for start in range(0, len(panel), ROWS):
            series = np.arange(start, min(start + ROWS, len(panel)))
            origins = panel.lengths[series] - self.horizon
            parameters, scale = self._network(panel, series, origins, None)
            y = self.inputs_.targets(panel, series, origins)
            if self.head_.counts:
                density = self.head_.log_density(parameters, y)
            else:
                scaled = self.inputs_.encode(y, scale)
                density = self.head_.log_density(parameters, scaled) - np.log(scale.spread)
            found[series] = -density.mean(1)
        return dict(zip(panel.ids.tolist(), found.tolist(), strict=True))

    def forecast_panel(
        self, panel: Panel, known: Mapping[str, Array], shares: Array
    ) -> tuple[Array, Array]:
        """Forecast the steps after each series of a panel.

        Parameters
        ----------
        panel : Panel
        known : dict of str to ndarray, shape (series, horizon)
            The `known_future` columns.
        shares : ndarray, shape (k,)
            Quantiles.

        Returns
        -------
        point : ndarray, shape (series, horizon)
        quantiles : ndarray, shape (series, horizon, k)
        """
        found = [self._summary(*one, shares) for one in self._parameters(panel, known)]
        points, bounds = zip(*found, strict=True)
        return np.concatenate(points), np.concatenate(bounds)

    def shifted(self, parameters: Array) -> Array:
        """Return quantiles with their calibration, in order."""
        return np.asarray(np.sort(parameters + self.shifts_, axis=-1))

    def _panel(self, data: Any, ids: Sequence[Any] | None, static: Any, fill: str | None) -> Panel:
        """Return the series to forecast."""
        self._check_fitted()
        panel = self.panel_
        if data is not None:
            covariates = (*self.past, *self.known_future)
            freq = panel.frequency
            panel = read(data, panel.columns, covariates, static, self.static, freq, fill)
        if ids is not None:
            if isinstance(ids, str):
                raise ValueError(f"ids: expected a list of ids, got {ids!r}")
            if data is None and static is not None:
                known = set(panel.ids.tolist())
                new = [one for one in ids if one not in known]
                panel = with_unseen(panel, new, static, self.inputs_) if new else panel
            panel = panel.select(ids)
        return panel

    def _tables(
        self, panel: Panel, future: Any, names: list[str], shares: Array
    ) -> Iterator[dict[str, Array]]:
        """Yield columns of forecasts, some series at a time."""
        id_col, time_col, _ = panel.columns
        first = 0
        for parameters, scale in self._parameters(panel, self._later(panel, future)):
            point, bounds = self._summary(parameters, scale, shares)
            series = slice(first, first + len(point))
            first += len(point)
            dates = steps.after(panel.frequency, panel.last_dates[series], self.horizon)
            yield {
                id_col: np.repeat(panel.ids[series], self.horizon),
                time_col: dates.reshape(-1),
                NAME: point.reshape(-1),
                **{name: bounds[..., k].reshape(-1) for k, name in enumerate(names)},
            }

    def _parameters(
        self, panel: Panel, later: Mapping[str, Array]
    ) -> Iterator[tuple[Array, Scale]]:
        """Yield the parameters of the forecasts of some series at a time, and their scale."""
        for start in range(0, len(panel), ROWS):
            series = np.arange(start, min(start + ROWS, len(panel)))
            known = {name: values[series] for name, values in later.items()}
            known[""] = steps.after(panel.frequency, panel.last_dates[series], self.horizon)
            yield self._network(panel, series, panel.lengths[series], known)

    def _later(self, panel: Panel, future: Any) -> dict[str, Array]:
        """Return the `known_future` columns of the steps ahead, (series, horizon)."""
        return ahead(future, panel, self.horizon, self.known_future)

    def _network(
        self, panel: Panel, series: Array, origins: Array, known: dict[str, Array] | None
    ) -> tuple[Array, Scale]:
        x, scale = self.inputs_.batch(panel, series, origins, known)
        x += offsets(self.head_, scale, self.horizon)
        outputs = self.model_.predict(x, batch_size=len(series), verbose=0)
        parameters = self.head_.unpack(outputs, self.horizon)
        if isinstance(self.head_, heads.Quantiles):
            parameters = self.shifted(parameters)
        return parameters, scale

    def _summary(self, parameters: Array, scale: Scale, shares: Array) -> tuple[Array, Array]:
        """Return point forecasts (rows, horizon) and quantiles (rows, horizon, k) of values."""
        if isinstance(self.head_, heads.Quantiles):
            point = self.head_.ppf(parameters, np.array([0.5]))[..., 0]
        else:
            point = self.head_.mean(parameters)
        bounds = self.head_.ppf(parameters, shares) if len(shares) else np.empty((*point.shape, 0))
        decoded = self._decode(bounds.swapaxes(1, 2), scale).swapaxes(1, 2)
        return self._decode(point[:, None], scale)[:, 0], decoded

    def _decode(self, values: Array, scale: Scale) -> Array:
        """Return values (rows, any, horizon) in the unit of the data."""
        if self.head_.counts:
            return values
        return np.asarray(values * scale.spread[:, None] + scale.level[:, None])

    def _check_fitted(self) -> None:
        if not hasattr(self, "model_"):
            raise ValueError(f"{type(self).__name__}: fit it first")


def columns(
    level: Sequence[float] | None, quantiles: Sequence[float] | None
) -> tuple[list[str], Array]:
    """Return the names of columns of intervals and quantiles, and their probabilities."""
    names, shares = [], []
    for percent in level if level is not None else ():
        if not 1 <= percent < 100:
            raise ValueError(f"level: expected percent, such as [80, 95], got {percent!r}")
        names += [f"{NAME}-lo-{percent:g}", f"{NAME}-hi-{percent:g}"]
        shares += [0.5 - percent / 200, 0.5 + percent / 200]
    for share in settings.levels(quantiles) if quantiles is not None else ():
        names.append(f"{NAME}_ql{share:g}")
        shares.append(share)
    return names, np.array(shares)
