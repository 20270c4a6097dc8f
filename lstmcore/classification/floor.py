"""The floor of a classifier of texts: naive Bayes on character n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..layers.preprocessing.plain_texts import strip_html

Array = np.ndarray[Any, Any]
LONGEST = 4  # characters of an n-gram
MOST_TEXTS, MOST_CHARACTERS = 20_000, 500  # so that it takes seconds, whatever the data
SMOOTHING = 0.1


class NgramFloor:
    """Multinomial naive Bayes on the n-grams of 1 to 4 characters that a text has.

    It trains in a pass over the texts. Of many texts every second, third or so is read, and of
    each the first 500 characters.

    Examples
    --------
    >>> from lstmcore.classification.floor import NgramFloor
    >>> floor = NgramFloor().fit(["Petrov", "Ivanov", "Rossi", "Bianchi"], [0, 0, 1, 1], 2)
    >>> floor.predict(["Popov", "Ricci"]).tolist()
    [0, 1]
    """

    def fit(self, texts: Sequence[str], numbers: Any, classes: int) -> Self:
        """Count n-grams.

        Parameters
        ----------
        texts : sequence of str
        numbers : array_like of int, (texts,)
            The class of each text.
        classes : int
        """
        step = -(-len(texts) // MOST_TEXTS)
        numbers = np.asarray(numbers)[::step]
        self._columns: dict[str, int] = {}
        rows: list[int] = []
        columns: list[int] = []
        for text, number in zip(texts[::step], numbers.tolist(), strict=True):
            found = [self._columns.setdefault(gram, len(self._columns)) for gram in _grams(text)]
            columns += found
            rows += [number] * len(found)
        counts = np.zeros((classes, max(len(self._columns), 1)))
        np.add.at(counts, (np.array(rows, np.int64), np.array(columns, np.int64)), 1)
        counts += SMOOTHING
        self._weights = np.log(counts / counts.sum(1, keepdims=True)).T
        of_class = np.bincount(numbers, minlength=classes)
        self._prior = np.log((of_class + SMOOTHING) / (len(numbers) + SMOOTHING * classes))
        return self

    def predict(self, texts: Sequence[str]) -> Array:
        """Return the number of the most likely class of each text."""
        found = np.empty(len(texts), np.int64)
        for i, text in enumerate(texts):
            known = [self._columns[gram] for gram in _grams(text) if gram in self._columns]
            found[i] = (self._prior + self._weights[known].sum(0)).argmax()
        return found


def _grams(text: str) -> list[str]:
    """Return the different n-grams of a text, whose ends are spaces, in a fixed order."""
    plain = f" {' '.join(strip_html(text).lower().split())} "[:MOST_CHARACTERS]
    return list(
        dict.fromkeys(
            plain[i : i + n] for n in range(1, LONGEST + 1) for i in range(len(plain) - n + 1)
        )
    )
