"""How well classes are told apart: a confusion matrix and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Evaluation:
    """What came out of an evaluation.

    Parameters
    ----------
    classes : tuple
    confusion : ndarray of int, (classes, classes)
        How many of each true class (rows) were taken for each (columns).
    loss : float
        The mean of minus the logarithm of the true class's probability.
    usual : int
        The number of the class that was the most frequent in training.
    """

    classes: tuple[Any, ...]
    confusion: Array
    loss: float
    usual: int

    @property
    def support(self) -> Array:
        """Samples of each class."""
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def accuracy(self) -> float:
        """The share of samples that are right."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def majority(self) -> float:
        """The accuracy of always saying the class that was the most frequent in training."""
        return float(self.support[self.usual] / self.confusion.sum())

    @property
    def precision(self) -> Array:
        """Of what was taken for each class, the share that is; 0 where nothing was."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> Array:
        """Of what is of each class, the share that was found; 0 where nothing is."""
        return _share(np.diag(self.confusion), self.support)

    @property
    def f1(self) -> Array:
        """The harmonic mean of precision and recall."""
        return _share(2 * np.diag(self.confusion), self.support + self.confusion.sum(axis=0))

    def to_json(self) -> dict[str, Any]:
        """Return everything, in what JSON has."""
        rows = zip(self.classes, self.precision, self.recall, self.f1, self.support, strict=True)
        return {
            "accuracy": self.accuracy,
            "majority_class_accuracy": self.majority,
            "loss": self.loss,
            "samples": int(self.confusion.sum()),
            "classes": {
                str(name): {
                    "precision": float(p),
                    "recall": float(r),
                    "f1": float(f),
                    "samples": int(n),
                }
                for name, p, r, f, n in rows
            },
            "confusion": self.confusion.tolist(),
        }


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def evaluate_classes(
    probabilities: Array, numbers: Array, classes: Sequence[Any], usual: int
) -> Evaluation:
    """Evaluate the probabilities of classes.

    Parameters
    ----------
    probabilities : ndarray, (samples, classes)
    numbers : ndarray of int, (samples,)
        The true classes.
    classes : sequence
    usual : int
        The most frequent class of the training.
    """
    n = len(classes)
    pairs = numbers * n + probabilities.argmax(axis=1)
    confusion = np.bincount(pairs, minlength=n * n).reshape(n, n)
    true = probabilities[np.arange(len(numbers)), numbers].astype(np.float64)
    loss = float(-np.log(np.maximum(true, np.finfo(np.float32).tiny)).mean())
    return Evaluation(tuple(classes), confusion, loss, usual)
