"""Attention, score by score."""

from __future__ import annotations

from typing import Any

import numpy as np

from .functions import Array


def attention_scores(query: Array, key: Array, weights: Array | None, scale: Any) -> Array:
    """Return the scores (B, heads, T, S) of queries (B, T, heads, F) and keys (B, S, heads, F).

    ``scale * (query @ key)``, or with weights (F,) the additive scores of Bahdanau et al. 2015,
    ``sum(weights * tanh(scale * (query + key)))``.
    """
    if weights is None:
        return np.asarray(scale * np.einsum("bthf,bshf->bhts", query, key))
    inside = np.tanh(scale * (query[:, :, None] + key[:, None]))
    return np.asarray(np.einsum("f,btshf->bhts", weights, inside))


def masked_softmax(scores: Array, seen: Array) -> Array:
    """Return weights that sum to 1 over the scores that are seen; all 0 where none is."""
    most = np.where(seen, scores.real, -np.inf).max(-1, keepdims=True)
    most = np.where(np.isneginf(most), 0, most)
    powers = np.where(seen, np.exp(np.where(seen, scores - most, 0)), 0)
    total = powers.sum(-1, keepdims=True)
    return powers / np.where(seen.any(-1, keepdims=True), total, 1)


def attention(
    query: Array,
    key: Array,
    value: Array,
    *,
    weights: Array | None = None,
    scale: Any = 1.0,
    seen: Any = True,
    factors: Any = 1.0,
) -> tuple[Array, Array]:
    """Return the means of the values, and the weights that they were taken with.

    Parameters
    ----------
    query : ndarray, (B, T, heads, F)
    key, value : ndarray, (B, S, key heads, F) and (B, S, key heads, V)
        With fewer heads than the queries, a divisor: each head serves as many that follow each
        other.
    weights : ndarray, (F,), optional
        Of additive scores.
    scale : float, default 1
    seen : array_like of bool
        What can be broadcast to (B, heads, T, S): True where a query sees a key.
    factors : array_like
        Dropout's factors for the weights, likewise.

    Returns
    -------
    y : ndarray, (B, T, heads, V)
    used : ndarray, (B, heads, T, S)
        The weights, before dropout.
    """
    serves = query.shape[2] // key.shape[2]
    key, value = np.repeat(key, serves, axis=2), np.repeat(value, serves, axis=2)
    scores = attention_scores(query, key, weights, scale)
    seen = np.broadcast_to(seen, scores.shape)
    used = masked_softmax(scores, seen)
    terms = (used * factors)[..., None] * value.transpose(0, 2, 1, 3)[:, :, None]
    y = np.where(seen[..., None], terms, 0).sum(3)
    return y.transpose(0, 2, 1, 3), used
