"""Attention: values averaged by how well their keys fit a query."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy

from ..autodiff.derivatives import matmul, where
from .activations import softmax
from .operation import op
from .types import floating, floats, plain, tensor


@op
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """Return the values, averaged by the softmax of the products of query and keys.

    Parameters
    ----------
    query : array_like, (batch, queries, heads, size)
    key, value : array_like, (batch, keys, groups, size)
        `groups` is the number of heads, or divides it.
    bias : array_like, (batch, heads, queries, keys), optional
        Added to the scores; sizes of 1 are broadcast.
    mask : array_like of bool, (batch, heads, queries, keys), optional
        True where a query sees a key; sizes of 1 are broadcast.
    scale : float, optional
        The factor of the products; the default is 1 / sqrt(size).
    is_causal : bool, default False
        A query sees no later keys.
    flash_attention : optional
        Ignored: it names an algorithm, not a result.
    attn_logits_soft_cap : float, optional
        Scores s become cap * tanh(s / cap).

    Returns
    -------
    array, (batch, queries, heads, size)
    """
    query, key, value = floats(tensor(query), tensor(key), tensor(value))
    if np.ndim(query) != 4 or np.ndim(key) != 4 or np.ndim(value) != 4:
        shapes = [np.shape(query), np.shape(key), np.shape(value)]
        raise ValueError(
            f"dot_product_attention: expected arrays (batch, time, heads, size), got {shapes}"
        )
    heads = np.shape(query)[2]
    if np.shape(key)[2] != heads:
        groups = numpy.arange(heads) // (heads // np.shape(key)[2])
        key, value = key[:, :, groups], value[:, :, groups]
    q, k, v = (np.swapaxes(x, 1, 2) for x in (query, key, value))
    scores = matmul(q, np.swapaxes(k, -1, -2))
    scores = scores * (np.shape(query)[3] ** -0.5 if scale is None else scale)
    if attn_logits_soft_cap is not None:
        scores = attn_logits_soft_cap * np.tanh(scores / attn_logits_soft_cap)
    if bias is not None:
        scores = scores + floating(bias)
    seen = None if mask is None else plain(mask).astype(bool)
    if is_causal:
        earlier = numpy.tri(np.shape(q)[2], np.shape(k)[2], dtype=bool)
        seen = earlier if seen is None else seen & earlier
    if seen is not None:
        scores = where(seen, scores, numpy.finfo(scores.dtype).min / 2)
    return np.swapaxes(matmul(softmax(scores), v), 1, 2)
