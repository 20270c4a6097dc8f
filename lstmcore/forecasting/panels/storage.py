"""Panels on disk: parquet files are read in row groups into memory-mapped arrays."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...data import DataError
from ...names import nearest
from . import steps
from .columns import as_dates, numbers, static_rows
from .panel import Panel, day

Array = np.ndarray


class Column:
    """An array that grows in a file, to be memory-mapped when it is whole."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self.dtype: np.dtype[Any] = np.dtype(np.float64)
        path.touch()

    def append(self, values: Array) -> None:
        """Write values at the end; all have the dtype of the first ones."""
        self.dtype = self.dtype if self.rows else values.dtype
        with open(self.path, "ab") as file:
            values.astype(self.dtype, copy=False).tofile(file)
        self.rows += len(values)

    def mapped(self) -> Array:
        """Return the array of the file."""
        found: Array = np.memmap(self.path, self.dtype, "r", shape=(self.rows,))
        return found


class Folder:
    """A temporary folder that is deleted with the arrays that are mapped from it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="lstmcore-panel-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def read_parquet(
    path: str | os.PathLike[str],
    columns: tuple[str, str, str],
    covariates: Sequence[str] = (),
    static: Any = None,
    static_names: Sequence[str] = (),
    freq: Any = None,
    fill: str | None = None,
) -> Panel:
    """Return the panel of a parquet file, whose rows stand by series and date.

    One row group is in memory at a time; the columns go to a temporary folder and are mapped into
    memory, so that the operating system reads what a batch needs.

    Parameters
    ----------
    path : path-like
    columns, covariates, static, static_names, freq, fill
        As for `read`. With missing steps or values, the panel is filled in memory.

    Raises
    ------
    DataError
        If a column is missing, the rows of a series do not stand together, or their dates do not
        increase.
    """
    id_col, time_col, target_col = columns
    inside = list(static_names) if static is None else []
    folder = Folder()
    rows = {
        name: Column(folder.path / f"{i}") for i, name in enumerate([*columns[1:], *covariates])
    }
    series = _Series(path, columns)
    for part in _groups(Path(path), [*columns, *covariates, *inside]):
        dates = as_dates(part[time_col], time_col)
        series.append(part, dates, inside)
        rows[time_col].append(dates)
        for name in (target_col, *covariates):
            rows[name].append(numbers(part[name], name))
    series.check()
    ids = np.array(series.ids, object if isinstance(series.ids[0], str) else None)
    mapped = {name: column.mapped() for name, column in rows.items()}
    dates, starts = mapped.pop(time_col), np.array([*series.starts, series.rows])
    frequency = steps.parse(freq, dates) if freq is not None else steps.infer(dates, starts)
    if static is None:
        found = {name: np.array(values) for name, values in series.static.items()}
    else:
        found = static_rows(static, id_col, ids, static_names)
    y = mapped.pop(target_col)
    panel = Panel(ids, starts, y, dates, frequency, mapped, found, columns, "pandas", folder)
    return panel.filled(fill)


class _Series:
    """The series of a file: their ids, first rows and static columns."""

    def __init__(self, path: Any, columns: tuple[str, str, str]) -> None:
        self.path, self.columns = path, columns
        self.ids: list[Any] = []
        self.starts: list[int] = []
        self.static: dict[str, list[Any]] = {}
        self.rows = 0
        self.last: Any = None

    def append(self, part: dict[str, Array], dates: Array, static: Sequence[str]) -> None:
        """Note the series of the next rows; raise DataError if their dates do not increase."""
        ids = part[self.columns[0]]
        change = np.concatenate([[not self.ids or ids[0] != self.ids[-1]], ids[1:] != ids[:-1]])
        before = np.concatenate([[dates[0] if self.last is None else self.last], dates[:-1]])
        late = ~change & (dates <= before)
        if late.any():
            row = int(late.argmax())
            raise DataError(
                f"{self.path}: {self.columns[0]} {ids[row]}: {day(dates[row])} follows "
                f"{day(before[row])}; {self._sort()}"
            )
        begins = np.flatnonzero(change)
        self.ids += ids[begins].tolist()
        self.starts += (begins + self.rows).tolist()
        for name in static:
            values = part[name]
            known = self.static.setdefault(name, [])
            known += values[begins].tolist()
            wrong = (values[1:] != values[:-1]) & ~change[1:]
            if wrong.any() or values[0] != known[-len(begins) - (not change[0])]:
                raise DataError(
                    f"{self.path}: static column {name!r}: expected one value for each series"
                )
        self.rows += len(dates)
        self.last = dates[-1]

    def check(self) -> None:
        """Raise DataError if there are no rows, or those of a series do not stand together."""
        if not self.ids:
            raise DataError(f"{self.path} has no rows")
        if len(set(self.ids)) != len(self.ids):
            twice = Counter(self.ids).most_common(1)[0][0]
            raise DataError(
                f"{self.path}: the rows of {self.columns[0]} {twice} do not stand together; "
                f"{self._sort()}"
            )

    def _sort(self) -> str:
        return f"sort the file by {self.columns[0]} and {self.columns[1]}, one row each"


def _groups(path: Path, wanted: Sequence[str]) -> Iterator[dict[str, Array]]:
    """Yield the wanted columns of each row group."""
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise ImportError(
            "parquet: needs the package pyarrow: pip install lstmcore[panels]"
        ) from None
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        file = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise DataError(f"{path}: {error}") from None
    with file:
        for name in wanted:
            if name not in file.schema_arrow.names:
                hint = nearest(name, file.schema_arrow.names)
                raise DataError(f"{path} has no column {name!r}; {hint}")
        for batch in file.iter_batches(1 << 15, columns=list(wanted)):
            if batch.num_rows:
                yield {name: batch.column(name).to_numpy(zero_copy_only=False) for name in wanted}
