"""Bidirectional: one ONNX node of both directions if they are alike, or one for each."""

from __future__ import annotations

from typing import Any

from ....layers import GRU, LSTM, RNN, Bidirectional, SimpleRNN
from .builder import Builder, Call, Value
from .masks import Rows, rows_of
from .recurrent import (
    Ran,
    features_of,
    given_states,
    mask_of_outputs,
    output_state,
    outputs,
    run_layer,
    sequence,
)
from .recurrent_nodes import Node, add_node, alike, nodes_of
from .table import exports


@exports(Bidirectional)
def _bidirectional(b: Builder, call: Call) -> list[Value]:
    layer, rows = call.layer, rows_of(b, call.mask)
    if b.stateful:
        raise call.refused("stateful", "False: the other direction begins at the end", True)
    pair = [layer.forward_layer, layer.backward_layer]
    for one in pair:
        if type(one) not in (LSTM, GRU, SimpleRNN, RNN):
            wanted = "LSTM, GRU, SimpleRNN, or RNN of their cells"
            raise call.refused("layer", wanted, f"{one.name!r} ({type(one).__name__})")
    call.check_fits((features_of(pair[0]),))
    given = given_states(call)
    halves = [None, None] if given is None else [given[: len(given) // 2], given[len(given) // 2 :]]
    nodes = [nodes_of(call, one) for one in pair]
    single = [n[0] for n in nodes if len(n) == 1]
    operators = [n for n in single if isinstance(n, Node)]
    if len(operators) == 2 and alike(operators):
        ran, joined = _run_both(b, call, operators, rows, given)
    else:
        ran = [
            run_layer(b, call, one, call.x.name, rows, half)
            for one, half in zip(pair, halves, strict=True)
        ]
        joined = None
    merged = [joined] if joined is not None else _merge(b, call, pair, ran, rows)
    mask = mask_of_outputs(b, call, rows, layer.forward_layer.go_backwards)
    states = [s for each in ran for s in each.states]
    return outputs(call, [*merged, *states], mask, masks=len(merged))


def _run_both(
    b: Builder, call: Call, nodes: list[Node], rows: Rows | None, given: list[Value] | None
) -> tuple[list[Ran], str | None]:
    """Add one node of both directions; return what each gave, in the order of the layers.

    And the outputs of all steps side by side, if they are merged so: they stand so in Y.
    """
    turned = call.layer.forward_layer.go_backwards
    pair = nodes[::-1] if turned else nodes
    count = len(nodes[0].widths)
    begin: list[list[str]] = [[], []]
    if given is not None:
        names = [state.name for state in given]
        begin = [names[count:], names[:count]] if turned else [names[:count], names[count:]]
    wide = [
        b("Concat", *(b("Unsqueeze", s, [0]) for s in two), axis=0)
        for two in zip(*begin, strict=True)
    ]
    packed = call.x.name if rows is None else rows.packed(call.x.name)
    x = b("Transpose", packed, perm=[1, 0, 2])
    y, last = add_node(b, pair, "bidirectional", x, rows, wide)
    states: list[list[str]] = [[], []]
    carried = rows is not None and not call.layer.zero_output_for_mask
    if call.layer.return_state or not call.layer.return_sequences or carried:
        for s in last:
            for k, half in enumerate(b.several("Split", 2, s, axis=0, **_halves(b))):
                states[k].append(b("Squeeze", half, [0]))
        if rows is not None and given is not None:
            states = [rows.or_initial(*two) for two in zip(states, begin, strict=True)]
    joined, ys = None, ["", ""]
    if call.layer.return_sequences:
        y = b("Transpose", y, perm=[2, 0, 1, 3])
        if call.layer.merge_mode == "concat" and not turned and not carried:
            joined = b("Reshape", y, [0, 0, 2 * nodes[0].units])
            joined = joined if rows is None else rows.unpacked(joined, None, False)
        else:
            halves = b.several("Split", 2, y, axis=2, **_halves(b))
            ys = [b("Squeeze", half, [2]) for half in halves]
    order = (1, 0) if turned else (0, 1)
    before = [b("Unsqueeze", h[0], [1]) if h else None for h in begin]
    return [Ran(ys[k], states[k], before[k]) for k in order], joined


def _halves(b: Builder) -> dict[str, int]:
    return {"num_outputs": 2} if b.opset >= 18 else {}


def _merge(b: Builder, call: Call, pair: list[Any], ran: list[Ran], rows: Rows | None) -> list[str]:
    """Return the merged outputs, or both of them."""
    mode, backwards = call.layer.merge_mode, pair[0].go_backwards
    both = list(zip(pair, ran, strict=True))
    if call.layer.return_sequences:
        parts = [sequence(b, one, each, rows) for one, each in both]
    else:
        parts = [each.states[output_state(one)] for one, each in both]
    if mode == "concat":
        parts = [b("Concat", *parts, axis=-1)]
    elif mode is not None:
        parts = [b("Mul" if mode == "mul" else "Add", *parts)]
        parts = [b("Div", parts[0], 2.0)] if mode == "ave" else parts
    if backwards and call.layer.return_sequences:
        parts = [b.reversed(part, 1) for part in parts]
    return parts
