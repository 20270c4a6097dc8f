"""Conversion and validation of users' series (arrays, dicts, pandas), and back to their form."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ..data import DataError, Frequency, Series, make_regular, windows_at
from ..data.stamps import StampError, form_of
from ..data.stamps import read as read_stamps
from ..names import nearest
from ..validation import plain_array

LARGEST = 1e100  # whose square is still a float64
ABSURD = 30  # robust standard deviations from the median
FEW = 0.01  # the share of values that may be absurd

FORMS = ARRAY, VECTOR, DICT, FRAME, SERIES = "array", "vector", "dict", "frame", "series"


@dataclass(frozen=True)
class Index:
    """What a pandas index has beyond its dates.

    Parameters
    ----------
    name : str, optional
    zone : str, default ""
        The time zone.
    local : bool, default False
        True if the dates are local times, because all have the same time of the day; otherwise
        those of a time zone are in UTC.
    period : str, default ""
        The frequency of periods.
    """

    name: str | None = None
    zone: str = ""
    local: bool = False
    period: str = ""

    def of(self, dates: np.ndarray) -> Any:
        """Return a pandas index of dates."""
        pandas = sys.modules["pandas"]
        index = pandas.DatetimeIndex(dates, name=self.name)
        if self.period:
            return index.to_period(self.period)
        if self.zone and self.local:
            return index.tz_localize(self.zone, ambiguous=True, nonexistent="shift_forward")
        return index.tz_localize("UTC").tz_convert(self.zone) if self.zone else index


@dataclass(frozen=True)
class Columns:
    """Time series as named columns of numbers.

    Parameters
    ----------
    names : tuple of str
    values : ndarray of float64, shape (n, columns)
    dates : ndarray of datetime64, shape (n,), optional
    form : {"array", "vector", "dict", "frame", "series"}
        The form of the user's data, in which forecasts are returned.
    index : Index
        For pandas.
    observed : ndarray of bool, shape (n,), optional
        False for steps that are masked: they are read, but count in no error.
    """

    names: tuple[str, ...]
    values: np.ndarray
    dates: np.ndarray | None = None
    form: str = ARRAY
    index: Index = Index()
    observed: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, part: slice) -> Self:
        dates = None if self.dates is None else self.dates[part]
        observed = None if self.observed is None else self.observed[part]
        return replace(self, values=self.values[part], dates=dates, observed=observed)

    def counted(self, origins: np.ndarray, horizon: int) -> np.ndarray:
        """Return which origins have no masked step ahead."""
        if self.observed is None:
            return np.ones(len(origins), bool)
        return np.asarray(windows_at(self.observed, origins, 0, horizon).all(axis=1))

    def select(self, names: Sequence[str]) -> np.ndarray:
        """Return these columns, (n, len(names)).

        Raises
        ------
        DataError
            If one is missing.
        """
        for name in names:
            if name not in self.names:
                raise DataError(f"no column {name!r}; {nearest(name, self.names)}")
        return self.values[:, [self.names.index(name) for name in names]]

    def check(self, names: Sequence[str]) -> None:
        """Raise DataError unless all values of these columns are finite."""
        for name, column in zip(names, self.select(names).T, strict=True):
            missing = np.flatnonzero(~np.isfinite(column))
            if len(missing):
                raise DataError(
                    f"column {name!r} has no finite value at {self.when(int(missing[0]))} "
                    f"({len(missing)} of {len(column)}); fill the gaps or remove the rows"
                )
            large = np.flatnonzero(np.abs(column) > LARGEST)
            if len(large):
                step = int(large[0])
                raise DataError(
                    f"column {name!r} has {column[step]:g} at {self.when(step)}, too large to "
                    f"compute with (at most {LARGEST:g}); give it in another unit"
                )

    def when(self, step: int) -> str:
        """Return a row's step, and its date if known, for messages."""
        if self.dates is None:
            return f"step {step}"
        return f"step {step}, {str(self.dates[step]).removesuffix('T00:00:00')}"

    def regular(self, freq: str | None, fill: str | None) -> Self:
        """Return these columns with a row for each step, warning of those that were missing."""
        found = make_regular(self.dates, self.values, freq, fill)
        if found.note:
            warnings.warn(found.note, stacklevel=4)
        observed = found.observed
        if self.observed is not None and len(self.observed) == len(found.values):
            observed = self.observed if observed is None else self.observed & observed
        return replace(self, values=found.values, dates=found.dates, observed=observed)

    def without_absurd(self, names: Sequence[str]) -> Self:
        """Return these columns with a straight line in place of single values far from all others.

        A value such as 9e9 among others of 50 would leave nothing but itself to learn. The standard
        deviation is that of a normal distribution with the same quartiles.
        """
        values = self.values.copy()
        for name in names:
            column = values[:, self.names.index(name)]
            low, middle, high = np.quantile(column, (0.25, 0.5, 0.75))
            far = np.abs(column - middle) > ABSURD * (high - low) / 1.349
            alone = far & ~np.roll(far, 1) & ~np.roll(far, -1)
            found = np.flatnonzero(far)
            if not 0 < len(found) <= FEW * len(column) or high == low or not alone[found].all():
                continue
            first = int(found[0])
            warnings.warn(
                f"column {name!r} has {column[first]:g} at {self.when(first)}, far from all others "
                f"({len(found)} of {len(column)}); taken as missing, and interpolated",
                stacklevel=5,
            )
            column[far] = np.interp(found, np.flatnonzero(~far), column[~far])
        return replace(self, values=values)

    def dates_ahead(self, count: int, freq: str | None) -> np.ndarray | None:
        """Return the dates of the next steps, or None where there are too few to see their step."""
        if self.dates is None or len(self.dates) < 2:
            return None
        step = Frequency.find(self.dates) if freq is None else Frequency.parse(freq)
        return step.after(self.dates[-1], count)

    def joined(self, later: Columns, freq: str | None = None) -> Self:
        """Return these columns followed by later rows, whose columns are matched by name."""
        lacking = [name for name in self.names if name not in later.names]
        if lacking:
            raise DataError(f"the new rows have no column {lacking[0]!r}")
        dates = self.dates
        if dates is not None:
            if later.dates is None:
                ahead = self.dates_ahead(len(later), freq)
                dates = None if ahead is None else np.concatenate([dates, ahead])
            elif len(later) and later.dates[0] <= dates[-1]:
                raise DataError(
                    f"the new rows begin at {later.dates[0]}, no later than the last known, "
                    f"{dates[-1]}"
                )
            else:
                dates = np.concatenate([dates, later.dates.astype(dates.dtype)])
        values = np.concatenate([self.values, later.select(self.names)])
        observed = self.observed
        if observed is not None:
            observed = np.concatenate([observed, np.ones(len(later), bool)])
        return replace(self, values=values, dates=dates, observed=observed)


