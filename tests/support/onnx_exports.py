"""Models as ONNX graphs, checked and run."""

import re

import numpy as np
import onnx
import pytest

from lstmcore import Input, Sequential
from lstmcore.interchange.onnx.exporting import model_bytes
from lstmcore.onnx import Runner

SEQUENCES = np.random.default_rng(3).normal(size=(3, 6, 4)).astype("float32")
CLOSE = 2e-6  # relative to the larger of 1 and the number


class Exported:
    """A graph that is run with the arrays of its inputs in their order."""

    def __init__(self, data):
        self.runner = Runner(data)

    def run(self, arrays):
        named = zip(self.runner.inputs, arrays, strict=True)
        feeds = {tensor.name: np.asarray(a, tensor.dtype) for tensor, a in named}
        return list(self.runner.run(feeds).values())


def checked(proto):
    """The graph, valid and with shapes that can be inferred."""
    onnx.checker.check_model(proto, full_check=True)
    assert {node.domain for node in proto.graph.node} == {""}
    return proto


def exported(model, **options):
    data = model_bytes(model, **options)
    checked(onnx.load_from_string(data))
    return Exported(data)


def same(found, wanted):
    """Shapes, types and numbers are the same, but for rounding."""
    assert [y.shape for y in found] == [y.shape for y in wanted]
    assert [y.dtype for y in found] == [y.dtype for y in wanted]
    for y, other in zip(found, wanted, strict=True):
        off = np.abs(y.astype(float) - other) / np.maximum(1, np.abs(other))
        assert np.max(off, initial=0) < CLOSE


def refused_by_name(model, layer, option, **options):
    """The export fails, and the error names the layer and its option; of a cell the cell's."""
    who = f"layer {layer.name!r} ({type(layer).__name__})"
    with pytest.raises(ValueError, match=f"{re.escape(who)}: {option}: expected .*, got .+"):
        model_bytes(model, **options)


def of_one(layer, **kwargs):
    """A model of a layer with weights that are nowhere alike."""
    model = Sequential([Input((None, 4)), layer], **kwargs)
    draws = np.random.default_rng(5)
    model.set_weights([draws.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def nodes(model, **options):
    """The recurrent nodes of its graph."""
    proto = checked(onnx.load_from_string(model_bytes(model, **options)))
    return [n for n in proto.graph.node if n.op_type in ("LSTM", "GRU", "RNN")]


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
