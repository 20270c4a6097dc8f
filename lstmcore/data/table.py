"""Text tables with named columns, read with error messages that say what to do."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass

import numpy as np

from ..names import nearest
from . import files
from .errors import DataError
from .numbers import NumberError, read_numbers

DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """Table of text fields with named columns.

    Parameters
    ----------
    path : str
        The file, for error messages.
    header : list of str
    rows : list of list of str
        Each as long as the header.
    lines : list of int
        The line of the file on which each row ends, for error messages.
    delimiter : str, default ","
        What separates the file's fields.
    """

    path: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    delimiter: str = ","

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, row: int, column: int) -> str:
        """Return the position of a field for error messages."""
        return f"{self.path} line {self.lines[row]}: column {self.header[column]!r}"

    def index(self, column: str) -> int:
        """Return the index of a column.

        Raises
        ------
        DataError
            If no column has this name, suggesting the closest one; or if several have it.
        """
        if column not in self.header:
            raise DataError(f"{self.path} has no column {column!r}; {nearest(column, self.header)}")
        if self.header.count(column) > 1:
            raise DataError(f"{self.path} has several columns {column!r}; rename all but one")
        return self.header.index(column)

    def texts(self, column: str, *, empty: bool = False) -> list[str]:
        """Return a column as text.

        Parameters
        ----------
        column : str
        empty : bool, default False
            True if fields may be empty.

        Raises
        ------
        DataError
            As `index`; or if a field is empty, naming its line.
        """
        index = self.index(column)
        texts = [row[index] for row in self.rows]
        if not empty and "" in texts:
            where = self.at(texts.index(""), index)
            raise DataError(f"{where} is empty; fill the gap or remove the row")
        return texts

    def numbers(self, column: str, *, empty: bool = False) -> np.ndarray:
        """Return a column as float64, whatever its decimal sign; see `read_numbers`.

        Parameters
        ----------
        column : str
        empty : bool, default False
            True if fields may lack a value, which is NaN then.

        Raises
        ------
        DataError
            As `index`; or if a field is not a finite number, naming its line.
        """
        index = self.index(column)
        try:
            numbers = read_numbers([row[index] for row in self.rows], self.delimiter)
        except NumberError as error:
            raise DataError(f"{self.at(error.row, index)} {error}") from None
        absent = np.flatnonzero(np.isnan(numbers))
        if len(absent) and not empty:
            where = self.at(int(absent[0]), index)
            raise DataError(f"{where} has no value; fill the gap, remove the row, or say fill=...")
        infinite = np.flatnonzero(np.isinf(numbers))
        if len(infinite):
            raise DataError(f"{self.at(int(infinite[0]), index)} is not finite; replace the value")
        return numbers


def read_text(path: str | os.PathLike[str], encoding: str = "utf-8-sig") -> str:
    """Read a whole text file.

    Raises
    ------
    DataError
        If it cannot be read, has another encoding, or is empty.
    """
    try:
        text = files.read_bytes(path).decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise DataError(
            f"{path} is not {name} text (byte {error.start}); save it with the encoding {name}"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DataError(f"{path} is empty")
    return text


def read_table(path: str | os.PathLike[str], delimiter: str | None = None) -> Table:
    """Read a table whose first line names its columns.

    Commas, semicolons, tabs or bars separate the fields. In a tab-separated file quotes are plain
    text unless they enclose a whole field, which may not contain line breaks. Files that end in
    .jsonl, .ndjson or .json have an object for each row, .parquet needs pandas or polars; each may
    be compressed, with .gz behind.

    Parameters
    ----------
    path : path-like
        A text file in UTF-8.
    delimiter : str, optional
        The separator of fields; by default a tab if the name ends in .tsv, otherwise the one that
        is most frequent in the first line.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the file cannot be read, is not UTF-8 text, has no rows, or has rows of unequal lengths.
    """
    kind = files.suffix(path)
    if kind in files.PARQUET:
        names, fields = files.read_parquet(path)
        return Table(str(path), names, fields, list(range(1, len(fields) + 1)))
    text = read_text(path)
    if kind in files.JSON:
        return Table(str(path), *files.read_json(path, text))
    if delimiter is None:
        tabs = kind == ".tsv"
        delimiter = "\t" if tabs else max(DELIMITERS, key=text.lstrip().split("\n", 1)[0].count)
    try:
        found = _parse_tsv(text) if delimiter == "\t" else _parse_csv(text, delimiter)
    except csv.Error as error:
        raise DataError(f"{path} {error}") from None
    rows = [(row, line) for row, line in found if any(row)]  # a blank line is no row
    if len(rows) < 2:
        raise DataError(f"{path} is empty; expected a line of column names and rows below it")
    header = rows[0][0]
    for row, line in rows:
        if len(row) != len(header):
            raise DataError(
                f"{path} line {line} has {len(row)} fields, the line of names has {len(header)}"
            )
    fields, lines = [row for row, _ in rows[1:]], [line for _, line in rows[1:]]
    return Table(str(path), header, fields, lines, delimiter)


def _parse_csv(text: str, delimiter: str) -> list[tuple[list[str], int]]:
    """Return the rows of CSV text with their line numbers."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    try:
        return [([field.strip() for field in row], reader.line_num) for row in reader]
    except csv.Error as error:
        raise csv.Error(f"line {reader.line_num} is not CSV: {error}") from None


def _parse_tsv(text: str) -> list[tuple[list[str], int]]:
    """Return the rows of tab-separated text with their line numbers; stray quotes are text."""
    rows: list[tuple[list[str], int]] = []
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split("\t")
        if '"' in line:
            try:
                parsed = next(csv.reader([line], delimiter="\t", strict=True))
            except csv.Error:
                parsed = fields
            fields = parsed if not rows or len(parsed) == len(rows[0][0]) else fields
        if line.strip():
            rows.append(([field.strip() for field in fields], number))
    return rows
