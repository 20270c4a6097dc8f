"""Layers that prepare numbers: scaling, bins, encodings, look-ups of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....layers import (
    CategoryEncoding,
    Discretization,
    IntegerLookup,
    Normalization,
    Rescaling,
)
from ....layers.preprocessing.rescaling import _EPSILON
from .builder import WHOLE, Builder, Call, Value
from .table import exports


def _spreads_over_features(array: np.ndarray) -> bool:
    """Return True if a constant is the same at every step."""
    return array.ndim < 2 or array.shape[-2] == 1


@exports(
    Rescaling,
    by_step=lambda call: all(
        _spreads_over_features(np.asarray(a)) for a in (call.layer.scale, call.layer.offset)
    ),
)
def _rescaling(b: Builder, call: Call) -> Value:
    scale, offset = (np.asarray(a, b.dtype) for a in (call.layer.scale, call.layer.offset))
    for array in (scale, offset):
        call.check_fits(array.shape)
    return call.output(b("Add", b("Mul", call.x, scale), offset), call.mask)


def _after_time(call: Call) -> bool:
    return 1 not in call.layer._statistic_axes(call.x.shape) or call.x.ndim == 2


@exports(Normalization, by_step=_after_time)
def _normalization(b: Builder, call: Call) -> Value:
    layer, x = call.layer, call.x
    for axis in layer._statistic_axes(x.shape):
        x.size(axis)
    mean, variance = layer._statistics(tuple(1 if n is None else n for n in x.shape))
    deviation = np.maximum(np.sqrt(variance), variance.dtype.type(_EPSILON))
    mean, deviation = (np.asarray(a, b.dtype) for a in (mean, deviation))
    if layer.invert:
        return call.output(b("Add", mean, b("Mul", x, deviation)), call.mask)
    return call.output(b("Div", b("Sub", x, mean), deviation), call.mask)


# -- encodings -------------------------------------------------------------------------------------


def _encoded(b: Builder, call: Call, ids: str, ndim: int, weights: str | None = None) -> Value:
    """Return indices in the layer's output mode; masked ones count in none."""
    layer, mask, mode = call.layer, call.mask, call.layer.output_mode
    one_column = mode == "one_hot" and ndim > 1 and call.x.size(ndim - 1) == 1
    if one_column:
        ids, ndim = b("Squeeze", ids, [ndim - 1]), ndim - 1
    same = b("Equal", b("Unsqueeze", ids, [ndim]), np.arange(layer.num_columns(), dtype=WHOLE))
    y = b.cast(same, b.dtype)
    if mode == "one_hot":
        return call.output(y, None if one_column else mask, dtype=b.dtype)
    if mask is not None and mask.ndim == ndim:
        y = b("Where", b.expanded(mask, ndim + 1), y, 0.0)
    if weights is not None:
        y = b("Mul", y, b("Unsqueeze", weights, [ndim]))
    op = "ReduceMax" if mode == "multi_hot" else "ReduceSum"
    return call.output(b.reduced(op, y, [ndim - 1]), dtype=b.dtype)


def _by_number(call: Call) -> bool:
    return call.layer.output_mode in ("int", "one_hot")


@exports(CategoryEncoding, by_step=_by_number)
def _category_encoding(b: Builder, call: Call) -> Value:
    if call.options.get("count_weights") is not None:
        raise call.refused("count_weights", "None", "weights")
    ids = call.x.name
    if call.mask is not None:  # masked numbers may be any
        zero = np.array(0, call.x.dtype)
        ids = b("Where", b.expanded(call.mask, call.x.ndim), call.x, zero)
    return _encoded(b, call, b.cast(ids, WHOLE), call.x.ndim)


@exports(Discretization, by_step=_by_number)
def _discretization(b: Builder, call: Call) -> Value:
    layer, x = call.layer, call.x
    if layer.bin_boundaries is None:
        raise call.refused("bin_boundaries", "some, or a call of adapt before", "none")
    bounds = np.asarray(layer.bin_boundaries, x.dtype)
    reached = b("GreaterOrEqual", b("Unsqueeze", x, [x.ndim]), bounds)
    mode = layer.output_mode
    kind = "int32" if mode == "int" else WHOLE
    ids = b.reduced("ReduceSum", b.cast(reached, kind), [x.ndim])
    if mode == "int":
        return call.output(ids, call.mask, dtype="int32")
    return _encoded(b, call, ids, x.ndim)


@exports(IntegerLookup, by_step=_by_number)
def _integer_lookup(b: Builder, call: Call) -> Value:
    layer: Any = call.layer
    if layer.invert:
        return call.output(_words(b, call), call.mask, dtype=WHOLE)
    if layer.num_oov_indices > 1:
        raise call.refused("num_oov_indices", "0 or 1", layer.num_oov_indices)
    if layer.output_mode == "tf_idf":
        raise call.refused("output_mode", "int, one_hot, multi_hot or count", "'tf_idf'")
    if layer.num_oov_indices == 0:
        raise call.refused("num_oov_indices", "1: a graph raises no errors", 0)
    layer._check_known()
    table = layer._table
    tokens = np.array(list(table), WHOLE)
    places = np.array(list(table.values()), WHOLE)
    unknown = len(layer._special) - 1
    ndim = call.x.ndim
    same = b("Equal", b("Unsqueeze", b.cast(call.x, WHOLE), [ndim]), tokens)
    moved = b("Where", same, places - unknown, np.int64(0))
    ids = b("Add", b.reduced("ReduceSum", moved, [ndim]), np.int64(unknown))
    if layer.output_mode == "int":
        return call.output(ids, call.mask, dtype=WHOLE)
    return _encoded(b, call, ids, ndim)


def _words(b: Builder, call: Call) -> str:
    """Return the tokens of indices; the token for unknown ones where there is none."""
    layer: Any = call.layer
    layer._check_known()
    words = np.array([*layer.get_vocabulary(), layer.oov_token], WHOLE)
    count, x = np.int64(len(words) - 1), b.cast(call.x, WHOLE)
    inside = b("And", b("GreaterOrEqual", x, np.int64(0)), b("Less", x, count))
    return b("Gather", words, b("Where", inside, x, count))
