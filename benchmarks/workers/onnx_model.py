"""Cases as ONNX models: the LSTM operator, time-major by default."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.harness.cases import Case, Weights

OPSET, IR_VERSION = 17, 9


def _gates_iofc(array: np.ndarray) -> np.ndarray:
    """Reorder gates i, f, c, o on the last axis to i, o, f, c on the first axis."""
    i, f, c, o = np.split(array.T, 4)
    return np.concatenate([i, o, f, c])


def _operands(directions: list[Weights]) -> list[np.ndarray]:
    """Return W, R and B of the LSTM operator, with a row per direction; half of B is zero."""
    w = np.stack([_gates_iofc(kernel) for kernel, _, _ in directions])
    r = np.stack([_gates_iofc(recurrent) for _, recurrent, _ in directions])
    b = np.stack([_gates_iofc(bias) for _, _, bias in directions])
    return [w, r, np.concatenate([b, np.zeros_like(b)], axis=1)]


def build(case: Case) -> bytes:
    """Return a serialized model from x (T, B, inputs) to y (T, B, width), with fixed shapes.

    The single layer of a stateful case also takes h and c (1, B, H), and returns them after y.
    """
    nodes, tensors = [], []

    def constant(name: str, value: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    weights, source = case.weights(), "x"
    for layer in range(case.layers):
        directions = weights[layer * case.directions : (layer + 1) * case.directions]
        operands = zip("WRB", _operands(directions), strict=True)
        names = [constant(f"{letter}{layer}", value) for letter, value in operands]
        out = "y" if layer == case.layers - 1 else f"y{layer}"
        nodes.append(
            helper.make_node(
                "LSTM",
                [source, *names, *(["", "h", "c"] if case.stateful else [])],
                # (T, directions, B, H) and the states
                [f"all{layer}", *(["h1", "c1"] if case.stateful else [])],
                hidden_size=case.hidden,
                direction="bidirectional" if case.bidirectional else "forward",
            )
        )
        if case.bidirectional:
            shape = constant(f"shape{layer}", np.array([0, 0, -1], np.int64))
            nodes.append(
                helper.make_node("Transpose", [f"all{layer}"], [f"t{layer}"], perm=[0, 2, 1, 3])
            )
            nodes.append(helper.make_node("Reshape", [f"t{layer}", shape], [out]))
        else:
            axis = constant(f"axis{layer}", np.array([1], np.int64))
            nodes.append(helper.make_node("Squeeze", [f"all{layer}", axis], [out]))
        source = out

    def value(name: str, features: int) -> onnx.ValueInfoProto:
        shape = [case.steps, case.batch, features]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def states(*names: str) -> list[onnx.ValueInfoProto]:
        shape = [1, case.batch, case.hidden]
        wanted = names if case.stateful else ()
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in wanted]

    takes = [value("x", case.inputs), *states("h", "c")]
    gives = [value("y", case.width), *states("h1", "c1")]
    graph = helper.make_graph(nodes, case.name, takes, gives, tensors)
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def time_major(case: Case) -> np.ndarray:
    """Return the case's input for the model, (T, B, inputs)."""
    return np.ascontiguousarray(case.x().swapaxes(0, 1))


def batch_major(y: np.ndarray) -> list[np.ndarray]:
    """Return the model's output in the common format."""
    return [y.swapaxes(0, 1)]
