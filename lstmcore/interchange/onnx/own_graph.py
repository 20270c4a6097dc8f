"""Graphs that this library wrote: the very model, with its weights bit by bit.

A file says in its metadata which model it was made of. That is believed only if the model, with
the weights that the file has, gives the same graph byte by byte when it is exported again.

Where the weights stand in the graph, reordered and put together, is found by an export of the same
model with numbers for weights: each number leads from a place in a constant to one in a weight.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...layers.base import Layer
from ...layers.module import shapes_only
from ...saving.formats import LARGEST_HEADER
from ...saving.model_file import build
from ...validation import Array
from .exporting.model import ARCHITECTURE, Options, model_proto

_MOST = 1 << 22  # weights: their numbers plus 1/2 are exact in float32


def own_model(proto: Any) -> Any:
    """Return the model that a ModelProto was made of; None if that cannot be told for certain."""
    said = {entry.key: entry.value for entry in proto.metadata_props}
    text = said.get(ARCHITECTURE, "")
    if not text or len(text) > LARGEST_HEADER:
        return None
    try:
        config = json.loads(text)
        options = Options(**config["options"])
        options.check()
        if options.stateful or options.lengths:
            return None  # it has other inputs than the model
        model = _built(config, proto)
        if model is None or not _filled(model, options, proto):
            return None
        same = model_proto(model, options, None).graph == proto.graph
    except Exception:  # whatever is wrong with the text: the graph itself is to be read then
        return None
    return model if same else None


def _built(config: Any, proto: Any) -> Any:
    """Return the model of a config, without values of its weights; None if it has too many."""
    with shapes_only():
        model: Any = build({**config, "training": None})
        count = sum(int(np.prod(p.shape)) for _, p, _ in model.named_params())
    if count > min(_MOST, proto.ByteSize()):  # before any memory is taken
        return None
    model.materialize(initialize=False)
    return model


def _filled(model: Layer, options: Options, proto: Any) -> bool:
    """Give a model the weights of a graph; return False if some of them are not there."""
    weights = [param for _, param, _ in model.named_params()]
    count = 0
    for param in weights:
        size = param.value.size
        param.assign(np.arange(count + 1.5, count + size + 1).reshape(param.shape))
        count += size
    found, known = np.zeros(count), np.zeros(count, bool)
    numbered, given = (_constants(each) for each in (model_proto(model, options, None), proto))
    for name, numbers in numbered.items():
        values = given.get(name)
        if numbers.dtype.kind != "f" or values is None or values.shape != numbers.shape:
            continue
        places = numbers - 1.5
        inside = (places >= 0) & (places < count) & (places == np.floor(places))
        at = places[inside].astype(int)
        found[at], known[at] = values[inside], True
    start = 0
    for param in weights:
        size = param.value.size
        param.assign(found[start : start + size].reshape(param.shape))
        start += size
    return bool(known.all())


def _constants(proto: Any) -> dict[str, Array]:
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
