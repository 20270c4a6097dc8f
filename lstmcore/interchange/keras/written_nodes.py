"""Calls of layers and ops in a graph, as Keras 3's configs of functional models have them.

A call has ``{"args": [...], "kwargs": {...}}``, in which ``__keras_tensor__`` stands for a symbolic
tensor: the name of the layer, the number of its call, and the number of the output.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ...layers import GetItem, GroupQueryAttention, MultiHeadAttention
from ...layers.base import Layer
from ...layers.core.input import InputLayer
from ...layers.symbolic import Node, SymbolicTensor, replace
from ...models.functional import Functional
from ...models.graph import Graph
from ...ops.layer import Operation, Place
from ...ops.operation import OPS
from ...structure import pack_like
from .keras3_names import operation

# Arguments of calls that Keras's layers have under the same names.
_OPTIONS = (
    *("attention_mask", "initial_state", "key_mask", "mask", "query_mask", "reverse"),
    *("return_attention_scores", "training", "use_causal_mask", "value_mask"),
)


class Calls:
    """The calls of a graph, numbered as Keras numbers them.

    Parameters
    ----------
    graph : Graph
    dtype : str
        The model's.
    names : dict of Layer to str
        The names of the layers in the file.
    """

    def __init__(self, graph: Graph, dtype: str, names: dict[Layer, str]) -> None:
        self.dtype, self.names = dtype, names
        self.nodes: dict[Layer, list[Node]] = {layer: [] for layer in graph.layers}
        for node in (*(s.node for s in graph.inputs), *(call.node for call in graph.calls)):
            self.nodes[node.layer].append(node)

    def place(self, tensor: SymbolicTensor) -> list[Any]:
        """Return [name of the layer, number of the call, number of the output]."""
        layer = tensor.node.layer
        return [self.names[layer], self.nodes[layer].index(tensor.node), tensor.position]

    def end(self, tensor: SymbolicTensor) -> list[Any]:
        """Return the same for the model's inputs and outputs, where Keras counts another way.

        There a functional model's first call is the one that made it.
        """
        name, number, position = self.place(tensor)
        return [name, number + isinstance(tensor.node.layer, Functional), position]

    def tensor(self, symbolic: SymbolicTensor) -> dict[str, Any]:
        """Return what stands for a symbolic tensor among the arguments of a call."""
        config = {
            "shape": list(symbolic.shape),
            "dtype": symbolic.dtype or self.dtype,
            "keras_history": self.place(symbolic),
        }
        return {"class_name": "__keras_tensor__", "config": config}

    def of(self, layer: Layer) -> list[dict[str, Any]]:
        """Return the calls of a layer or op."""
        if isinstance(layer, InputLayer):
            return []
        return [
            {"args": self._inputs(node), "kwargs": self._options(node)}
            for node in self.nodes[layer]
        ]

    def _inputs(self, node: Node) -> list[Any]:
        """Return the positional arguments of a call."""
        layer = node.layer
        tensors = [self.tensor(s) for s in node.inputs]
        if isinstance(layer, Operation):
            return list(_OpCall(layer).called_with(tensors).values())
        if isinstance(layer, GetItem):
            return [tensors[0], _key(layer.key)]
        if isinstance(layer, MultiHeadAttention | GroupQueryAttention):
            return tensors
        if isinstance(layer, Functional):
            return [pack_like(layer.input, tensors)]
        if node.form is not None:
            return [replace(node.form, self.tensor)]
        return [tensors if node.several else tensors[0]]

    def _options(self, node: Node) -> dict[str, Any]:
        """Return the arguments of a call that have names."""
        for name in node.options:
            if name not in _OPTIONS:
                raise node.layer.error(name, "an argument of a call that Keras has", name)
        return {
            name: _constant(node.layer, replace(value, self.tensor))
            for name, value in node.options.items()
        }


def is_op(layer: Layer) -> bool:
    """Return True for a node of the graph that is no layer in Keras."""
    return isinstance(layer, Operation | GetItem)


def op_config(layer: Layer) -> dict[str, Any]:
    """Return the config of an op in the graph."""
    if isinstance(layer, GetItem):
        module, name, made_with = "keras.src.ops.numpy", "GetItem", {}
    else:
        call = _OpCall(layer)
        module, name, made_with = call.keras.module, call.keras.name, call.made_with()
    config = {"name": layer.name, **made_with}
    return {"module": module, "class_name": name, "config": config, "registered_name": name}


class _OpCall:
    """A call of an op with its arguments by name, divided as Keras divides them."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        found = operation(layer.op)
        if found is None:
            raise layer.error("op", "an op that Keras can record", f"ops.{layer.op}")
        self.keras = found
        signature = inspect.signature(OPS[layer.op])
        self.given = dict(signature.bind(*layer.args, **layer.kwargs).arguments)
        used = {*found.made_with.values(), *found.called_with.values()}
        for name, value in self.given.items():
            if name not in used and value is not signature.parameters[name].default:
                wanted = f"an argument that Keras's {found.name} has"
                raise layer.error(f"ops.{layer.op}: {name}", wanted, f"{value!r:.80}")

    def made_with(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        pairs = self.keras.made_with.items()
        return {
            key: _constant(self.layer, self.given[own]) for key, own in pairs if own in self.given
        }

    def called_with(self, tensors: list[Any]) -> dict[str, Any]:
        """Return the arguments of the call, with these for the places of the inputs."""
        found: dict[str, Any] = {}
        for key, own in self.keras.called_with.items():
            if own not in self.given:
                continue
            value = _constant(self.layer, self.given[own], tensors)
            if key.startswith("*"):
                found |= {f"{key}{i}": part for i, part in enumerate(value)}
            else:
                found[key] = value
        return found


def _key(parts: list[Any]) -> list[Any]:
    """Return the key of a `GetItem`: numbers, slices, None and the ellipsis."""
    return [
        _slice(*part) if isinstance(part, list) else _ELLIPSIS if part == "..." else part
        for part in parts
    ]


_ELLIPSIS = {"class_name": "__ellipsis__", "config": {}}


def _slice(start: Any, stop: Any, step: Any) -> dict[str, Any]:
    return {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}


def _constant(layer: Layer, value: Any, tensors: list[Any] | None = None) -> Any:
    """Return an argument of a call as JSON; `tensors` stand for the places of the inputs."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Place) and tensors is not None:
        return tensors[value.index]
    if isinstance(value, list | tuple):
        return [_constant(layer, part, tensors) for part in value]
    if isinstance(value, dict):
        return {str(key): _constant(layer, part, tensors) for key, part in value.items()}
    if isinstance(value, slice):
        return _slice(value.start, value.stop, value.step)
    if value is Ellipsis:
        return _ELLIPSIS
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    if isinstance(value, np.ndarray):
        config = {"value": value.tolist(), "dtype": str(value.dtype)}
        return {"class_name": "__numpy__", "config": config}
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).name
    raise layer.error(
        "args", "numbers, texts and arrays, as Keras's files hold them", f"{value!r:.80}"
    )
