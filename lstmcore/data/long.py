"""Long tables in text files: a row for each series and date."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .errors import DataError
from .numbers import NO_VALUE
from .series import date_column, number_column, read_dates
from .table import Table, read_table


@dataclass(frozen=True)
class Long:
    """A long table read from a file.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (rows,)
        Ids as text, dates (datetime64, or whole numbers without a column of dates), the target and
        other columns.
    ahead : dict of str to ndarray, shape (later rows,)
        Ids, dates and columns known ahead, from rows that lack the target.
    names : (str, str, str)
        The columns of ids, dates and targets.
    unit, offset : str
        How the file writes dates; see `write_date`.
    """

    columns: dict[str, np.ndarray]
    ahead: dict[str, np.ndarray]
    names: tuple[str, str, str]
    unit: str = "s"
    offset: str = ""


def read_long(
    path: str | os.PathLike[str],
    id_column: str,
    target: str | None = None,
    others: Sequence[str] = (),
    known_future: Sequence[str] = (),
    labels: Sequence[str] = (),
    *,
    order: str | None = None,
    empty: bool = False,
) -> Long:
    """Read a table with a row for each series and date.

    Parameters
    ----------
    path : path-like
    id_column : str
        The column that says which series a row is of.
    target : str, optional
        May be omitted if there is only one column of numbers.
    others : sequence of str
        Other columns of numbers.
    known_future : sequence of str
        Columns known ahead: the last rows of a series, where the target is empty, have their
        future values.
    labels : sequence of str
        Columns with one value for each series: numbers, or text.
    order : {"day-first", "month-first"}, optional
        As for `read_columns`.
    empty : bool, default False
        True if the target may lack values, which are NaN then.

    Raises
    ------
    DataError
        As for `read_columns`.
    """
    table = read_table(path)
    index = table.index(id_column)
    without = _without(table, index)
    dated = date_column(without, target)
    target = without.header[number_column(without, target, dated, "--target")]
    time = "ds" if dated is None else without.header[dated[0]]
    ids = np.array(table.texts(id_column), object)
    rows = [np.flatnonzero(ids == one) for one in dict.fromkeys(ids.tolist())]
    dates: np.ndarray = np.zeros(len(table), np.int64)
    unit, offset = "s", ""
    for part in rows:
        if dated is None:
            dates[part] = np.arange(len(part))
            continue
        found = read_dates(_rows(table, part), table.index(time), dated[1], order)
        unit, offset = found.unit, found.offset
        dates = dates if dates.dtype.kind == "M" else dates.astype("datetime64[s]")
        dates[part] = found.dates.astype("datetime64[s]")
    later = np.zeros(len(table), bool)
    if known_future:
        column = table.index(target)
        for part in rows:
            last = len(part)
            while last and table.rows[part[last - 1]][column].lower() in NO_VALUE:
                last -= 1
            later[part[last:]] = True
    now, then = _rows(table, np.flatnonzero(~later)), _rows(table, np.flatnonzero(later))
    if not len(now):
        raise DataError(f"{table.path}: column {target!r} has no values")
    names = (id_column, time, target)
    columns = {id_column: ids[~later], time: dates[~later]}
    columns[target] = now.numbers(target, empty=empty)
    columns.update({name: now.numbers(name) for name in (*others, *known_future)})
    columns.update({name: _labels(now, name) for name in labels})
    ahead = {id_column: ids[later], time: dates[later]}
    ahead.update({name: then.numbers(name) for name in known_future})
    return Long(columns, ahead, names, unit, offset)


def _rows(table: Table, rows: np.ndarray) -> Table:
    """Return some rows of a table."""
    numbers = rows.tolist()
    return replace(
        table, rows=[table.rows[i] for i in numbers], lines=[table.lines[i] for i in numbers]
    )


def _without(table: Table, column: int) -> Table:
    """Return a table without a column."""
    header = [name for i, name in enumerate(table.header) if i != column]
    rows = [[field for i, field in enumerate(row) if i != column] for row in table.rows]
    return replace(table, header=header, rows=rows)


def _labels(table: Table, name: str) -> np.ndarray:
    """Return a column as numbers if all its fields are, otherwise as text."""
    try:
        return table.numbers(name)
    except DataError:
        return np.array(table.texts(name), object)