def read(data: Any, dates: Any = None, names: Sequence[str] = ()) -> Columns:
    """Convert a series of any supported form.

    Parameters
    ----------
    data : array_like (n,) or (n, columns), dict of str to array_like, pandas or `Series`
    dates : array_like of datetime64 or ISO dates, shape (n,), optional
        By default the index of pandas data.
    names : sequence of str, optional
        Names of the columns of an array; by default "y" for one, otherwise "0", "1" and so on.

    Raises
    ------
    DataError
        If values are not numbers, lengths differ, or dates do not increase.
    """
    if isinstance(data, Columns):
        return data
    if isinstance(data, Series):
        found = Columns((data.name,), data.values[:, None], data.dates, VECTOR)
    elif hasattr(data, "iloc"):
        found = _from_pandas(data)
    elif isinstance(data, Mapping):
        columns = {str(name): _numbers(column, str(name)) for name, column in data.items()}
        if len({len(column) for column in columns.values()}) != 1:
            lengths = ", ".join(f"{name!r} {len(column)}" for name, column in columns.items())
            raise DataError(f"columns differ in length: {lengths or 'there are none'}")
        found = Columns(tuple(columns), np.stack(list(columns.values()), axis=1), form=DICT)
    else:
        found = _from_array(data, tuple(names))
    if dates is not None:
        found = replace(found, dates=check_dates(dates, len(found)))
    elif found.dates is not None:
        check_dates(found.dates, len(found))
    return found


def _from_array(data: Any, names: tuple[str, ...]) -> Columns:
    array = plain_array(data, "data")
    if array.ndim not in (1, 2):
        raise DataError(f"expected a series (n,) or columns (n, columns), got shape {array.shape}")
    form = VECTOR if array.ndim == 1 else ARRAY
    array = array[:, None] if array.ndim == 1 else array
    if len(names) != array.shape[1]:
        many = array.shape[1] != 1
        names = tuple(str(i) for i in range(array.shape[1])) if many else ("y",)
    numbers = [_numbers(column, name) for column, name in zip(array.T, names, strict=True)]
    return Columns(names, np.stack(numbers, axis=1), form=form)


