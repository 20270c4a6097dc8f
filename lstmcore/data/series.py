"""A series of numbers in time, and its dates."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass

import numpy as np

from .table import DataError, Table, is_number, read_table


@dataclass(frozen=True)
class Series:
    """Numbers in time, one per step.

    Parameters
    ----------
    name : str
        What is measured.
    values : ndarray of float64, shape (n,)
        All finite.
    dates : ndarray of datetime64[s], shape (n,), optional
        Rising.
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
        """True if there is a date for each day, save at most one in a hundred."""
        if self.dates is None or len(self.dates) < 2:
            return False
        days = np.diff(self.dates.astype("datetime64[D]")).astype(int)
        return bool(days.min() >= 1 and days.mean() <= 1.01)


def read_series(path: str | os.PathLike[str], column: str | None = None) -> Series:
    """Read one column of a CSV file, and its dates where it has any.

    The first line names the columns; commas, semicolons, tabs or bars part them. The rows are
    dated by the first other column that starts with a date: 2024-01-31, 2024/01/31 or 2024-01,
    with or without a time of day.

    Parameters
    ----------
    path : path-like
        A text file in UTF-8.
    column : str, optional
        Which column to read; may be left out where the file has one column of numbers.

    Returns
    -------
    Series

    Raises
    ------
    DataError
        If the file cannot be read, is empty or no UTF-8 text; if the column is missing; if a
        value is missing, no number or not finite; if the dates do not rise.
    """
    table = read_table(path)
    index = _find_column(table, column)
    values = table.numbers(table.header[index])
    dated = (i for i in range(len(table.header)) if i != index and _date(table.rows[0][i]))
    first = next(dated, None)
    dates = None if first is None else _dates(table, first)
    return Series(table.header[index], values, dates, source=table.path)


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
    """Read a date in ISO's order, or return None: a bare number such as 20240131 is none."""
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
