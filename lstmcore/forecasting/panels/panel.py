"""A panel: many series of any length, one after another in flat arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ...data import DataError
from ...names import nearest
from . import steps

Array = np.ndarray
CHUNK = 1 << 16  # rows that are checked at once
FILLS = ("forward", "interpolate", "zero", "mask")


@dataclass(frozen=True)
class Panel:
    """Many series, one after another in flat arrays, which may be memory-mapped.

    Parameters
    ----------
    ids : ndarray, shape (series,)
        In the order of their first appearance.
    starts : ndarray of int64, shape (series + 1,)
        The row at which each series starts, and the number of rows.
    y : ndarray of float, shape (rows,)
        NaN at missing steps, if they are allowed.
    dates : ndarray of datetime64[s] or int64, shape (rows,)
    frequency : Frequency or int
        The step of dates, or of whole numbers.
    covariates : dict of str to ndarray, shape (rows,)
    static : dict of str to ndarray, shape (series,)
        Numbers or labels.
    columns : (str, str, str)
        The names of the columns of ids, dates and targets.
    form : {"dict", "pandas", "polars"}
        The form of the user's data, in which forecasts are returned.
    source : object, optional
        The folder that the arrays are mapped from, which must live as long as they do.
    unseen : int, default 0
        Steps at the end of each series that its scaling must not see.
    measured : dict
        Level and spread of each series, by the kind of scaling, once computed.
    """

    ids: Array
    starts: Array
    y: Array
    dates: Array
    frequency: steps.Step
    covariates: Mapping[str, Array] = field(default_factory=dict)
    static: Mapping[str, Array] = field(default_factory=dict)
    columns: tuple[str, str, str] = ("unique_id", "ds", "y")
    form: str = "dict"
    source: Any = None
    unseen: int = 0
    measured: dict[str, tuple[Array, Array]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> Array:
        """The number of steps of each series."""
        return np.diff(self.starts)

    @property
    def last_dates(self) -> Array:
        """The last date of each series."""
        return np.asarray(self.dates[self.starts[1:] - 1])

    @property
    def years(self) -> float:
        """The time between the first and the last date, 0 for numbered steps."""
        if self.dates.dtype.kind != "M":
            return 0.0
        span = self.last_dates.max() - self.dates[self.starts[:-1]].min()
        return float(span / np.timedelta64(1, "D")) / 365.2425

    def select(self, ids: Sequence[Any]) -> Panel:
        """Return some of the series, in the order asked for, as a copy of their rows.

        Raises
        ------
        DataError
            If there is no series of that id.
        """
        return self.take(self.positions(ids))

    def positions(self, ids: Sequence[Any]) -> Array:
        """Return the numbers of the series with these ids."""
        known = {one: i for i, one in enumerate(self.ids.tolist())}
        for one in ids:
            if one not in known:
                hint = nearest(str(one), [str(k) for k in known])
                raise DataError(f"ids: there is no series {one!r}; {hint}")
        return np.array([known[one] for one in ids], np.int64)

    def take(self, series: Array, stops: Array | None = None, last: int | None = None) -> Panel:
        """Return the series of these numbers, as a copy of their rows.

        Parameters
        ----------
        series : ndarray of int
        stops : ndarray of int, optional
            The number of steps to keep of each; by default all.
        last : int, optional
            Keep the last steps alone, at most this many.
        """
        whole = stops is None
        stops = self.lengths[series] if stops is None else stops
        lengths = stops if last is None else np.minimum(stops, last)
        begin = self.starts[:-1][series] + stops - lengths
        starts = np.concatenate([[0], np.cumsum(lengths)])
        rows = np.arange(starts[-1]) + np.repeat(begin - starts[:-1], lengths)
        found = replace(
            self,
            ids=self.ids[series],
            starts=starts,
            y=self.y[rows],
            dates=self.dates[rows],
            covariates={name: values[rows] for name, values in self.covariates.items()},
            static={name: values[series] for name, values in self.static.items()},
        )
        if whole:  # what was measured of all steps holds
            for kind, (level, spread) in self.measured.items():
                found.measured[kind] = level[series], spread[series]
        return found

    def when(self, row: int) -> str:
        """Return the series and the date of a row, for messages."""
        i = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"{self.columns[0]} {self.ids[i]!s:.80} at {day(self.dates[row])}"

    def filled(self, fill: str | None) -> Panel:
        """Return the panel with a row for every step, and its missing values filled.

        Parameters
        ----------
        fill : {"forward", "interpolate", "zero", "mask"}, optional
            What stands at missing steps and values of the target: the last value before, a
            straight line, 0, or NaN, which the network does not see. Covariates have the last
            value before.

        Raises
        ------
        DataError
            If steps or values are missing and `fill` is None.
        """
        if fill is not None and fill not in FILLS:
            hint = nearest(str(fill), FILLS)
            raise ValueError(f"fill: expected None or one of {FILLS}, got {fill!r}; {hint}")
        panel = self._with_all_steps(fill)
        missing = ~np.isfinite(panel.y)
        if missing.any():
            if fill is None:
                raise DataError(
                    f"{panel.columns[2]} has no finite value for {panel.when(missing.argmax())} "
                    f"({missing.sum()} of {len(missing)}); give fill='forward', 'interpolate', "
                    "'zero' or 'mask'"
                )
            known = np.add.reduceat(~missing, panel.starts[:-1])
            if not known.all():
                i = int((known == 0).argmax())
                raise DataError(f"{panel.columns[0]} {panel.ids[i]!s:.80} has no values at all")
            panel = replace(panel, y=_fill(np.where(missing, np.nan, panel.y), panel.starts, fill))
        for name, values in panel.covariates.items():
            missing = ~np.isfinite(values)
            if missing.any():
                raise DataError(f"{name} has no finite value for {panel.when(missing.argmax())}")
        return panel

    def check_counts(self, head: str) -> None:
        """Raise DataError unless all targets are counts."""
        for start in range(0, len(self.y), CHUNK):
            y = self.y[start : start + CHUNK]
            wrong = np.isfinite(y) & ((y < 0) | (y != np.floor(y)))
            if wrong.any():
                row = start + int(wrong.argmax())
                raise DataError(
                    f"head={head!r} is for counts, 0, 1, 2 and so on; {self.columns[2]} is "
                    f"{self.y[row]:.6g} for {self.when(row)}"
                )

    def _first_gap(self) -> int | None:
        """Return the first row that does not follow the one before by one step; None for none.

        Raises
        ------
        DataError
            If a row follows by anything but whole steps.
        """
        found = None
        for start in range(0, len(self.dates), CHUNK):
            second = max(start, 1)
            dates = self.dates[second - 1 : start + CHUNK]
            gaps = steps.whole(np.diff(steps.numbers(self.frequency, dates)))
            low, high = np.searchsorted(self.starts, (second, second + len(gaps)))
            gaps[self.starts[low:high] - second] = 1  # between series
            if not gaps.all():
                row = second + int((gaps == 0).argmax())
                raise DataError(
                    f"{self.columns[1]}: {self.when(row)} does not follow "
                    f"{day(self.dates[row - 1])} by whole steps of one "
                    f"{steps.words(self.frequency)}; give freq=..., or regular dates"
                )
            if found is None and (gaps > 1).any():
                found = second + int((gaps > 1).argmax())
        return found

    def _with_all_steps(self, fill: str | None) -> Panel:
        """Return the panel with rows of NaN where steps were missing."""
        row = self._first_gap()
        if row is None:
            return self
        if fill is None:
            raise DataError(
                f"{self.columns[1]}: steps are missing before {self.when(row)}: the row before is "
                f"{day(self.dates[row - 1])}; give fill='forward', 'interpolate', 'zero' or 'mask'"
            )
        numbers = steps.numbers(self.frequency, self.dates)
        first = numbers[self.starts[:-1]]
        lengths = np.round(numbers[self.starts[1:] - 1] - first).astype(np.int64) + 1
        starts = np.concatenate([[0], np.cumsum(lengths)])
        series = np.repeat(np.arange(len(self)), self.lengths)
        at = starts[series] + np.round(numbers - first[series]).astype(np.int64)
        rows = np.zeros(starts[-1], np.int64)
        rows[at] = np.arange(len(at))
        rows = np.maximum.accumulate(rows)  # the last row before each step
        dates, y = self.dates[rows], np.full(starts[-1], np.nan, self.y.dtype)
        y[at] = self.y
        new = np.setdiff1d(np.arange(starts[-1]), at)
        ahead = new - at[rows[new]]
        for count in np.unique(ahead):
            part = new[ahead == count]
            dates[part] = steps.after(self.frequency, dates[part], int(count))[:, -1]
        covariates = {name: values[rows] for name, values in self.covariates.items()}
        return replace(self, starts=starts, y=y, dates=dates, covariates=covariates)


def _fill(y: Array, starts: Array, fill: str) -> Array:
    """Return the target with missing values filled within each series."""
    missing = np.isnan(y)
    if fill == "mask":
        return y
    if fill == "zero":
        return np.where(missing, 0, y)
    y = y.copy()
    for start, stop in pairwise(starts):
        part, hole = y[start:stop], missing[start:stop]
        if not hole.any() or hole.all():
            continue
        known = np.flatnonzero(~hole)
        if fill == "interpolate":
            part[hole] = np.interp(np.flatnonzero(hole), known, part[known])
        else:  # before the first value there is none: the first
            last = np.maximum(np.searchsorted(known, np.flatnonzero(hole)) - 1, 0)
            part[hole] = part[known[last]]
    return y


def day(date: Any) -> str:
    """Return a date, without a time of midnight, for messages."""
    return str(date).removesuffix("T00:00:00")