def _from_pandas(data: Any) -> Columns:
    periods = hasattr(data.index, "to_timestamp")
    if hasattr(data, "columns") and not periods and not _are_dates(data.index):
        dated = [name for name in data.columns if _are_dates(data[name])]
        if len(dated) == 1:
            data = data.set_index(dated[0])
    dates, index = _from_index(data.index)
    if hasattr(data, "columns"):
        names = tuple(str(name) for name in data.columns)
        numbers = [_numbers(data.iloc[:, i], name) for i, name in enumerate(names)]
        values = np.stack(numbers, axis=1) if numbers else np.empty((len(data), 0))
        return Columns(names, values, dates, FRAME, index)
    name = "y" if data.name is None else str(data.name)
    return Columns((name,), _numbers(data, name)[:, None], dates, SERIES, index)


def _are_dates(column: Any) -> bool:
    return getattr(getattr(column, "dtype", None), "kind", "") == "M"


def _from_index(index: Any) -> tuple[np.ndarray | None, Index]:
    """Return the dates of a pandas index, and what else it has."""
    name = index.name if isinstance(index.name, str) else None
    period, zone, local = "", "", False
    if hasattr(index, "to_timestamp"):
        period, index = index.freqstr, index.to_timestamp()
    elif not _are_dates(index):
        return None, Index(name)
    elif index.tz is not None:
        zone, there = str(index.tz), index.tz_localize(None)
        local = len(set(there - there.normalize())) == 1
        index = there if local else index.tz_convert("UTC").tz_localize(None)
    return index.to_numpy(dtype="datetime64[ns]"), Index(name, zone, local, period)


def _numbers(column: Any, name: str) -> np.ndarray:
    array = plain_array(column, f"column {name!r}")
    if array.ndim != 1:
        raise DataError(f"column {name!r}: expected one number a step, got shape {array.shape}")
    if array.dtype.kind in "biuf":
        return np.ascontiguousarray(array, np.float64)
    try:
        return np.array([np.nan if v is None else float(v) for v in array])
    except (TypeError, ValueError):
        text = next((v for v in array if not _is_number(v)), array[0])
        cure = "; give such dates as dates=, or as the index" if form_of(str(text)) else ""
        raise DataError(f"column {name!r} holds {str(text)[:40]!r}, not a number{cure}") from None


def _is_number(value: Any) -> bool:
    try:
        float(np.nan if value is None else value)
    except (TypeError, ValueError):
        return False
    return True


def check_dates(dates: Any, count: int) -> np.ndarray:
    """Return dates as datetime64; raise DataError unless each step has one, in order."""
    try:
        array = np.asarray(dates)
        array = array if array.dtype.kind == "M" else _from_text(array)
    except (TypeError, ValueError) as error:
        raise DataError(f"dates: expected dates like 2024-01-31: {error}") from None
    if array.shape != (count,):
        raise DataError(f"dates: expected one for each of {count} steps, got shape {array.shape}")
    if np.isnat(array).any():
        raise DataError(f"dates: none at step {int(np.isnat(array).argmax())}")
    wrong = np.flatnonzero(array[1:] <= array[:-1])
    if len(wrong):
        step = int(wrong[0]) + 1
        raise DataError(
            f"dates: {array[step]} at step {step} is no later than the one before; sort the rows "
            "by date and keep one row per date"
        )
    return array


def _from_text(array: np.ndarray) -> np.ndarray:
    """Return dates in any common form; raise ValueError for what is none."""
    form = form_of(array[0], "date") if array.ndim == 1 and array.dtype.kind in "OUT" else None
    if form is None or not all(isinstance(text, str) for text in array):
        return np.asarray(array.astype("datetime64[s]"))
    try:
        return read_stamps(array.tolist(), form).dates
    except StampError as error:
        raise ValueError(f"step {error.row or 0} {error}") from None


def wrap(values: np.ndarray, like: Columns, names: Sequence[str], dates: np.ndarray | None) -> Any:
    """Return values in the form of the user's series.

    Parameters
    ----------
    values : ndarray, shape (steps, columns)
    like : Columns
    names : sequence of str
        Names of the columns; the result for a single target has no axis for it.
    dates : ndarray of datetime64, shape (steps,), optional
    """
    single = values.shape[1] == 1
    if like.form in (FRAME, SERIES) and "pandas" in sys.modules:
        pandas = sys.modules["pandas"]
        first = len(like)
        index = pandas.RangeIndex(first, first + len(values))
        if dates is not None:
            index = like.index.of(dates)
        if single:
            return pandas.Series(values[:, 0], index=index, name=names[0])
        return pandas.DataFrame(values, index=index, columns=list(names))
    if single:
        return values[:, 0]
    if like.form == DICT:
        return {name: values[:, i].copy() for i, name in enumerate(names)}
    return values
