"""Models of layers from ONNX graphs."""

from __future__ import annotations

from typing import Any

from . import (  # noqa: F401  # each registers its handlers
    axes,
    comparisons,
    convolution,
    elementwise,
    normalization,
    packed,
    pairs,
    parts,
    products,
    recurrent,
    reductions,
    shapes,
)
from .graph_reader import GraphReader
from .plan import PinnedSize, Plan
from .views import View

_MOST_PINNED = 8  # names of sizes


def model_of(proto: Any) -> Any:
    """Return the model of a checked graph, with its weights.

    Parameters
    ----------
    proto : ModelProto

    Returns
    -------
    Sequential, Functional or AxesModel
        A chain of layers is a Sequential, any other graph a functional model. If some input or
        output has its batch elsewhere than first, the model is an `AxesModel`.

    Raises
    ------
    ValueError
        If a node cannot be read as layers; the message names it.
    """
    proto = _inlined(proto)
    pinned: dict[str, Any] = {}
    while True:
        try:
            reader, views = _read_twice(proto, pinned)
        except PinnedSize as found:
            if len(pinned) >= _MOST_PINNED or found.name in pinned:
                raise ValueError(f"its nodes take sizes for those of an example: {found}") from None
            pinned[found.name] = found.size
            continue
        break
    ends = [
        _end(reader, value.name, view)
        for value, view in zip(proto.graph.output, views, strict=True)
    ]
    model = _model(reader, ends, reader.plan or Plan())
    for layer, weights in reader.weights:
        layer.set_weights(weights)
    return model


def _read_twice(proto: Any, pinned: dict[str, Any]) -> tuple[GraphReader, list[View]]:
    first = GraphReader(proto, None, pinned)
    for value, view in zip(proto.graph.output, first.read(), strict=True):
        _end(first, value.name, view)
    reader = GraphReader(proto, first.learned.completed(proto.graph), pinned)
    return reader, reader.read()


def _inlined(proto: Any) -> Any:
    """Return a graph without functions of its own."""
    if not proto.functions:
        return proto
    from onnx.inliner import inline_local_functions

    return inline_local_functions(proto)


def _end(reader: GraphReader, name: str, view: View) -> tuple[Any, int]:
    """Return the tensor of an output, and the place of the batch among the axes of the graph."""
    try:
        tensor, order, _ = reader.standard(view)
    except ValueError as error:
        raise ValueError(f"output {name!r}: {error}") from None
    return tensor, order[0]


def _model(reader: GraphReader, ends: list[tuple[Any, int]], plan: Plan) -> Any:
    from ....layers import InputLayer
    from ....models import Functional
    from ....models.axes_model import AxesModel

    outputs = _distinct(reader, [tensor for tensor, _ in ends])
    used = _ancestors(outputs)
    inputs = {name: t for name, t in reader.inputs.items() if t.node.layer in used}
    if not inputs:
        raise ValueError("its outputs do not depend on its inputs")
    _name_outputs(reader, outputs)
    places = [plan.batch_axes[name] for name in inputs], [k for _, k in ends]
    form = list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values()))
    result = outputs if len(outputs) > 1 else outputs[0]
    if any(places[0]) or any(places[1]):
        return AxesModel(form, result, *places, name=_name(reader))
    model = Functional(form, result, name=_name(reader))
    chain = _chain(model)
    if chain is None:
        return model
    from ....models import Sequential

    first = model.inputs[0].node.layer
    assert isinstance(first, InputLayer)
    return Sequential([first, *chain], name=model.name)


def _name(reader: GraphReader) -> str:
    name = "".join(c if c.isalnum() or c in "_-." else "_" for c in reader.graph.name)[:64]
    return name.strip("_") or "onnx_graph"


def _distinct(reader: GraphReader, outputs: list[Any]) -> list[Any]:
    """Return the outputs as tensors that differ, none of them an input."""
    found: list[Any] = []
    for tensor in outputs:
        own = tensor in found or tensor in reader.inputs.values()
        found.append(reader.call(_identity, tensor, kind="identity") if own else tensor)
    return found


def _identity(**options: Any) -> Any:
    from ....layers import Identity

    return Identity(**options)


def _ancestors(tensors: list[Any]) -> set[Any]:
    """Return the layers that tensors depend on."""
    found: set[Any] = set()
    left = [tensor.node for tensor in tensors]
    done: set[Any] = set()
    while left:
        node = left.pop()
        if node in done:
            continue
        done.add(node)
        found.add(node.layer)
        left += [tensor.node for tensor in node.sources()]
    return found


def _name_outputs(reader: GraphReader, outputs: list[Any]) -> None:
    """Give the layers of outputs the names that the graph has for them."""
    for value, tensor in zip(reader.graph.output, outputs, strict=True):
        layer = tensor.node.layer
        single = tensor.node.single and len(layer.nodes) == 1
        plain = value.name.isidentifier() or value.name.replace(".", "").isalnum()
        if single and plain and not reader.names[value.name]:
            layer.name = reader.unique(value.name, "output")


def _chain(model: Any) -> list[Any] | None:
    """Return the layers of a model in which each has the output of the one before; else None."""
    calls = model.graph.calls
    if len(model.inputs) > 1 or len(model.outputs) > 1 or not calls:
        return None
    tensor = model.inputs[0]
    for call in calls:
        node = call.node
        if node.inputs != [tensor] or node.options or not node.single or len(call.layer.nodes) > 1:
            return None
        tensor = node.outputs[0]
    return [call.layer for call in calls] if tensor is model.outputs[0] else None
