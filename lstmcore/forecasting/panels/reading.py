"""Panels from users' data: long tables, dicts of series, wide frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...data import DataError
from ...names import nearest
from . import steps
from .columns import as_dates, numbered, numbers, static_rows
from .panel import Panel, day
from .storage import read_parquet

Array = np.ndarray
COLUMNS = ("unique_id", "ds", "y")


def read(
    data: Any,
    columns: tuple[str, str, str] = COLUMNS,
    covariates: Sequence[str] = (),
    static: Any = None,
    static_names: Sequence[str] = (),
    freq: Any = None,
    fill: str | None = None,
) -> Panel:
    """Return a panel from data of any supported form.

    Parameters
    ----------
    data : pandas or polars DataFrame, dict, path or Panel
        A long table with a row for each series and date, also as a dict of columns; a dict of
        series by id (arrays, or pandas series with dates); a wide pandas frame whose columns are
        series; or the path of a parquet file.
    columns : (str, str, str)
        The columns of ids, dates and targets in a long table.
    covariates : sequence of str
    static : DataFrame or dict of columns, optional
        A row for each series, with its id. By default the columns of a long table, which must then
        be constant in each series.
    static_names : sequence of str
    freq : str or int, optional
        By default inferred from the dates.
    fill : {"forward", "interpolate", "zero", "mask"}, optional
        As for `Panel.filled`.

    Raises
    ------
    DataError
        If the data cannot be used; the message is one line and says why.
    """
    if isinstance(data, Panel):
        return data
    if isinstance(data, str) or hasattr(data, "__fspath__"):
        return read_parquet(data, columns, covariates, static, static_names, freq, fill)
    form, table = _as_table(data, columns)
    wanted = [*covariates, *(static_names if static is None else ())]
    for name in (*columns, *wanted):
        if name not in table:
            hint = nearest(name, list(table))
            raise DataError(f"the table has no column {name!r}; {hint}")
    panel = from_columns(table, columns, covariates, freq, form)
    if static is None:
        found = {n: constant(panel, table, n) for n in static_names}
    else:
        found = static_rows(static, columns[0], panel.ids, static_names)
    return replace(panel, static=found).filled(fill)


def _as_table(data: Any, columns: tuple[str, str, str]) -> tuple[str, dict[str, Any]]:
    """Return the form of users' data, and its columns as a long table."""
    if hasattr(data, "iloc"):
        if not hasattr(data, "columns"):
            raise DataError("data: expected a table; a single series is LSTMForecaster's")
        if columns[0] in data.columns:
            return "pandas", {str(name): data[name] for name in data.columns}
        if data.index.name == columns[0]:
            return "pandas", {str(n): data.reset_index()[n] for n in data.reset_index().columns}
        return "pandas", _stacked({str(name): data[name] for name in data.columns}, columns)
    if hasattr(data, "get_columns"):  # polars
        return "polars", {name: data[name].to_numpy() for name in data.columns}
    if not isinstance(data, Mapping):
        raise DataError(f"data: expected a table or a dict of series, got {type(data).__name__}")
    if columns[0] in data:
        return "dict", dict(data)
    return "dict", _stacked(data, columns)


def _stacked(series: Mapping[Any, Any], columns: tuple[str, str, str]) -> dict[str, Any]:
    """Return series by id as a long table; steps without dates are counted from 0."""
    if not series:
        raise DataError("data: there is no series")
    values, dates = [], []
    for name, one in series.items():
        array = np.asarray(one)
        if array.ndim != 1 or array.dtype.kind not in "biuf":
            raise DataError(
                f"data: expected a table with a column {columns[0]!r}, or a dict of series of "
                f"numbers; {str(name)!r} has shape {array.shape} and type {array.dtype}"
            )
        index = getattr(one, "index", None)
        dated = index is not None and np.asarray(index).dtype.kind == "M"
        kept = np.isfinite(array) if hasattr(one, "iloc") else np.ones(len(array), bool)
        inner = np.flatnonzero(kept)  # a wide frame has NaN before and after a series
        part = slice(inner[0], inner[-1] + 1) if len(inner) else slice(0)
        values.append(array[part])
        dates.append(np.asarray(index)[part] if dated else np.arange(len(array))[part])
    lengths = [len(one) for one in values]
    names = np.empty(len(series), object)
    names[:] = list(series)
    return {
        columns[0]: np.repeat(names, lengths),
        columns[1]: np.concatenate(dates),
        columns[2]: np.concatenate(values),
    }


