"""Unigram and bigram baselines: the cross-entropy that a language model has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..validation import as_array

_PRIOR = 5.0  # pseudo-counts of each bigram context, distributed by unigram frequency


def count_baselines(train: Any, test: Any, tokens: int) -> dict[str, float]:
    """Return the cross-entropy of a text, in nats per token, under counts from another text.

    Parameters
    ----------
    train, test : array_like of int
        Numbers of tokens; the first token of `test` serves only as context.
    tokens : int
        The size of the vocabulary.

    Returns
    -------
    dict of str to float
        ``"unigram"``: from the frequency of each token; ``"bigram"``: from the frequency of each
        pair of successive tokens.
    """
    train, test = as_array(train, "int64", "train"), as_array(test, "int64", "test")
    counts = np.bincount(train, minlength=tokens)
    unigram = (counts + 1) / (len(train) + tokens)
    before, after = test[:-1], test[1:]
    pairs, pair_counts = np.unique(train[:-1] * tokens + train[1:], return_counts=True)
    test_pairs = before * tokens + after
    at = np.minimum(np.searchsorted(pairs, test_pairs), len(pairs) - 1)
    seen = np.where(pairs[at] == test_pairs, pair_counts[at], 0)
    bigram = (seen + _PRIOR * unigram[after]) / (counts[before] + _PRIOR)
    return {
        "unigram": float(-np.log(unigram[after]).mean()),
        "bigram": float(-np.log(bigram).mean()),
    }
