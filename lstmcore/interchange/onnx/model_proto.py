"""Graphs from untrusted ONNX files: parsed, and checked for what no reader could get right."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..extras import needed
from .recurrent_node import described

MICROSOFT = ("com.microsoft", "com.microsoft.nchwc", "com.microsoft.experimental")
LARGEST = 2**31 - 1  # bytes that protobuf can read


def read_proto(source: Any) -> Any:
    """Return the checked ModelProto of a path, of bytes or of a ModelProto.

    Raises
    ------
    ValueError
        If it is no ONNX model, or one that cannot be read as it was meant.
    """
    onnx = needed("onnx", "onnx")
    if isinstance(source, onnx.ModelProto):
        proto = source
    else:
        if not isinstance(source, bytes):
            path = os.fspath(source)
            if os.path.getsize(path) > LARGEST:
                raise ValueError(f"it has more than {LARGEST} bytes, which protobuf cannot read")
            with open(path, "rb") as file:
                source = file.read()
        proto = onnx.ModelProto()
        try:
            proto.ParseFromString(source)
        except Exception as error:
            raise ValueError(f"it is no ONNX model, or damaged: {error}") from None
    check(proto)
    return proto


def check(proto: Any) -> None:
    """Raise ValueError for a graph that is invalid, or that has what is never read."""
    if not proto.HasField("graph") or not proto.graph.node:
        raise ValueError("it has no graph of nodes, so it is no ONNX model")
    if not proto.opset_import:
        raise ValueError("opset_import: expected the version of the operators, got nothing")
    newest = needed("onnx", "onnx").defs.onnx_opset_version()
    for opset in proto.opset_import:
        if opset.domain in ("", "ai.onnx") and not 1 <= opset.version <= newest:
            raise ValueError(
                f"opset_import: expected versions 1 to {newest} of ai.onnx, got {opset.version}"
            )
    for opset in proto.opset_import:
        _check_text(opset.domain)
    _check_graph(proto.graph, set(), opset_version(proto))
    for function in proto.functions:
        for node in function.node:
            _check_subgraphs(node, None, opset_version(proto))
    unrolled(proto.graph)


def opset_version(proto: Any) -> int:
    """Return the version of the standard operators."""
    found = [o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")]
    return int(max(found, default=0))


def attribute(node: Any, name: str, default: Any = None) -> Any:
    """Return the value of an attribute of a node."""
    from onnx.helper import get_attribute_value

    found = next((a for a in node.attribute if a.name == name), None)
    return default if found is None else get_attribute_value(found)


def subgraphs(node: Any) -> Iterator[Any]:
    """Yield the graphs among the attributes of a node."""
    for a in node.attribute:
        if a.HasField("g"):
            yield a.g
        yield from a.graphs


def _check_graph(graph: Any, outer: set[str], version: int) -> None:
    """Check the tensors of a graph, and that every value is there before it is used."""
    _check_names(graph)
    known = set(outer)
    for tensor in graph.initializer:
        check_tensor(tensor)
        known.add(tensor.name)
    if graph.sparse_initializer:
        raise ValueError("sparse_initializer: sparse tensors are not read")
    known.update(value.name for value in graph.input)
    made: set[str] = set()
    for node in graph.node:
        missing = [name for name in node.input if name and name not in known]
        if missing:
            raise ValueError(
                f"{described(node)}: its input {missing[0]!r} is made by no node before it: "
                "the graph has a circle, or is not in order"
            )
        _check_node(node, version)
        _check_subgraphs(node, known, version)
        for name in node.output:
            if name in made or (name and name in known and name not in outer):
                raise ValueError(f"{described(node)}: its output {name!r} is made twice")
            if name:
                made.add(name)
                known.add(name)
    for value in graph.output:
        if value.name not in known:
            raise ValueError(f"output {value.name!r} is made by no node")


def _check_names(graph: Any) -> None:
    """Raise ValueError for names that are no text, which protobuf gives as bytes."""
    for part in (graph, *graph.initializer, *graph.input, *graph.output):
        _check_text(part.name)
    for value in graph.input:
        for n in value.type.tensor_type.shape.dim:
            _check_text(n.dim_param)
    for node in graph.node:
        named = (node.name, node.op_type, node.domain, *node.input, *node.output)
        for name in (*named, *(a.name for a in node.attribute)):
            _check_text(name)


def _check_text(name: Any) -> None:
    if not isinstance(name, str):
        raise ValueError(f"expected names of text, got {name!r:.80}")


def _check_subgraphs(node: Any, known: set[str] | None, version: int) -> None:
    for a in node.attribute:
        for tensor in (*([a.t] if a.HasField("t") else ()), *a.tensors):
            check_tensor(tensor, described(node))
        if a.HasField("sparse_tensor") or a.sparse_tensors:
            raise ValueError(f"{described(node)}: {a.name}: sparse tensors are not read")
    if known is not None:
        for graph in subgraphs(node):
            _check_graph(graph, known, version)


def _check_node(node: Any, version: int) -> None:
    """Check the attributes of a standard operator against its version of the standard."""
    from onnx import defs

    if node.domain not in ("", "ai.onnx"):
        if node.domain in MICROSOFT:
            raise ValueError(
                f"{described(node)}: {node.domain}.{node.op_type} is ONNX Runtime's own and no "
                "operator of the standard; it is not read"
            )
        return
    try:
        schema = defs.get_schema(node.op_type, version, "")
    except (defs.SchemaError, TypeError):
        raise ValueError(
            f"{described(node)}: opset {version} has no operator {node.op_type!r}"
        ) from None
    unknown = [a.name for a in node.attribute if a.name not in schema.attributes]
    if unknown:
        raise ValueError(
            f"{described(node)}: {unknown[0]}: opset {version} has no such attribute of "
            f"{node.op_type}"
        )
    _check_attributes(node, schema)
    given = len(node.input)
    while given and not node.input[given - 1]:
        given -= 1
    if not schema.min_input <= len(node.input) or given > schema.max_input:
        raise ValueError(
            f"{described(node)}: expected {schema.min_input} to {schema.max_input} inputs, got "
            f"{given}"
        )
    if len(node.output) > schema.max_output:
        raise ValueError(
            f"{described(node)}: expected at most {schema.max_output} outputs, got "
            f"{len(node.output)}"
        )


def _check_attributes(node: Any, schema: Any) -> None:
    """Check that attributes that must be there are, and that each has the type of the standard."""
    given = {a.name: a for a in node.attribute}
    for name, known in schema.attributes.items():
        if name not in given:
            if known.required:
                raise ValueError(f"{described(node)}: {name}: expected a value, got nothing")
            continue
        own = given[name]
        if own.type and not own.ref_attr_name and own.type != int(known.type.value):
            raise ValueError(
                f"{described(node)}: {name}: expected one of type {known.type.name}, got another"
            )


def check_tensor(tensor: Any, where: str = "") -> None:
    """Raise ValueError unless a tensor has its numbers with it, as many as it says.

    Numbers in a file of their own are refused, and that file is not opened.
    """
    from onnx import TensorProto, helper

    what = f"{where}: tensor" if where else f"tensor {tensor.name!r}"
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        location = {entry.key: entry.value for entry in tensor.external_data}.get("location")
        raise ValueError(
            f"{what}: its numbers are in another file, {location!r}, which is not opened: save "
            "the model with all data inside"
        )
    if tensor.HasField("segment"):
        raise ValueError(f"{what}: tensors in segments are not read")
    shape = list(tensor.dims)
    if any(n < 0 for n in shape):
        raise ValueError(f"{what}: expected sizes >= 0, got {shape}")
    count = 1
    for n in shape:
        count *= n
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{what}: unknown type of numbers {tensor.data_type}") from None
    if tensor.HasField("raw_data"):
        bits = _BITS.get(tensor.data_type, 8 * dtype.itemsize)
        wanted, got = (count * bits + 7) // 8, len(tensor.raw_data)
    else:
        wanted, got = count, _numbers(tensor)
        if tensor.data_type in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
            wanted *= 2
        if tensor.data_type in _BITS:
            wanted = (count * _BITS[tensor.data_type] + 7) // 8
    if got != wanted:
        raise ValueError(f"{what}: shape {shape} takes {wanted} bytes or numbers, it has {got}")


_BITS = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2}  # UINT4, INT4, FLOAT4E2M1, UINT2, INT2


def _numbers(tensor: Any) -> int:
    fields = ("float_data", "int32_data", "string_data", "int64_data", "double_data")
    return sum(len(getattr(tensor, name)) for name in (*fields, "uint64_data"))


def unrolled(graph: Any) -> None:
    """Raise ValueError for a loop over time that its exporter has unrolled.

    PyTorch's newer exporter splits the sequence into its steps and takes as many as the example
    had: longer sequences would silently lose their end.
    """
    split = {out: n for n in graph.node if n.op_type == "SplitToSequence" for out in n.output}
    taken: dict[str, int] = {}
    for node in graph.node:
        if node.op_type == "SequenceAt" and node.input[0] in split:
            taken[node.input[0]] = taken.get(node.input[0], 0) + 1
    for name, steps in taken.items():
        raise ValueError(
            f"{described(split[name])}: its loop over time was unrolled for {steps} steps when it "
            "was exported: other lengths would be silently wrong; export it with dynamo=False"
        )
