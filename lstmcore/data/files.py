"""Tables in files that are no plain text: compressed, JSON, Parquet."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .errors import DataError

PARQUET, JSON, GZIP = (".parquet", ".pq"), (".jsonl", ".ndjson", ".json"), (".gz",)
READERS = ("pandas", "polars")  # whichever is there


def suffix(path: str | os.PathLike[str]) -> str:
    """Return what a file's name ends in, without a ``.gz`` behind it."""
    name = str(path).lower().removesuffix(".gz")
    return Path(name).suffix


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a whole file, uncompressed if its name ends in .gz.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    try:
        data = Path(path).read_bytes()
        return gzip.decompress(data) if str(path).lower().endswith(GZIP) else data
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no whole gzip file: {error}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def read_json(
    path: str | os.PathLike[str], text: str
) -> tuple[list[str], list[list[str]], list[int]]:
    """Return names, fields and line numbers of JSON: an object a line, or a list of objects.

    Raises
    ------
    DataError
        If it is neither.
    """
    found: list[tuple[Any, int]] = []
    if text.lstrip().startswith("["):
        records = _parsed(path, text, 1)
        found = [(record, 1) for record in records]
    else:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                found.append((_parsed(path, line, number), number))
    names: dict[str, None] = {}
    for record, number in found:
        if not isinstance(record, dict):
            raise DataError(f"{path} line {number} holds {str(record)[:40]!r}, not an object")
        names.update(dict.fromkeys(map(str, record)))
    rows = [[_text(record.get(name)) for name in names] for record, _ in found]
    return list(names), rows, [number for _, number in found]


def _parsed(path: str | os.PathLike[str], text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise DataError(f"{path} line {line} is not JSON: {error}") from None


def read_parquet(path: str | os.PathLike[str]) -> tuple[list[str], list[list[str]]]:
    """Return names and fields of a Parquet file, read by pandas or polars.

    Raises
    ------
    DataError
        If neither is installed, or the file cannot be read.
    """
    library = next((name for name in READERS if importlib.util.find_spec(name)), None)
    if library is None:
        raise DataError(
            f"{path}: Parquet files need pandas or polars: pip install lstmcore[tables]"
        )
    reader = importlib.import_module(library)
    try:
        frame = reader.read_parquet(os.fspath(path))
    except Exception as error:  # theirs are of many types
        reason = str(error).strip().split("\n")[0]
        raise DataError(f"{path} cannot be read by {library}: {reason}") from None
    if library == "pandas":
        frame = frame.reset_index() if frame.index.names != [None] else frame
        columns: Iterable[Any] = (frame[name].tolist() for name in frame.columns)
    else:
        columns = (frame[name].to_list() for name in frame.columns)
    texts = [list(map(_text, column)) for column in columns]
    return [str(name) for name in frame.columns], [list(row) for row in zip(*texts, strict=True)]


def _text(value: Any) -> str:
    """Return a value as a field of text."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
