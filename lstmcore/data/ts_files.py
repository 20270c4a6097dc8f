"""Files of the UCR and UEA archives of time series (``.ts``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import DataError
from .table import read_text

_FLAGS = ("timestamps", "missing", "univariate", "equallength")
_NUMBERS = ("dimensions", "serieslength")
_LABELS = ("classlabel", "targetlabel")


@dataclass(frozen=True)
class LabelledSeries:
    """The series of a ``.ts`` file, with their classes or targets.

    Parameters
    ----------
    x : ndarray or list of ndarray
        Shape (samples, steps, variables); a list of (steps, variables) if the series differ in
        length. Missing values are NaN.
    y : ndarray of str or of float64, shape (samples,), optional
        The classes, or the numbers of a file for regression; None if the file has neither.
    classes : tuple of str
        All classes that the file's header names, which may be more than its series have.
    name : str
        What the header calls the problem.
    """

    x: np.ndarray | list[np.ndarray]
    y: np.ndarray | None
    classes: tuple[str, ...]
    name: str

    def __len__(self) -> int:
        return len(self.x)


@dataclass
class _Header:
    """What the lines before ``@data`` say; None for what they do not."""

    name: str = ""
    univariate: bool | None = None
    timestamps: bool | None = None
    missing: bool | None = None
    equallength: bool | None = None
    dimensions: int | None = None
    serieslength: int | None = None
    classes: tuple[str, ...] = ()
    label: str | None = None  # "classlabel" or "targetlabel"


def read_ts(path: str | os.PathLike[str], dtype: Any = "float64") -> LabelledSeries:
    """Read a ``.ts`` file of the UCR or UEA archive.

    A line is a series: its variables are separated by colons, their steps by commas, and the class
    or target comes last. Missing values are ``?`` or ``NaN``.

    Parameters
    ----------
    path : path-like
        The file, which may be compressed (``.ts.gz``).
    dtype : dtype, default "float64"
        Of the series: "float64" or "float32".

    Returns
    -------
    LabelledSeries

    Raises
    ------
    DataError
        If the file cannot be read, or contradicts its header; the message names file and line.

    Examples
    --------
    >>> from pathlib import Path
    >>> from lstmcore.data import read_ts
    >>> text = "@classLabel true up down\\n@data\\n1,2,3:4,5,?:up\\n3,2,1:0,0,0:down\\n"
    >>> _ = Path("two.ts").write_text(text)
    >>> found = read_ts("two.ts")
    >>> found.x.shape, found.y.tolist()
    ((2, 3, 2), ['up', 'down'])
    """
    lines = enumerate(read_text(path).split("\n"), 1)
    header = _read_header(path, lines)
    series: list[np.ndarray] = []
    labels: list[Any] = []
    for number, line in lines:
        line = line.strip()
        if not line or line.startswith(("#", "%")):
            continue
        where = f"{path} line {number}"
        fields = line.split(":")
        if header.label is not None:
            labels.append(_label(where, fields.pop().strip(), header))
        series.append(_read_series(where, fields, header, series[0] if series else None, dtype))
    if not series:
        raise DataError(f"{path} has no series below @data")
    lengths = {len(one) for one in series}
    x = np.stack(series) if len(lengths) == 1 else series
    return LabelledSeries(x, np.array(labels) if labels else None, header.classes, header.name)


def _read_header(path: str | os.PathLike[str], lines: Iterator[tuple[int, str]]) -> _Header:
    header = _Header()
    for number, line in lines:
        words = line.split()
        if not words or line.lstrip().startswith(("#", "%")):
            continue
        where, key = f"{path} line {number}", words[0].lower()
        if key == "@data":
            if header.timestamps:
                raise DataError(
                    f"{where}: the header says @timeStamps true; expected values without times"
                )
            return header
        if not key.startswith("@"):
            raise DataError(f"{where}: expected a line that begins with @ before @data")
        _take(where, header, key[1:], words[1:])
    raise DataError(f"{path} has no line @data, below which the series are")


def _take(where: str, header: _Header, key: str, words: list[str]) -> None:
    """Take one line of the header; keys that say nothing about the arrays are left out."""
    first = words[0].lower() if words else ""
    if key == "problemname":
        header.name = " ".join(words)
    elif key in _FLAGS or key in _LABELS:
        if first not in ("true", "false"):
            raise DataError(f"{where}: @{key}: expected true or false, got {first!r}")
        if key in _FLAGS:
            setattr(header, key, first == "true")
        elif first == "true":
            header.label = key
            header.classes = tuple(words[1:]) if key == "classlabel" else ()
    elif key in _NUMBERS:
        if not first.isdecimal() or int(first) < 1:
            raise DataError(f"{where}: @{key}: expected a whole number from 1, got {first!r}")
        setattr(header, key, int(first))


def _label(where: str, text: str, header: _Header) -> Any:
    """Return a class as it stands there, or a target as a number."""
    if header.label == "classlabel":
        if header.classes and text not in header.classes:
            known = ", ".join(header.classes[:10]) + (", ..." if len(header.classes) > 10 else "")
            raise DataError(
                f"{where}: the class {text[:40]!r} is not in the header, which has {known}"
            )
        return text
    try:
        return float(text)
    except ValueError:
        raise DataError(f"{where}: expected a number as target, got {text[:40]!r}") from None


def _read_series(
    where: str, fields: list[str], header: _Header, first: np.ndarray | None, dtype: Any
) -> np.ndarray:
    """Return the series of a line, (steps, variables), checked against the header."""
    variables = [_values(where, number, field, dtype) for number, field in enumerate(fields, 1)]
    wanted = 1 if header.univariate else header.dimensions
    if wanted is None and first is not None:
        wanted = first.shape[1]
    if not variables or (wanted is not None and len(variables) != wanted):
        raise DataError(f"{where}: expected {wanted or 'some'} variables, got {len(variables)}")
    steps = len(variables[0])
    for number, values in enumerate(variables, 1):
        if len(values) != steps:
            raise DataError(
                f"{where}: variable {number} has {len(values)} steps, variable 1 has {steps}"
            )
    length = header.serieslength if header.equallength is not False else None
    if length is None and header.equallength and first is not None:
        length = len(first)
    if length is not None and steps != length:
        raise DataError(f"{where}: expected {length} steps, got {steps}")
    return np.stack(variables, axis=1)


def _values(where: str, number: int, field: str, dtype: Any) -> np.ndarray:
    texts = field.replace("?", "nan").split(",")
    try:
        return np.array(texts, dtype)
    except ValueError:
        for step, text in enumerate(texts, 1):
            try:
                float(text)
            except ValueError:
                raise DataError(
                    f"{where}: variable {number}, step {step}: expected a number or ?, "
                    f"got {text.strip()[:40]!r}"
                ) from None
        raise
