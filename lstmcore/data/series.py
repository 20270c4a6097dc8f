"""Time series with dates, read from tables."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .table import NO_VALUE, DataError, Table, is_number, read_table

YEAR = 365


@dataclass(frozen=True)
class Series:
    """A univariate time series.

    Parameters
    ----------
    name : str
        The name of the variable.
    values : ndarray of float64, shape (n,)
        All finite.
    dates : ndarray of datetime64[s], shape (n,), optional
        Strictly increasing.
    unit, source : str, optional
        For titles and reports.
    """

    name: str
    values: np.ndarray
    dates: np.ndarray | None = None
    unit: str = ""
    source: str = ""

    @property
    def daily(self) -> bool:
        """True if there is a date for each day, with at most 1 % missing."""
        return is_daily(self.dates)


def is_daily(dates: np.ndarray | None) -> bool:
    """Return True if there is a date for each day, with at most 1 % missing."""
    if dates is None or len(dates) < 2:
        return False
    days = np.diff(dates.astype("datetime64[D]")).astype(int)
    return bool(days.min() >= 1 and days.mean() <= 1.01)


def held_out(count: int, dates: np.ndarray | None) -> int:
    """Return the number of steps at the end to hold out for testing.

    The last year for two years or more of daily values, otherwise the last quarter.
    """
    return YEAR if is_daily(dates) and count >= 2 * YEAR else count // 4


def read_series(path: str | os.PathLike[str], column: str | None = None) -> Series:
    """Read one column of a CSV file, and the dates of its rows if there are any.

    The first line names the columns; commas, semicolons, tabs or bars separate them. Dates are
    read from the first other column that starts with one: 2024-01-31, 2024/01/31 or 2024-01, with
    or without a time of day.

    Parameters
    ----------
    path : path-like
        A text file in UTF-8.
    column : str, optional
        The column to read; may be omitted if the file has only one column of numbers.

    Returns
    -------
    Series

    Raises
    ------
    DataError
        If the file cannot be read, is empty or not UTF-8 text; if the column is missing; if a
        value is missing, not a number or not finite; if the dates do not increase.
    """
    table = read_table(path)
    index = _find_column(table, column)
    values = table.numbers(table.header[index])
    dates = _find_dates(table, {index})
    return Series(table.header[index], values, dates, source=table.path)


@dataclass(frozen=True)
class Known:
    """Columns of a file, with future values of those that are known ahead.

    Parameters
    ----------
    columns : dict of str to ndarray of float64, shape (n,)
    dates : ndarray of datetime64[s], shape (n,), optional
    ahead : dict of str to ndarray of float64, shape (m,)
        Future values of columns known ahead, from the last rows, which lack the target.
    """

    columns: dict[str, np.ndarray]
    dates: np.ndarray | None
    ahead: dict[str, np.ndarray]


def read_columns(
    path: str | os.PathLike[str],
    target: str | None = None,
    others: Sequence[str] = (),
    known_future: Sequence[str] = (),
) -> Known:
    """Read several columns of a CSV file; see `read_series`.

    Parameters
    ----------
    path : path-like
    target : str, optional
        The column to forecast; may be omitted if the file has only one column of numbers.
    others : sequence of str, default ()
        Other columns to read.
    known_future : sequence of str, default ()
        Columns that are known ahead. The last rows, where the target is empty, hold their future
        values.

    Returns
    -------
    Known

    Raises
    ------
    DataError
        As for `read_series`.
    """
    table = read_table(path)
    target = table.header[_find_column(table, target)]
    index, count = table.index(target), len(table)
    if known_future:
        while count and table.rows[count - 1][index].lower() in NO_VALUE:
            count -= 1
        if not count:
            raise DataError(f"{table.path}: column {target!r} has no values")
    now, later = (replace(table, rows=table.rows[p], lines=table.lines[p]) for p in _parts(count))
    names = dict.fromkeys([target, *others, *known_future])
    dates = _find_dates(now, {table.index(name) for name in names})
    columns = {name: now.numbers(name) for name in names}
    return Known(columns, dates, {name: later.numbers(name) for name in known_future})


def _parts(count: int) -> tuple[slice, slice]:
    return slice(count), slice(count, None)


def _find_dates(table: Table, others: set[int]) -> np.ndarray | None:
    """Return the dates of the rows from the first other column that begins with one, or None."""
    dated = (i for i in range(len(table.header)) if i not in others and _date(table.rows[0][i]))
    first = next(dated, None)
    return None if first is None else _dates(table, first)


def _find_column(table: Table, column: str | None) -> int:
    header = table.header
    if column is None:
        numeric = [i for i, field in enumerate(table.rows[0]) if is_number(field)]
        if len(numeric) == 1:
            return numeric[0]
        names = ", ".join(header[i] for i in numeric) or "none holds numbers"
        raise DataError(f"{table.path}: choose a column of numbers with --column: {names}")
    return table.index(column)


def _date(field: str) -> datetime.datetime | None:
    """Parse a date in ISO order, or return None; a bare number such as 20240131 is not a date."""
    text = field.replace("/", "-")
    if text.count("-") < 1 or not text[:4].isdigit():
        return None
    try:
        date = datetime.datetime.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        return None
    return date.astimezone(datetime.UTC).replace(tzinfo=None) if date.tzinfo else date


def _dates(table: Table, column: int) -> np.ndarray:
    dates = np.empty(len(table.rows), dtype="datetime64[s]")
    for i, row in enumerate(table.rows):
        date = _date(row[column])
        if date is None:
            raise DataError(
                f"{table.at(i, column)} holds {row[column][:40]!r}, not a date like 2024-01-31"
            )
        dates[i] = date
        if i and dates[i] <= dates[i - 1]:
            raise DataError(
                f"{table.at(i, column)} holds {row[column]}, no later than the row before; "
                "sort the rows by date and keep one row per date"
            )
    return dates
