"""A series of numbers in time, read from a CSV file with errors that say what to do."""

from __future__ import annotations

import csv
import datetime
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..registry import nearest

NO_VALUE = ("", "na", "n/a", "nan", "null", "none", "-", ".")


class DataError(ValueError):
    """The data cannot be used as they are; the message is one line and says what to do."""


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


@dataclass(frozen=True)
class _Table:
    path: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]  # where each row ends in the file, for the messages

    def at(self, row: int, column: int) -> str:
        return f"{self.path} line {self.lines[row]}: column {self.header[column]!r}"


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
    table = _read_table(path)
    index = _find_column(table, column)
    values = np.array([_number(table, i, index) for i in range(len(table.rows))])
    dated = (i for i in range(len(table.header)) if i != index and _date(table.rows[0][i]))
    first = next(dated, None)
    dates = None if first is None else _dates(table, first)
    return Series(table.header[index], values, dates, source=table.path)


def _read_table(path: str | os.PathLike[str]) -> _Table:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (byte {error.start}); save it as CSV with the encoding UTF-8"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    delimiter = max(",;\t|", key=text.lstrip().split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    rows, lines = [], []
    try:
        for row in reader:
            if any(field.strip() for field in row):  # a blank line is no row
                rows.append([field.strip() for field in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{path} line {reader.line_num} is not CSV: {error}") from None
    if len(rows) < 2:
        raise DataError(f"{path} is empty; expected a line of column names and rows of numbers")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(rows[0]):
            raise DataError(
                f"{path} line {line} has {len(row)} fields, the line of names has {len(rows[0])}"
            )
    return _Table(str(path), rows[0], rows[1:], lines[1:])


def _find_column(table: _Table, column: str | None) -> int:
    header = table.header
    if column is None:
        numeric = [i for i, field in enumerate(table.rows[0]) if _is_number(field)]
        if len(numeric) == 1:
            return numeric[0]
        names = ", ".join(header[i] for i in numeric) or "none holds numbers"
        raise DataError(f"{table.path}: choose a column of numbers with --column: {names}")
    if column not in header:
        raise DataError(f"{table.path} has no column {column!r}; {nearest(column, header)}")
    if header.count(column) > 1:
        raise DataError(f"{table.path} has several columns {column!r}; rename all but one")
    return header.index(column)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _number(table: _Table, row: int, column: int) -> float:
    field = table.rows[row][column]
    if field.lower() in NO_VALUE:
        raise DataError(f"{table.at(row, column)} has no value; fill the gap or remove the row")
    if not _is_number(field):
        raise DataError(
            f"{table.at(row, column)} holds {field[:40]!r}, not a number; write it like 1234.5"
        )
    number = float(field)
    if not np.isfinite(number):
        raise DataError(f"{table.at(row, column)} is not finite; replace the value")
    return number


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


def _dates(table: _Table, column: int) -> np.ndarray:
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
