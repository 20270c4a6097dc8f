"""Labelled texts, read from tables or from a folder for each class."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from .errors import DataError
from .table import Table, read_table, read_text

TEXTS = ("text", "review", "sentence", "phrase", "comment", "message", "content", "body")
LABELS = ("label", "class", "sentiment", "category", "target", "polarity", "topic")


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with their labels.

    Parameters
    ----------
    source : str
        The file or folder, for error messages.
    texts : list of str
    labels : list of str, optional
    places : list of str
        The file or line of each text, for error messages.
    """

    source: str
    texts: list[str]
    labels: list[str] | None
    places: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, rows: np.ndarray) -> Self:
        """Return the texts of these rows."""

        def pick(values: list[str]) -> list[str]:
            return [values[i] for i in rows]

        labels = None if self.labels is None else pick(self.labels)
        return type(self)(self.source, pick(self.texts), labels, pick(self.places))

    def check_labels(self, known: list[str] | None = None) -> list[str]:
        """Check and return the labels.

        Parameters
        ----------
        known : list of str, optional
            The labels seen in training; None for training data.

        Raises
        ------
        DataError
            If there are no labels, a label is not known, or training data has only one label.
        """
        if self.labels is None:
            raise DataError(f"{self.source} has no column of labels; name it with --label-column")
        if known is None:
            if len(set(self.labels)) < 2:
                raise DataError(
                    f"{self.source}: all texts have the label {self.labels[0]!r}; a classifier "
                    "needs two classes to tell apart"
                )
            return self.labels
        for label, place in zip(self.labels, self.places, strict=True):
            if label not in known:
                seen = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
                raise DataError(
                    f"{place}: the label {label!r} was not seen in training, which had {seen}"
                )
        return self.labels


def split_by_label(
    labels: list[str] | np.ndarray, share: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return indices of samples to train on and to hold out, split by label.

    The same share of each label is held out, and at least one sample of each is left to train on.

    Parameters
    ----------
    labels : sequence
    share : float
        The share of samples to hold out.
    random : Generator
    """
    _, groups = np.unique(np.asarray(labels), return_inverse=True)
    order = random.permutation(len(groups))
    held = np.zeros(len(groups), bool)
    for group in range(groups.max(initial=-1) + 1):
        rows = order[groups[order] == group]
        held[rows[: min(round(share * len(rows)), len(rows) - 1)]] = True
    return order[~held[order]], order[held[order]]


def read_labelled_texts(
    path: str | os.PathLike[str],
    text_column: str | None = None,
    label_column: str | None = None,
    *,
    labels: bool = True,
) -> LabelledTexts:
    """Read texts and labels from a CSV or TSV file, or from a folder with one folder per class.

    Parameters
    ----------
    path : path-like
        A table in UTF-8 whose first line names the columns; or a folder of folders, each named
        after its class, with one text per .txt file.
    text_column, label_column : str, optional
        By default columns with usual names, such as text and label, or the only one left.
    labels : bool, default True
        True if labels are required.

    Raises
    ------
    DataError
        If something is missing, empty or in another encoding; the message is one line.
    """
    if os.path.isdir(path):
        return _from_folder(Path(path))
    table = read_table(path)
    text, label = _columns(table, text_column, label_column, labels)
    places = [f"{table.path} line {line}" for line in table.lines]
    given = None if label is None else table.texts(label)
    return LabelledTexts(table.path, table.texts(text), given, places)


def _columns(
    table: Table, text: str | None, label: str | None, labels: bool
) -> tuple[str, str | None]:
    """Return the names of the text and label columns, finding those that are not given."""
    found = text or _usual(table, TEXTS, label)
    given = label or _usual(table, LABELS, found)
    rest = [name for name in table.header if name not in (found, given)]
    if found is None and len(rest) == 1:
        found = rest.pop()
    if given is None and labels and len(rest) == 1:
        given = rest.pop()
    for name, what in ((found, "text"), (given, "label")):
        if name is None and (what == "text" or labels):
            raise DataError(
                f"{table.path} has no column {what!r}; name it with --{what}-column: there is "
                + ", ".join(table.header)
            )
    assert found is not None
    return found, given


def _usual(table: Table, names: tuple[str, ...], other: str | None) -> str | None:
    """Return the column with the first of these names, ignoring case; None if there is none."""
    columns = {name.lower(): name for name in table.header if name != other}
    return next((columns[name] for name in names if name in columns), None)


def _from_folder(folder: Path) -> LabelledTexts:
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        raise DataError(f"{folder} has no folders; expected one for each class, with .txt files")
    texts, labels, places = [], [], []
    for entry in classes:
        files = sorted(p for p in entry.iterdir() if p.suffix.lower() == ".txt")
        if not files:
            raise DataError(f"{entry} has no .txt files; expected one for each text")
        for file in files:
            texts.append(read_text(file))
            labels.append(entry.name)
            places.append(str(file))
    return LabelledTexts(str(folder), texts, labels, places)
