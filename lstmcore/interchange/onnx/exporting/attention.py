"""Attention and AdditiveAttention; the scores and masks that all attention layers share."""

from __future__ import annotations

import numpy as np

from ....layers import AdditiveAttention, Attention
from .builder import Builder, Call, Value
from .table import exports


def weights_of(b: Builder, scores: str, unmasked: str | None) -> str:
    """Return the softmax of scores; masked ones are 0, also where all of them are."""
    if unmasked is None:
        return b("Softmax", scores, axis=-1)
    lowest = np.finfo(b.dtype).min / 2
    weights = b("Softmax", b("Where", unmasked, scores, float(lowest)), axis=-1)
    return b("Where", unmasked, weights, 0.0)


def seen_before(b: Builder, queries: str, keys: str) -> str:
    """Return the mask (queries, keys) that lets each step see those up to its own."""
    return b("GreaterOrEqual", b("Unsqueeze", queries, [1]), b("Unsqueeze", keys, [0]))


def mask_of(call: Call, k: int) -> Value | None:
    """Return the mask of query, value or key; None if there is no such input or no mask."""
    return call.inputs[k].mask if k < len(call.inputs) else None


@exports(Attention, AdditiveAttention)
def _attention(b: Builder, call: Call) -> list[Value]:
    query, value, key = call.inputs[0], call.inputs[1], call.inputs[-1]
    query_mask, value_mask = mask_of(call, 0), mask_of(call, 1)
    query.size(2)
    scores = _scores(b, call, query, key)
    unmasked = None if value_mask is None else b("Unsqueeze", value_mask, [1])
    if call.options.get("use_causal_mask"):
        unmasked = b.either(unmasked, seen_before(b, b.steps(query), b.steps(value)))
    weights = weights_of(b, scores, unmasked)
    y = b("MatMul", weights, b.zeroed(value, value_mask, 3))
    y = b.zeroed(y, query_mask, 3)
    shape = call.layer.compute_output_shape(call.shapes())
    made = [call.value(y, shape, query_mask)]
    if call.options.get("return_attention_scores"):
        sizes = (*query.shape[:-1], value.shape[1])
        made.append(call.value(weights, sizes, query_mask))
    return made


def _scores(b: Builder, call: Call, query: Value, key: Value) -> str:
    layer = call.layer
    scale = None if layer.scale is None else b.weight(layer.scale)
    if type(layer) is AdditiveAttention:
        return _additive(b, query.name, key.name, scale)
    if layer.concat_score_weight is None:
        scaled = query.name if scale is None else b("Mul", query, scale)
        return b("MatMul", scaled, b("Transpose", key, perm=[0, 2, 1]))
    parts = [x.name if scale is None else b("Mul", x, scale) for x in (query, key)]
    summed = _additive(b, parts[0], parts[1], None)
    return b("Mul", summed, b.weight(layer.concat_score_weight))


def _additive(b: Builder, query: str, key: str, scale: str | None) -> str:
    """Return the sums over the features of ``scale * tanh(query + key)``."""
    pairs = b("Tanh", b("Add", b("Unsqueeze", query, [2]), b("Unsqueeze", key, [1])))
    pairs = pairs if scale is None else b("Mul", pairs, scale)
    return b.reduced("ReduceSum", pairs, [-1])
