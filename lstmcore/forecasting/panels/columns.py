"""Columns of users' tables: ids, dates, numbers, static columns; and back to their form."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...data import DataError
from ...names import nearest

Array = np.ndarray


def numbered(column: Any, name: str) -> tuple[Array, Array]:
    """Return the ids in the order of their first appearance, and the number of each row's id."""
    array = np.asarray(column)
    if array.ndim != 1:
        raise DataError(f"column {name!r}: expected one id a row, got shape {array.shape}")
    if not len(array):
        return array, np.zeros(0, np.int32)
    # Rows of a series mostly stand together: tell the places where the id changes.
    runs = np.flatnonzero(np.concatenate([[True], array[1:] != array[:-1]]))
    known: dict[Any, int] = {}
    of_run = [known.setdefault(one, len(known)) for one in array[runs].tolist()]
    lengths = np.diff(np.concatenate([runs, [len(array)]]))
    for one, number in known.items():
        if one is None or one != one:  # NaN
            raise DataError(f"column {name!r}: row {runs[of_run.index(number)]} has no id")
    ids = np.empty(len(known), array.dtype)
    ids[:] = list(known)
    return ids, np.repeat(np.array(of_run, np.int32), lengths)


def as_dates(column: Any, name: str) -> Array:
    """Return dates as datetime64[s], or whole numbers as int64."""
    zone = getattr(getattr(column, "dtype", None), "tz", None)
    if zone is not None:
        raise DataError(
            f"column {name!r} has the time zone {zone}; give column.dt.tz_localize(None)"
        )
    if hasattr(getattr(column, "dt", None), "to_timestamp") and str(column.dtype)[:6] == "period":
        column = column.dt.to_timestamp()
    array = np.asarray(column)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    try:
        array = array if array.dtype.kind == "M" else array.astype("datetime64[s]")
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name!r}: expected dates like 2024-01-31: {error}") from None
    if np.isnat(array).any():
        raise DataError(f"column {name!r}: row {int(np.isnat(array).argmax())} has no date")
    seconds = array.astype("datetime64[s]")
    if array.dtype != seconds.dtype and (seconds != array).any():
        raise DataError(f"column {name!r} has fractions of seconds; number the steps instead")
    return seconds


def numbers(column: Any, name: str) -> Array:
    """Return a column as floats, NaN for None."""
    array = np.asarray(column)
    if array.dtype.kind == "f" and array.dtype.itemsize >= 4:
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name!r}: expected numbers: {error}") from None


def static_rows(given: Any, id_col: str, ids: Array, names: Sequence[str]) -> dict[str, Array]:
    """Return the static columns of these series from a table with a row for each series."""
    if hasattr(given, "get_columns"):
        table = {name: given[name].to_numpy() for name in given.columns}
    else:
        given = given.reset_index() if getattr(given, "index", None) is not None else given
        table = {str(n): given[n] for n in (given.columns if hasattr(given, "iloc") else given)}
    for name in (id_col, *names):
        if name not in table:
            raise DataError(f"static: there is no column {name!r}; {nearest(name, list(table))}")
    row = {one: i for i, one in enumerate(np.asarray(table[id_col]).tolist())}
    lacking = [one for one in ids.tolist() if one not in row]
    if lacking:
        raise DataError(f"static: there is no row of {id_col} {lacking[0]!r}")
    rows = [row[one] for one in ids.tolist()]
    return {name: np.asarray(table[name])[rows] for name in names}


def to_form(table: dict[str, Array], form: str) -> Any:
    """Return columns as the user's kind of table: pandas, polars, or a dict of arrays."""
    if form == "pandas" and "pandas" in sys.modules:
        return sys.modules["pandas"].DataFrame(table)
    if form == "polars" and "polars" in sys.modules:
        fine = {n: c.astype("M8[us]") if c.dtype.kind == "M" else c for n, c in table.items()}
        return sys.modules["polars"].DataFrame(fine)  # it has no dates of seconds
    return table


def check_names(names: Sequence[str]) -> None:
    """Raise ValueError if a column is named for two purposes."""
    twice = next((name for name in names if list(names).count(name) > 1), None)
    if twice is not None:
        raise ValueError(
            f"column {twice!r} is named for two purposes among time_col, target_col, past, "
            "known_future and static"
        )
