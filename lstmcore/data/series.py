"""Time series with dates, read from tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from . import stamps
from .errors import DataError
from .gaps import make_regular
from .numbers import NO_VALUE, is_number
from .stamps import StampError, Stamps
from .table import Table, read_table

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


def read_series(
    path: str | os.PathLike[str], column: str | None = None, *, option: str = "column"
) -> Series:
    """Read one column of a CSV file, and the dates of its rows if there are any.

    The first line names the columns; commas, semicolons, tabs or bars separate them. Dates are
    read from the first other column that starts with one; steps that lack a row are filled as
    `make_regular` does by default.

    Parameters
    ----------
    path : path-like
        A text file in UTF-8.
    column : str, optional
        The column to read; may be omitted if the file has only one column of numbers.
    option : str, default "column"
        What chooses the column, for the message that asks for it.

    Returns
    -------
    Series

    Raises
    ------
    DataError
        If the file cannot be read, is empty or not UTF-8 text; if the column is missing; if a
        value is missing, not a number or not finite; if the dates do not increase.
    """
    known = read_columns(path, column, option=option)
    name, values = next(iter(known.columns.items()))
    return Series(name, values, known.dates, source=str(path))


@dataclass(frozen=True)
class Known:
    """Columns of a file, with future values of those that are known ahead.

    Parameters
    ----------
    columns : dict of str to ndarray of float64, shape (n,)
    dates : ndarray of datetime64, shape (n,), optional
    ahead : dict of str to ndarray of float64, shape (m,)
        Future values of columns known ahead, from the last rows, which lack the target.
    unit, offset : str
        How the file writes dates; see `write_date`.
    note : str
        The steps that were missing, and what they got; empty if none were.
    observed : ndarray of bool, shape (n,), optional
        With ``fill="mask"``: False for steps that were missing.
    """

    columns: dict[str, np.ndarray]
    dates: np.ndarray | None
    ahead: dict[str, np.ndarray] = field(default_factory=dict)
    unit: str = "s"
    offset: str = ""
    note: str = ""
    observed: np.ndarray | None = None

    def text(self, date: np.datetime64) -> str:
        """Return a date as the file writes it, in ISO order."""
        return stamps.write(date, self.unit, self.offset)


def read_columns(
    path: str | os.PathLike[str],
    target: str | None = None,
    others: Sequence[str] = (),
    known_future: Sequence[str] = (),
    *,
    freq: str | None = None,
    fill: str | None = None,
    order: str | None = None,
    option: str = "target",
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
    freq, fill : str, optional
        The step of the dates, and what missing steps get; see `make_regular`.
    order : {"day-first", "month-first"}, optional
        The order of dates such as 01/02/2024, where the rows do not tell.
    option : str, default "target"
        What chooses the target, for the message that asks for it.

    Returns
    -------
    Known

    Raises
    ------
    DataError
        As for `read_series`.
    """
    table = read_table(path)
    _check_header(table)
    dated = date_column(table, target)
    target = table.header[number_column(table, target, dated, option)]
    index, count = table.index(target), len(table)
    if known_future:
        while count and table.rows[count - 1][index].lower() in NO_VALUE:
            count -= 1
        if not count:
            raise DataError(f"{table.path}: column {target!r} has no values")
    now, later = (replace(table, rows=table.rows[p], lines=table.lines[p]) for p in _parts(count))
    names = list(dict.fromkeys([target, *others, *known_future]))
    if dated is not None and table.header[dated[0]] in names:
        dated = None
    found = None if dated is None else read_dates(now, *dated, order)
    values = np.stack([now.numbers(name, empty=fill is not None) for name in names], axis=1)
    try:
        whole = make_regular(None if found is None else found.dates, values, freq, fill)
    except (DataError, ValueError) as error:
        raise DataError(f"{table.path}: {error}") from None
    return Known(
        dict(zip(names, whole.values.T.copy(), strict=True)),
        whole.dates,
        {name: later.numbers(name) for name in known_future},
        "s" if found is None else found.unit,
        "" if found is None else found.offset,
        whole.note,
        whole.observed,
    )


def _parts(count: int) -> tuple[slice, slice]:
    return slice(count), slice(count, None)


def _check_header(table: Table) -> None:
    """Raise DataError if the first line has values and no names."""
    values = [is_number(name) or stamps.form_of(name, number=True) for name in table.header]
    if all(values):
        example = ",".join(
            "date" if i == 0 and len(values) > 1 else "y" for i in range(len(values))
        )
        raise DataError(
            f"{table.path} line 1 holds values, {','.join(table.header)[:40]!r}, where names of "
            f"columns should be; put a line such as {example!r} before it"
        )


def date_column(table: Table, target: str | None) -> tuple[int, str] | None:
    """Return the first column that begins with a date, and the date's form."""
    for i, name in enumerate(table.header):
        text = _example(table, i)
        form = None if name == target else stamps.form_of(text, name, number=i == 0)
        if form is not None and (len(table.header) > 1 or not is_number(text)):
            return i, form
        if name != target and stamps.NAMES.fullmatch(name) and not is_number(text):
            raise DataError(
                f"{table.at(0, i)} holds {text[:40]!r}, not a date in a known form: "
                f"{stamps.EXAMPLES}"
            )
    return None


def _example(table: Table, column: int) -> str:
    """Return the first field of a column that has a value."""
    fields = (row[column] for row in table.rows)
    return next((text for text in fields if text.lower() not in NO_VALUE), "")


def number_column(
    table: Table, column: str | None, dated: tuple[int, str] | None, option: str
) -> int:
    header = table.header
    if column is not None:
        return table.index(column)
    dates = None if dated is None else dated[0]
    named = (i for i, name in enumerate(header) if name and not name.startswith("Unnamed:"))
    numeric = [i for i in named if i != dates and is_number(_example(table, i))]
    if len(numeric) == 1:
        return numeric[0]
    names = ", ".join(header[i] for i in numeric) or "none holds numbers"
    raise DataError(f"{table.path}: choose a column of numbers with {option}: {names}")


def read_dates(table: Table, column: int, form: str, order: str | None) -> Stamps:
    """Read the dates of the rows, which must increase."""
    fields = [row[column] for row in table.rows]
    try:
        found = stamps.read(fields, form, order)
    except StampError as error:
        where = table.at(error.row or 0, column)
        raise DataError(f"{where} {error}") from None
    late = np.flatnonzero(np.diff(found.dates).astype(np.int64) <= 0)
    if len(late):
        row = int(late[0]) + 1
        several = _several(table, column)
        raise DataError(
            f"{table.at(row, column)} holds {fields[row]}, no later than the row before; "
            + (several or "sort the rows by date and keep one row per date")
        )
    return found


def _several(table: Table, dated: int) -> str:
    """Return what to do where a column of text has a series for each of its values."""
    for i, name in enumerate(table.header):
        texts = {row[i] for row in table.rows}
        if i != dated and 1 < len(texts) <= len(table) // 2 and not is_number(table.rows[0][i]):
            return (
                f"column {name!r} has {len(texts)} series: keep the rows of one, or forecast them "
                f"all (lstmcore forecast --id {name})"
            )
    return ""
