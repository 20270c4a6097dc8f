"""A recurrent layer or cell as an ONNX node: its operator, arrays and activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....layers import (
    GRU,
    LSTM,
    RNN,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
)
from ....validation import Array
from .activations import InNode, in_node, without_clip
from .builder import Builder, Call
from .lstm_loop import Loop, needs_loop
from .masks import Rows

# columns of a kernel by gate, in ONNX's order
_ORDERS = {"LSTM": "iofc", "GRU": "zrh", "RNN": "h"}


@dataclass(frozen=True)
class Node:
    """A direction of a recurrent node: its operator, arrays and attributes.

    Attributes
    ----------
    op : {"LSTM", "GRU", "RNN"}
    name : str
        Of the layer or cell that it is of, for the names of states.
    units : int
    weights : list of ndarray or None
        W, R, B, P as the operator has them, without the axis of directions.
    activations : list of InNode
    attributes : dict
    """

    op: str
    name: str
    units: int
    weights: list[Array | None]
    activations: list[InNode]
    attributes: dict[str, Any]

    @property
    def widths(self) -> tuple[int, ...]:
        """The sizes of the states: h, and of an LSTM c."""
        return (self.units,) * (2 if self.op == "LSTM" else 1)


# -- a layer or cell as a node ---------------------------------------------------------------------


def _columns(array: Array, op: str, letters: str) -> Array:
    """Return (rows, gates * units) as (gates * units, rows) in ONNX's order, 0 for no gate."""
    parts = dict(zip(letters, np.split(array, len(letters), axis=-1), strict=True))
    empty = np.zeros_like(parts[letters[0]])
    ordered = [parts.get(letter, empty) for letter in _ORDERS[op]]
    return np.ascontiguousarray(np.concatenate(ordered, axis=-1).T)


def node_of(call: Call, layer: Any) -> Node | Loop:
    """Return the node of a recurrent layer or a cell; raise Refused for what it cannot be."""
    make = _NODES.get(type(layer))
    if make is None:
        wanted = "LSTM, GRU, SimpleRNN, their cells or stacks of these"
        raise call.refused("cell", wanted, f"{layer.name!r} ({type(layer).__name__})")
    made: Node | Loop = make(call, layer)
    return made


def _bias(layer: Any, op: str, letters: str) -> Array | None:
    """Return the biases of both products, one after the other; None if there are none."""
    if layer.bias is None:
        return None
    value = layer.bias.value
    if value.ndim == 1:
        value = np.stack([value, np.zeros_like(value)])
    return np.concatenate([_columns(row, op, letters) for row in value])


def _lstm(call: Call, layer: Any) -> Node | Loop:
    if needs_loop(layer):  # its clip is of the gates, not of the cell state
        return Loop(call, layer, layer.name)
    letters = "".join(layer.described.gates)
    inside, attributes = _functions(call, layer, "recurrent_activation", "activation")
    linear = InNode("Affine", (1.0,), (0.0,))
    output = layer.activation if layer.output_activation is None else layer.output_activation
    if layer.variant == "NIAF":
        inside[1] = linear
    if layer.variant == "NOAF":
        inside.append(linear)
    else:  # its argument is no pre-activation, which clip would cut
        option = "activation" if layer.output_activation is None else "output_activation"
        inside.append(in_node(call, option, output))
    attributes |= {"input_forget": 1} if layer.variant == "CIFG" else {}
    weights = [
        _columns(layer.kernel.value, "LSTM", letters),
        _columns(layer.recurrent_kernel.value, "LSTM", letters),
        _bias(layer, "LSTM", letters),
        _peepholes(layer, letters.replace("c", "")),
    ]
    return Node("LSTM", layer.name, layer.units, weights, inside, attributes)


def _functions(call: Call, layer: Any, *options: str) -> tuple[list[InNode], dict[str, Any]]:
    """Return the activations of the pre-activations, and the attribute that cuts these."""
    given = {name: getattr(layer, name) for name in options}
    functions, limit = without_clip(call, given)
    inside = [in_node(call, name, function) for name, function in functions.items()]
    return inside, {} if limit is None else {"clip": limit}


