"""LSTM, GRU, SimpleRNN and RNN: an ONNX node each, and one for each cell of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ....layers import GRU, LSTM, RNN, LSTMCell, SimpleRNN, StackedRNNCells
from ....layers.symbolic import shape_leaves
from .builder import Builder, Call, Value
from .lstm_loop import Loop
from .masks import Rows, rows_of
from .recurrent_nodes import Node, add_node, nodes_of
from .table import exports


@dataclass(frozen=True)
class Ran:
    """What a layer over time gave, in the order of time: y of packed steps, and its states.

    Attributes
    ----------
    y : str
        (batch, time, units)
    states : list of str
        The last ones, (batch, units).
    begin : str or None
        The first of the states that y began with, (batch, 1, units); None for 0.
    """

    y: str
    states: list[str]
    begin: str | None


def run_layer(
    b: Builder, call: Call, layer: Any, x: str, rows: Rows | None, given: list[Value] | None
) -> Ran:
    """Add the nodes of a layer in one direction, one after the other."""
    nodes = nodes_of(call, layer)
    direction = "reverse" if layer.go_backwards else "forward"
    initial = _initial(b, call, nodes, given)
    packed = x if rows is None else rows.packed(x)
    y, ends, begin = b("Transpose", packed, perm=[1, 0, 2]), [], None
    for node in nodes:
        count = len(node.widths)
        states, initial = initial[:count], initial[count:]
        wide = [b("Unsqueeze", s, [0]) for s in states]
        if isinstance(node, Loop):
            found, last = node.add(b, layer.go_backwards, y, rows, wide)
        else:
            found, last = add_node(b, [node], direction, y, rows, wide)
        y = b("Squeeze", found, [1])
        begin = b("Unsqueeze", states[0], [1]) if states else None
        last = [b("Squeeze", s, [0]) for s in last]
        ends += last if rows is None or not states else rows.or_initial(last, states)
    if b.stateful:
        b.state_ends += ends
    return Ran(b("Transpose", y, perm=[1, 0, 2]), ends, begin)


def _initial(
    b: Builder, call: Call, nodes: Sequence[Node | Loop], given: list[Value] | None
) -> list[str]:
    """Return the initial states: those given, or inputs of the streaming form; [] for zeros."""
    if given is not None:
        if b.stateful:
            wanted = "none: in the streaming form the states are inputs of the model"
            raise call.refused("initial_state", wanted, f"{len(given)}")
        return [state.name for state in given]
    if not b.stateful:
        return []
    if call.x.kind != "steps":
        wanted = "a sequence that comes in chunk by chunk"
        raise call.refused("x", f"with stateful=True {wanted}", "the output of a whole one")
    made = [
        Value(b.fresh(f"{node.name}_{letter}", scoped=False), (None, width), b.dtype)
        for node in nodes
        for letter, width in zip("hcg", node.widths, strict=False)
    ]
    b.state_inputs += made
    return [value.name for value in made]


# -- outputs ---------------------------------------------------------------------------------------


def given_states(call: Call) -> list[Value] | None:
    """Return the call's initial states as one list, or None."""
    found = call.options.get("initial_state")
    if found is None:
        return None
    if call.options.get("constants") is not None:
        raise call.refused("constants", "None", "some")
    return _flat(call, found)


def _flat(call: Call, tree: Any) -> list[Value]:
    if isinstance(tree, Value):
        return [tree]
    if not isinstance(tree, list | tuple):
        raise call.refused("initial_state", "outputs of layers", type(tree).__name__)
    return [leaf for part in tree for leaf in _flat(call, part)]


def sequence(b: Builder, layer: Any, ran: Ran, rows: Rows | None) -> str:
    """Return the outputs of all steps in the order of time, masked ones included."""
    if rows is None:
        return ran.y
    if layer.zero_output_for_mask:
        return rows.unpacked(ran.y, None, layer.go_backwards)
    if rows.order is None and not layer.go_backwards:  # padding repeats the last output
        last = ran.states[output_state(layer)]
        return rows.unpacked(ran.y, b("Unsqueeze", last, [1]), False)
    return rows.unpacked(ran.y, ran.begin or b.constant(0.0), layer.go_backwards)


def output_state(layer: Any) -> int:
    """Return which of the last states is the output: h of the last cell."""
    if type(layer) is RNN and type(layer.cell) is StackedRNNCells:
        cells = layer.cell.cells
        sizes = [cell.described.states if type(cell) is LSTMCell else 1 for cell in cells]
        return sum(sizes[:-1])
    return 0


def mask_of_outputs(b: Builder, call: Call, rows: Rows | None, backwards: bool) -> Value | None:
    """Return the mask in the order of the outputs."""
    if rows is None or not call.layer.return_sequences:
        return None
    if not backwards:
        return rows.mask
    return Value(b.reversed(rows.mask, 1), rows.mask.shape, "bool")


@exports(LSTM, GRU, SimpleRNN, RNN)
def _recurrent(b: Builder, call: Call) -> list[Value]:
    layer, rows = call.layer, rows_of(b, call.mask)
    call.check_fits((features_of(layer),))
    if b.stateful and layer.go_backwards:
        raise call.refused("go_backwards", "False with stateful=True", True)
    ran = run_layer(b, call, layer, call.x.name, rows, given_states(call))
    if layer.return_sequences:
        y = sequence(b, layer, ran, rows)
        y = b.reversed(y, 1) if layer.go_backwards else y
    else:
        y = ran.states[output_state(layer)]
    mask = mask_of_outputs(b, call, rows, layer.go_backwards and layer.reverse_mask)
    return outputs(call, [y, *ran.states], mask)


def features_of(layer: Any) -> int:
    features = layer._features
    return int(features[0] if isinstance(features, tuple) else features)


def outputs(call: Call, names: list[str], mask: Value | None, masks: int = 1) -> list[Value]:
    """Return the outputs of a layer over time: the first `masks` are sequences, or not."""
    shapes = shape_leaves(call.layer.call_output_shape(call.shapes(), **call.options))
    sequences = call.layer.return_sequences
    made = []
    for k, (name, own) in enumerate(zip(names, shapes, strict=False)):
        steps = k < masks and sequences
        kind = call.kind if steps or call.kind == "fixed" else "last"
        made.append(call.value(name, own, mask if steps else None, kind=kind))
    return made
