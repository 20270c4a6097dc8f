"""Texts with several labels each, or none: targets and evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import DataError
from ..names import nearest
from .evaluation import ratio

Array = np.ndarray[Any, Any]
THRESHOLD = 0.5  # the probability from which on a text has a label


def label_sets(labels: Any) -> list[list[Any]]:
    """Return the labels of each text as a list; raise DataError unless each has a collection."""
    found = []
    for i, some in enumerate(labels):
        if isinstance(some, str) or not isinstance(some, Iterable):
            raise DataError(
                f"labels: expected a list or set for each text, got {some!r:.60} (text {i})"
            )
        found.append(sorted(dict.fromkeys(some), key=str))
    return found


def names_of(sets: Sequence[Sequence[Any]]) -> list[Any]:
    """Return all labels, in order; raise DataError if there are none."""
    names = sorted({label for some in sets for label in some}, key=str)
    if not names:
        raise DataError("labels: no text has one")
    return names


def as_matrix(sets: Sequence[Sequence[Any]], classes: Sequence[Any]) -> Array:
    """Return the labels as zeros and ones, (texts, classes).

    Raises
    ------
    DataError
        If a label is not among the classes.
    """
    columns = {name: i for i, name in enumerate(classes)}
    matrix = np.zeros((len(sets), len(classes)), np.float32)
    for i, some in enumerate(sets):
        for label in some:
            if label not in columns:
                hint = nearest(str(label), map(str, classes))
                raise DataError(f"labels: {label!r} (text {i}) was not seen in training; {hint}")
            matrix[i, columns[label]] = 1
    return matrix


def usual_answers(matrix: Array) -> Array:
    """Return the more frequent answer for each label, True if most texts have it."""
    return np.asarray(matrix.mean(axis=0) > THRESHOLD)


@dataclass(frozen=True)
class MultiLabelEvaluation:
    """Result of the evaluation of a classifier of several labels.

    Parameters
    ----------
    classes : tuple
    true, found : ndarray of bool, (texts, classes)
        The labels that texts have, and those that were predicted.
    """

    classes: tuple[Any, ...]
    true: Array
    found: Array

    @property
    def support(self) -> Array:
        """The number of texts with each label."""
        return np.asarray(self.true.sum(axis=0))

    @property
    def precision(self) -> Array:
        """Precision per label; 0 if it was never predicted."""
        return ratio((self.true & self.found).sum(axis=0), self.found.sum(axis=0))

    @property
    def recall(self) -> Array:
        """Recall per label; 0 if no text has it."""
        return ratio((self.true & self.found).sum(axis=0), self.support)

    @property
    def f1(self) -> Array:
        """The harmonic mean of precision and recall, per label."""
        both = (self.true & self.found).sum(axis=0)
        return ratio(2 * both, self.support + self.found.sum(axis=0))

    @property
    def micro_f1(self) -> float:
        """F1 of all labels of all texts together."""
        both = 2 * (self.true & self.found).sum()
        total = self.true.sum() + self.found.sum()
        return float(both / total) if total else 0.0

    @property
    def macro_f1(self) -> float:
        """The mean of the labels' F1."""
        return float(self.f1.mean())

    @property
    def accuracy(self) -> float:
        """The share of texts whose labels are all right, and no others predicted."""
        return float((self.true == self.found).all(axis=1).mean())

    @property
    def hamming(self) -> float:
        """The share of wrong answers to "has this text this label?"."""
        return float((self.true != self.found).mean())

    def to_json(self) -> dict[str, Any]:
        """Return all measures as JSON-serializable values."""
        rows = zip(self.classes, self.precision, self.recall, self.f1, self.support, strict=True)
        return {
            "micro_f1": self.micro_f1,
            "macro_f1": self.macro_f1,
            "accuracy": self.accuracy,
            "hamming": self.hamming,
            "samples": len(self.true),
            "classes": {
                str(name): {
                    "precision": float(p),
                    "recall": float(r),
                    "f1": float(f),
                    "samples": int(n),
                }
                for name, p, r, f, n in rows
            },
        }