def from_columns(
    table: Mapping[str, Any],
    columns: tuple[str, str, str],
    covariates: Sequence[str],
    freq: Any,
    form: str,
) -> Panel:
    """Return the panel of a long table, sorted by series and date."""
    id_col, time_col, target_col = columns
    dates = as_dates(table[time_col], time_col)
    ids, series = numbered(table[id_col], id_col)
    if not len(ids):
        raise DataError("data: the table has no rows")
    y = numbers(table[target_col], target_col)
    values = {name: numbers(table[name], name) for name in covariates}
    for name, one in ((time_col, dates), (target_col, y), *values.items()):
        if len(one) != len(series):
            raise DataError(f"column {name!r} has {len(one)} rows, {id_col!r} {len(series)}")
    gaps, same = np.diff(dates.astype(np.int64)), series[1:] == series[:-1]
    if (series[1:] < series[:-1]).any() or (gaps[same] <= 0).any():
        order = np.lexsort((dates, series))
        series, dates, y = series[order], dates[order], y[order]
        values = {name: one[order] for name, one in values.items()}
        gaps, same = np.diff(dates.astype(np.int64)), series[1:] == series[:-1]
    starts = np.searchsorted(series, np.arange(len(ids) + 1))
    twice = np.flatnonzero(same & (gaps == 0))
    if len(twice):
        row = int(twice[0])
        raise DataError(
            f"{id_col} {ids[series[row]]!s:.80} at {day(dates[row])} has several rows "
            f"({len(twice)} such repetitions); keep one each"
        )
    frequency = steps.parse(freq, dates) if freq is not None else steps.infer(dates, starts)
    return Panel(ids, starts, y, dates, frequency, values, {}, columns, form)


def constant(panel: Panel, table: Mapping[str, Any], name: str) -> Array:
    """Return a column's value for each series; raise DataError unless it has one alone."""
    _, series = numbered(table[panel.columns[0]], panel.columns[0])
    values = np.asarray(table[name])
    first = np.zeros(len(panel), np.int64)
    first[series[::-1]] = np.arange(len(series))[::-1]
    found = values[first]
    absent = [one is None or one != one for one in found.tolist()]  # NaN
    if any(absent):
        i = absent.index(True)
        raise DataError(f"static column {name!r}: {panel.columns[0]} {panel.ids[i]} has no value")
    wrong = np.flatnonzero(values != found[series])
    if len(wrong):
        i = series[wrong[0]]
        raise DataError(
            f"static column {name!r}: {panel.columns[0]} {panel.ids[i]} has {found[i]!s:.40} and "
            f"{values[wrong[0]]!s:.40}; expected one value for each series"
        )
    return found


def ahead(future: Any, panel: Panel, horizon: int, names: Sequence[str]) -> dict[str, Array]:
    """Return covariates of the steps after each series, (series, horizon), from a long table.

    Raises
    ------
    DataError
        If a row or a value is missing; the message says which.
    """
    if not names:
        return {}
    id_col, time_col, _ = panel.columns
    if future is None:
        raise DataError(f"future: expected the next {horizon} values of {', '.join(names)}")
    _, table = _as_table(future, panel.columns)
    for name in (id_col, time_col, *names):
        if name not in table:
            raise DataError(f"future: there is no column {name!r}; {nearest(name, list(table))}")
    dates = as_dates(table[time_col], time_col)
    if dates.dtype != panel.dates.dtype:
        raise DataError(
            f"future: column {time_col!r} has {dates.dtype}, the data {panel.dates.dtype}"
        )
    known = {one: i for i, one in enumerate(panel.ids.tolist())}
    row_ids = np.asarray(table[id_col]).tolist()
    series = np.array([known.get(one, -1) for one in row_ids], np.int64)
    kept = np.flatnonzero(series >= 0)
    first = steps.numbers(panel.frequency, panel.last_dates)
    step = steps.whole(steps.numbers(panel.frequency, dates[kept]) - first[series[kept]])
    inside = (step >= 1) & (step <= horizon)
    kept, step = kept[inside], step[inside] - 1
    found = {}
    for name in names:
        values = np.full((len(panel), horizon), np.nan)
        values[series[kept], step] = numbers(table[name], name)[kept]
        missing = ~np.isfinite(values)
        if missing.any():
            i, at = np.argwhere(missing)[0]
            when = steps.after(panel.frequency, panel.last_dates[i : i + 1], horizon)[0, at]
            raise DataError(
                f"future: {name} has no value for {id_col} {panel.ids[i]} at {day(when)}"
            )
        found[name] = values
    return found
