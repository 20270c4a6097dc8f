"""From a panel to the network's inputs: windows are gathered, scaled and padded batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np

from ...data import DataError
from . import features
from .panel import Panel

Array = np.ndarray
SCALINGS = ("standard", "robust", "mean", "none")
LEAST_SHARE = 0.1  # of a series' spread: a calmer window is not scaled up further
FLOOR = "floor"  # a spread that a few absurd values do not change
CHUNK = 1 << 16  # rows read at once


class Scale(NamedTuple):
    """Level and spread of each row of a batch, (rows, 1); of counts the mean, and 1."""

    level: Array
    spread: Array


@dataclass(frozen=True)
class Inputs:
    """What the network sees of a panel, fitted to its training part.

    Parameters
    ----------
    window, horizon : int
    scaling : {"standard", "robust", "mean", "none"}
        Subtract the mean and divide by the standard deviation; the median and the distance of
        the quartiles; divide by the mean size; or neither.
    by_window : bool
        Scale each window by itself, or by all steps of its series.
    counts : bool
        The network is given logarithms of counts, relative to that of their mean.
    past, known : tuple of str
        Covariates known up to now, and ahead.
    calendar : tuple of str
    holidays : str, optional
    scales : dict of str to (float, float)
        Mean and standard deviation of covariates and static numbers.
    static : tuple of str
        Static covariates that are numbers.
    labels : dict of str to list
        The categories of static covariates that are labels. Others are numbered 0.
    """

    window: int
    horizon: int
    scaling: str = "standard"
    by_window: bool = True
    counts: bool = False
    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    holidays: str | None = None
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    labels: Mapping[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def fit(cls, panel: Panel, **options: Any) -> Self:
        """Fit the scaling of covariates to a panel, and tell static numbers from labels."""
        scales = {name: moments(panel.covariates[name]) for name in panel.covariates}
        static, labels = [], {}
        for name, values in panel.static.items():
            if values.dtype.kind in "biuf":
                if not np.isfinite(values).all():
                    i = int((~np.isfinite(values)).argmax())
                    raise DataError(f"static column {name!r} has no value for {panel.ids[i]}")
                static.append(name)
                scales[name] = moments(values)
            else:
                labels[name] = sorted({str(v) for v in values.tolist()})
        return cls(**options, scales=scales, static=tuple(static), labels=labels)

    @property
    def channels(self) -> int:
        """The number of columns of a window."""
        return 2 + len(self.past) + self.ahead_columns

    @property
    def ahead_columns(self) -> int:
        """The number of columns that are known ahead."""
        return len(self.known) + features.width(self.calendar, self.holidays)

    @property
    def sides(self) -> int:
        """The number of numbers for each series: static ones, and of counts the level."""
        return len(self.static) + self.counts

    def batch(
        self, panel: Panel, series: Array, origins: Array, ahead: Mapping[str, Array] | None = None
    ) -> tuple[list[Array], Scale]:
        """Return the network's inputs for some origins, and the scale of each.

        Parameters
        ----------
        panel : Panel
        series, origins : ndarray of int, shape (rows,)
            The number of each series, and the first step ahead in it.
        ahead : dict of str to ndarray (rows, horizon), optional
            Known covariates of the steps ahead, and their dates as "". By default they are read
            from the panel.
        """
        start = panel.starts[series][:, None]
        steps = origins[:, None] + np.arange(-self.window, 0)
        inside = steps >= 0
        rows = start + np.maximum(steps, 0)
        y = np.where(inside, panel.y[rows], np.nan).astype(np.float64)
        seen = np.isfinite(y)
        scale = self._scale(panel, series, y, seen)
        x = np.zeros((*steps.shape, self.channels), np.float32)
        x[..., 0] = np.where(seen, self.encode(y, scale), 0)
        x[..., 1] = seen
        for k, name in enumerate(self.past, 2):
            x[..., k] = self._standard(name, panel.covariates[name][rows])
        inputs = [x]
        if self.ahead_columns:
            first = self.channels - self.ahead_columns
            x[..., first:] = self._known(
                {n: panel.covariates[n][rows] for n in self.known}, panel.dates[rows]
            )
            if ahead is None:
                later = start + origins[:, None] + np.arange(self.horizon)
                ahead = {name: panel.covariates[name][later] for name in self.known}
                ahead[""] = panel.dates[later]
            inputs.append(self._known(ahead, ahead[""]).astype(np.float32))
        x[~inside] = 0
        if self.sides:
            numbers = [self._standard(n, panel.static[n][series]) for n in self.static]
            numbers += [np.log(scale.level[:, 0])] * self.counts
            inputs.append(np.stack(numbers, axis=1).astype(np.float32))
        for name, known in self.labels.items():
            number = {label: i for i, label in enumerate(known, 1)}
            given = [number.get(str(v), 0) for v in panel.static[name][series].tolist()]
            inputs.append(np.array(given, np.int32)[:, None])
        return inputs, scale

    def targets(self, panel: Panel, series: Array, origins: Array) -> Array:
        """Return the values of the steps ahead, (rows, horizon)."""
        rows = panel.starts[series][:, None] + origins[:, None] + np.arange(self.horizon)
        return np.asarray(panel.y[rows], np.float64)

    @property
    def measure_of_series(self) -> str:
        """What is measured of whole series."""
        if self.counts:
            return "mean"
        return FLOOR if self.by_window and self.scaling != "none" else self.scaling

    def of_series(self, panel: Panel) -> tuple[Array, Array]:
        """Return level and spread of whole series, (series,) each; a spread is never 0."""
        kind = self.measure_of_series
        if kind not in panel.measured:
            panel.measured[kind] = measure_series(panel, kind)
        return panel.measured[kind]

    def encode(self, y: Array, scale: Scale) -> Array:
        """Return values in the unit of the network's window."""
        if self.counts:
            with np.errstate(invalid="ignore"):
                return np.asarray(np.log1p(y) - np.log1p(scale.level))
        return np.asarray((y - scale.level) / scale.spread)

    def _known(self, values: Mapping[str, Array], dates: Array) -> Array:
        """Return the columns that are known ahead: covariates, calendar, holidays."""
        found = [self._standard(name, values[name])[..., None] for name in self.known]
        if self.calendar or self.holidays:
            found.append(features.of_dates(dates, self.calendar, self.holidays))
        return np.concatenate(found, axis=-1)

    def _standard(self, name: str, values: Array) -> Array:
        mean, std = self.scales[name]
        return np.asarray((np.asarray(values, np.float64) - mean) / std)

    def _scale(self, panel: Panel, series: Array, y: Array, seen: Array) -> Scale:
        """Return level and spread of each window, or of its series."""
        level, spread = self.of_series(panel)
        whole = Scale(level[series][:, None], spread[series][:, None])
        if self.counts:  # one step of the series' mean is added, so that no mean is zero
            total, number = np.where(seen, y, 0).sum(1), seen.sum(1)
            mean = (total[:, None] + np.maximum(whole.spread, 0.01)) / (number[:, None] + 1)
            return Scale(mean, np.ones_like(mean))
        if not self.by_window or self.scaling == "none":
            return whole
        level, spread = measure(np.where(seen, y, np.nan), self.scaling)
        some = seen.any(1)
        level = np.where(some, level, whole.level[:, 0])
        spread = np.where(
            some, np.maximum(spread, LEAST_SHARE * whole.spread[:, 0]), whole.spread[:, 0]
        )
        return Scale(level[:, None], spread[:, None])


