"""What counting alone foretells of a text: the floor that a model has to get below."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..validation import as_array

_PRIOR = 5.0  # a token counts as seen so often with each token before it, shared by frequency


def count_baselines(train: Any, test: Any, tokens: int) -> dict[str, float]:
    """Return the nats per token of a text from counts of another.

    Parameters
    ----------
    train, test : array_like of int
        Numbers of tokens; the first of the test only stands before the second.
    tokens : int
        How many there are in the vocabulary.

    Returns
    -------
    dict of str to float
        ``"unigram"``: by how frequent each token is; ``"bigram"``: by what follows what.
    """
    train, test = as_array(train, "int64", "train"), as_array(test, "int64", "test")
    counts = np.bincount(train, minlength=tokens)
    share = (counts + 1) / (len(train) + tokens)
    before, after = test[:-1], test[1:]
    pairs, times = np.unique(train[:-1] * tokens + train[1:], return_counts=True)
    wanted = before * tokens + after
    at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    together = np.where(pairs[at] == wanted, times[at], 0)
    follows = (together + _PRIOR * share[after]) / (counts[before] + _PRIOR)
    return {
        "unigram": float(-np.log(share[after]).mean()),
        "bigram": float(-np.log(follows).mean()),
    }
