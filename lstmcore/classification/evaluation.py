"""Evaluation of classifiers: confusion matrix, precision, recall, F1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Evaluation:
    """Result of the evaluation of a classifier.

    Parameters
    ----------
    classes : tuple
    confusion : ndarray of int, (classes, classes)
        Counts of samples by true class (rows) and predicted class (columns).
    loss : float
        The cross-entropy: the mean of -log p of the true class, in nats.
    usual : int
        The index of the most frequent class in training.
    """

    classes: tuple[Any, ...]
    confusion: Array
    loss: float
    usual: int

    @property
    def support(self) -> Array:
        """The number of samples of each class."""
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def accuracy(self) -> float:
        """The share of samples that are predicted correctly."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def majority(self) -> float:
        """The accuracy of always predicting the most frequent class in training."""
        return float(self.support[self.usual] / self.confusion.sum())

    @property
    def precision(self) -> Array:
        """Precision per class: true positives / predicted positives; 0 if none was predicted."""
        return ratio(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> Array:
        """Recall per class: true positives / samples of the class; 0 if there are none."""
        return ratio(np.diag(self.confusion), self.support)

    @property
    def f1(self) -> Array:
        """The harmonic mean of precision and recall."""
        return ratio(2 * np.diag(self.confusion), self.support + self.confusion.sum(axis=0))

    def to_json(self) -> dict[str, Any]:
        """Return all measures as JSON-serializable values."""
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


def ratio(part: Array, whole: Array) -> Array:
    """Return the quotients, 0 where the denominator is."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def evaluate_classes(
    probabilities: Array, numbers: Array, classes: Sequence[Any], usual: int
) -> Evaluation:
    """Evaluate predicted probabilities of classes.

    Parameters
    ----------
    probabilities : ndarray, (samples, classes)
    numbers : ndarray of int, (samples,)
        The true classes.
    classes : sequence
    usual : int
        The index of the most frequent class in training.
    """
    n = len(classes)
    pairs = numbers * n + probabilities.argmax(axis=1)
    confusion = np.bincount(pairs, minlength=n * n).reshape(n, n)
    true = probabilities[np.arange(len(numbers)), numbers].astype(np.float64)
    loss = float(-np.log(np.maximum(true, np.finfo(np.float32).tiny)).mean())
    return Evaluation(tuple(classes), confusion, loss, usual)
