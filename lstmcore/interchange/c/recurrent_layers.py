"""Recurrent layers, in one direction and in both."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from . import cells
from .normalized_lstm import normalized_lstm
from .program import Program, Value
from .recurrent import Recurrent
from .refusal import refused
from .rows import Joined, Pointwise
from .table import has_form


def _lstm(program: Program, layer: Any, op: Recurrent) -> Value:
    made = normalized_lstm if layer.layer_norm else cells.lstm
    return made(program, layer, op)


MAKERS = {layers.LSTM: _lstm, layers.GRU: cells.gru, layers.SimpleRNN: cells.simple_rnn}


@has_form(*MAKERS)
def recurrent(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a recurrent layer."""
    (x,) = inputs
    if layer.return_state:
        raise refused(layer, "return_state=True")
    op = cells.start(program, layer, x, layer.go_backwards, layer.return_sequences)
    op.reverses = layer.go_backwards
    return MAKERS[type(layer)](program, layer, op)


@has_form(layers.Bidirectional)
def bidirectional(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add both directions and what merges them."""
    (x,) = inputs
    merge = layer.merge_mode
    if merge is None or layer.return_state:
        raise refused(layer, "merge_mode=None" if merge is None else "return_state=True")
    both = []
    for one in layer.sublayers():
        if type(one) not in MAKERS:
            raise refused(layer, f"layer={type(one).__name__}")
        op = cells.start(program, one, x, one.go_backwards, one.return_sequences)
        op.reverses = layer.forward_layer.go_backwards
        both.append(MAKERS[type(one)](program, one, op))
    width = sum(v.width for v in both) if merge == "concat" else both[0].width
    end, name = Value(width, both[0].timed), program.name_for(layer)
    if merge == "concat":
        return program.add(Joined(program, name, both, end))
    return program.add(Pointwise(program, name, both, end, formula=_MERGES[merge]))


_MERGES = {
    "sum": lambda o, a, b: a + b,
    "mul": lambda o, a, b: a * b,
    "ave": lambda o, a, b: (a + b) / np.float32(2),
}