def _peepholes(layer: Any, letters: str) -> Array | None:
    if not layer.has_peepholes:
        return None
    rows = dict(zip(letters, layer.peephole_kernel.value, strict=True))
    empty = np.zeros(layer.units, layer.peephole_kernel.value.dtype)
    return np.concatenate([rows.get(letter, empty) for letter in "iof"])


def _gru(call: Call, layer: Any) -> Node:
    inside, attributes = _functions(call, layer, "recurrent_activation", "activation")
    weights = [
        _columns(layer.kernel.value, "GRU", "zrh"),
        _columns(layer.recurrent_kernel.value, "GRU", "zrh"),
        _bias(layer, "GRU", "zrh"),
        None,
    ]
    attributes |= {"linear_before_reset": int(layer.reset_after)}
    return Node("GRU", layer.name, layer.units, weights, inside, attributes)


def _rnn(call: Call, layer: Any) -> Node:
    inside, attributes = _functions(call, layer, "activation")
    weights = [
        _columns(layer.kernel.value, "RNN", "h"),
        _columns(layer.recurrent_kernel.value, "RNN", "h"),
        _bias(layer, "RNN", "h"),
        None,
    ]
    return Node("RNN", layer.name, layer.units, weights, inside, attributes)


_NODES: dict[type, Any] = {
    **{LSTM: _lstm, LSTMCell: _lstm, GRU: _gru, GRUCell: _gru},
    **{SimpleRNN: _rnn, SimpleRNNCell: _rnn},
}


def nodes_of(call: Call, layer: Any) -> list[Node | Loop]:
    """Return the nodes of a layer, one after the other: several of a stack of cells."""
    if type(layer) is not RNN:
        return [node_of(call, layer)]
    stack = type(layer.cell) is StackedRNNCells
    cells = layer.cell.cells if stack else [layer.cell]
    nodes = [node_of(call, cell) for cell in cells]
    if not stack:  # a cell that is alone has the name of its layer
        nodes[0] = replace(nodes[0], name=layer.name)
    return nodes


# -- the node in the graph -------------------------------------------------------------------------


def alike(nodes: Sequence[Node]) -> bool:
    """Return True if these can be the directions of one node."""
    first = nodes[0]
    return all(
        (n.op, n.units, n.attributes) == (first.op, first.units, first.attributes)
        and [w is None for w in n.weights] == [w is None for w in first.weights]
        for n in nodes
    )


def add_node(
    b: Builder,
    nodes: Sequence[Node],
    direction: str,
    x: str,
    rows: Rows | None,
    states: Sequence[str | None],
) -> tuple[str, list[str]]:
    """Add a recurrent node; return its Y (time, directions, batch, units) and its last states.

    Parameters
    ----------
    b : Builder
    nodes : sequence of Node
        One, or both directions.
    direction : {"forward", "reverse", "bidirectional"}
    x : str
        (time, batch, features)
    rows : Rows or None
    states : sequence of str or None
        The initial states, (directions, batch, units).
    """
    first = nodes[0]
    weights = [
        None if first.weights[k] is None else np.stack([n.weights[k] for n in nodes])  # type: ignore[misc]
        for k in range(4)
    ]
    w, r, bias, p = (
        None if a is None else b.constant(a, name) for a, name in zip(weights, "WRBP", strict=True)
    )
    inside = [each for n in nodes for each in n.activations]
    alpha = [float(a) for each in inside for a in each.alpha]
    beta = [float(a) for each in inside for a in each.beta]
    lengths = None if rows is None else rows.lengths
    begin = states or [None] * len(first.widths)
    y, *last = b.several(
        first.op,
        1 + len(first.widths),
        *(x, w, r, bias, lengths, *begin, p),
        hidden_size=first.units,
        direction=direction,
        activations=[each.name for each in inside],
        activation_alpha=alpha or None,
        activation_beta=beta or None,
        **first.attributes,
    )
    return y, last
