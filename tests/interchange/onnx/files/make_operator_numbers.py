"""Freeze what ONNX Runtime computes for the operators that take the place of the evaluator's.

Run by hand where onnxruntime is installed: python make_operator_numbers.py
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import helper

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "support"))
from onnx_graphs import model, store  # noqa: E402

rng = np.random.default_rng(3)


def random(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def cases():
    """Triples (operator, inputs, attributes, opsets)."""
    for name in ("Softmax", "LogSoftmax", "Hardmax"):
        for attributes in ({}, {"axis": 0}, {"axis": 1}, {"axis": -1}):
            yield name, [random(2, 3, 2)], attributes, (9, 11, 13)
    for attributes in ({}, {"momentum": 0.5, "epsilon": 1e-3}):
        inputs = [random(2, 3, 2), random(3), random(3), random(3), abs(random(3))]
        yield "BatchNormalization", inputs, attributes, (7, 9, 14, 15)
    yield "Dropout", [random(3)], {"ratio": 0.5}, (7, 10)
    yield "Dropout", [random(3)], {}, (10, 13)
    yield "LRN", [random(1, 5, 2)[..., None]], {"size": 3, "alpha": 0.3}, (13,)
    yield "LRN", [random(1, 5, 2)[..., None]], {"size": 5, "bias": 2.0}, (13,)
    yield "GlobalMaxPool", [random(1, 2, 3)], {}, (9, 22)
    scatter = [random(3, 3), np.array([[2, 0, 1]]), random(1, 3)]
    yield "Scatter", scatter, {"axis": 0}, (9, 10)
    paddings = ({"pads": [0, 0]}, {"pads": [2, 1]}, *({"auto_pad": k} for k in AUTO))
    for stride, dilation, padding in itertools.product((1, 2), (1, 2), paddings):
        attributes = {"kernel_shape": [3], "strides": [stride], "dilations": [dilation], **padding}
        if dilation > 1 and padding in ({"auto_pad": AUTO[0]}, {"auto_pad": AUTO[1]}):
            continue  # ONNX Runtime refuses it
        yield "Conv", [random(1, 2, 7), random(2, 2, 3), random(2)], attributes, (11,)
        yield "Conv", [random(1, 2, 7), random(2, 1, 3)], {**attributes, "group": 2}, (22,)
        if "auto_pad" not in attributes:
            for n, ceil_mode in itertools.product((7, 8), (0, 1)):
                yield "MaxPool", [random(1, 1, n)], {**attributes, "ceil_mode": ceil_mode}, (12,)
        else:
            yield "MaxPool", [random(1, 1, 7)], attributes, (12,)
    two = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    yield "Conv", [random(1, 2, 4, 5), random(2, 2, 3, 2)], two, (11,)
    yield "MaxPool", [random(1, 2, 4, 5)], two, (11,)


AUTO = ("SAME_UPPER", "SAME_LOWER", "VALID")


def computed():
    for name, inputs, attributes, opsets in cases():
        for opset in opsets:
            feeds = {f"x{k}": a for k, a in enumerate(inputs)}
            node = helper.make_node(name, list(feeds), ["y"], name="node", **attributes)
            entries = {key: (a.dtype, a.shape) for key, a in feeds.items()}
            proto = model([node], entries, ["y"], opset=opset)
            session = onnxruntime.InferenceSession(proto.SerializeToString())
            yield proto, feeds, session.run(None, feeds)


if __name__ == "__main__":
    store(HERE / "operator_numbers.npz", list(computed()))