def measure(y: Array, scaling: str) -> tuple[Array, Array]:
    """Return level and spread of each row, NaN aside."""
    seen = np.isfinite(y)
    number = np.maximum(seen.sum(-1), 1)
    if scaling == "mean":
        return np.zeros(len(y)), np.where(seen, np.abs(y), 0).sum(-1) / number
    if scaling == "none":
        return np.zeros(len(y)), np.ones(len(y))
    if not y.shape[-1]:
        return np.zeros(len(y)), np.zeros(len(y))
    if scaling == "robust":
        ordered = np.sort(y, axis=-1)  # NaN last
        low, level, high = (
            np.take_along_axis(ordered, ((number - 1) * q).astype(int)[:, None], -1)[:, 0]
            for q in (0.25, 0.5, 0.75)
        )
        return level, (high - low) / 1.349  # the standard deviation of a normal distribution
    level = np.where(seen, y, 0).sum(-1) / number
    square = np.where(seen, (y - level[:, None]) ** 2, 0).sum(-1) / number
    return level, np.sqrt(square)


def measure_series(panel: Panel, scaling: str) -> tuple[Array, Array]:
    """Return level and spread of each series; that of a constant is its size, or 1."""
    level, spread = np.zeros(len(panel)), np.ones(len(panel))
    stops = panel.starts[1:] - panel.unseen
    for i, (start, stop) in enumerate(zip(panel.starts[:-1], stops, strict=True)):
        y = np.asarray(panel.y[start : max(stop, start)], np.float64)
        kind = "robust" if scaling == FLOOR else scaling
        level[i], spread[i] = (float(found[0]) for found in measure(y[None], kind))
        if scaling == FLOOR and not spread[i]:  # most values are equal
            level[i], spread[i] = (float(found[0]) for found in measure(y[None], "standard"))
    constant = ~(spread > 1e-9 * np.abs(level))
    spread[constant] = np.where(level[constant] != 0, np.abs(level[constant]), 1.0)
    return level, spread


def moments(values: Array) -> tuple[float, float]:
    """Return the mean and standard deviation of a column, read in parts; 1.0 for a constant's."""
    total = square = 0.0
    for start in range(0, len(values), CHUNK):
        total += float(np.sum(values[start : start + CHUNK], dtype=np.float64))
    mean = total / max(len(values), 1)
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK].astype(np.float64) - mean
        square += float(part @ part)
    std = float(np.sqrt(square / max(len(values), 1)))
    return mean, std if std > 1e-12 * max(abs(mean), 1e-300) else 1.0
