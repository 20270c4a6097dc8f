"""Handlers of LSTM, GRU and RNN: layers of this library."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....validation import Array
from ..recurrent_node import INPUTS, RecurrentNode
from .constants import Spread, is_sizes
from .dense import constant
from .dims import size_of
from .graph_reader import GraphReader, handler
from .packed import mask_of_lengths
from .parts import part_of
from .views import Atom, Source, View, resolved


class _Sequences(Source):
    """The output of every step, which knows that a direction ends with the state."""

    reader: GraphReader
    state: View | None = None  # (directions, batch, units) or (batch, directions, units)
    reverse: tuple[bool, ...] = ()

    def part_of_axis(self, axis: Any, key: Any) -> Source | None:
        """Return the state for the last step of the only direction; else None."""
        if len(self.reverse) != 1 or self.state is None or not self._ends(0, axis, key):
            return None
        return self.state.source

    def end_of(self, part: Any, axis: Any, key: Any) -> Source | None:
        """Return the state for the last step of one of two directions; else None.

        `part` is the direction; `axis` and `key` are what is taken of it.
        """
        if self.state is None or len(self.reverse) != 2:
            return None
        own = resolved(part.view.axes[part.axis])
        at = next((k for k, a in enumerate(self.state.axes) if resolved(a) == own), None)
        if at is None or not self._ends(part.key % 2, axis, key):
            return None
        return part_of(self.reader, self.state, at, part.key).source

    def _ends(self, direction: int, axis: Any, key: Any) -> bool:
        """Return True if a place along an axis is the last step that a direction computes."""
        if isinstance(key, slice) or resolved(self.axes[1]) != axis:
            return False
        if self.reverse[direction]:
            return bool(key == 0)
        n = axis[0].size if len(axis) == 1 else None
        return bool(key == -1 or (isinstance(n, int) and key == n - 1))


class _Call:
    """A recurrent node as a layer, called when the first of its outputs is asked for."""

    def __init__(self, reader: GraphReader, node: RecurrentNode, key: str) -> None:
        self.reader, self.node, self.key = reader, node, key
        self.x: Any = None
        self.mask: Any = None
        self.some_steps: Any = None  # (batch, 1), 0 for rows without steps
        self.states: list[Any] = []
        self.weights: list[list[Array]] = []
        self.units = 0
        self.peephole = False
        self._made: dict[str, Any] | None = None

    def output(self, name: str) -> Any:
        """Return the tensor "Y", "Y_h" or "Y_c"; of both directions one after the other."""
        self.reader.learned.used.setdefault(self.key, set()).add(name)
        if self.reader.plan is None:
            return None
        if self._made is None:
            self._made = self._call(self.reader.plan.used.get(self.key, {name}))
        return self._made[name]

    def _call(self, used: set[str]) -> dict[str, Any]:
        node, both = self.node, len(self.node.reverse) == 2
        sequences = "Y" in used
        # the state alone is what a layer returns by itself
        states = "Y_c" in used or (sequences and "Y_h" in used)

        def make(**options: Any) -> Any:
            from ....layers import Bidirectional

            name = options.pop("name")
            if not both:
                return self._layer(0, sequences, states, name=name, **options)
            made = [
                self._layer(k, sequences, states, name=f"{direction}_{name}", **options)
                for k, direction in enumerate(("forward", "backward"))
            ]
            return Bidirectional(made[0], backward_layer=made[1], name=name, **options)

        weights = [w for own in self.weights for w in own]
        options = {} if self.mask is None else {"mask": self.mask}
        if self.states:
            options["initial_state"] = self.states
        kind = ("bidirectional_" if both else "") + node.kind.lower()
        y = self.reader.call(make, self.x, kind=kind, weights=weights, **options)
        parts = list(y) if isinstance(y, tuple) else [y]
        return self._named(parts, sequences, states)

    def _named(self, parts: list[Any], sequences: bool, states: bool) -> dict[str, Any]:
        """Return the outputs of the layer by their names in the standard."""
        one, *ends = parts
        made: dict[str, Any] = {}
        if not sequences and not states:
            return {"Y_h": self._state(one)}
        if sequences:
            turned = self.node.reverse == (True,)
            y = self.reader.item(one, (slice(None), slice(None, None, -1))) if turned else one
            made["Y"] = y if self.mask is None else self.reader.op("copy", y)  # drops the mask
        if states:
            count = len(ends) // len(self.node.reverse)
            for k, name in enumerate(("Y_h", "Y_c")[:count]):
                own = ends[k::count]
                made[name] = self._state(own[0] if len(own) == 1 else self._joined(own))
        return made

    def _state(self, state: Any) -> Any:
        """Return a last state, which is 0 in rows without steps, whatever the initial one."""
        if self.some_steps is None:
            return state
        return self.reader.op("multiply", state, self.some_steps)

    def _joined(self, states: list[Any]) -> Any:
        def make(**options: Any) -> Any:
            from ....layers import Concatenate

            return Concatenate(**options)

        return self.reader.call(make, *states, kind="states")

    def _layer(self, k: int, sequences: bool, states: bool, **options: Any) -> Any:
        from .... import layers

        node = self.node
        functions = [f.activation(node.clip) for f in node.functions[k]]
        common = {
            "units": self.units,
            "return_sequences": sequences,
            "return_state": states,
            "go_backwards": node.reverse[k],
            "use_bias": len(self.weights[k]) > 2 + self.peephole,
            "zero_output_for_mask": self.mask is not None and sequences,
            **options,
        }
        if node.kind == "RNN":
            return layers.SimpleRNN(activation=functions[0], **common)
        common |= {"recurrent_activation": functions[0], "activation": functions[1]}
        if node.kind == "GRU":
            return layers.GRU(reset_after=node.reset_after, **common)
        output = node.functions[k][2].activation()  # ONNX Runtime does not clip its input
        return layers.LSTM(
            variant="CIFG" if node.coupled else "vanilla",
            peephole=self.peephole,
            unit_forget_bias=False,
            output_activation=output if node.clip or output is not functions[1] else None,
            **common,
        )


@handler("LSTM", "GRU", "RNN")
def recurrent(reader: GraphReader, node: Any, *arrays: Any) -> list[Any]:
    """Read a recurrent node."""
    one = RecurrentNode.of(node)
    given = dict(zip(INPUTS[one.kind], arrays, strict=False))
    x = given["X"]
    if not isinstance(x, View):
        raise ValueError("X: expected what depends on the inputs")
    shapes = {
        name: tuple(size_of(n) for n in (a.shape if isinstance(a, View | Spread) else np.shape(a)))
        for name, a in given.items()
        if a is not None
    }
    one.check(shapes)
    time, batch = (x.axes[1], x.axes[0]) if one.batch_first else (x.axes[0], x.axes[1])
    reader.note_batch(batch)
    if not resolved(batch):
        raise ValueError("X: its batch is of one row, and no axis of an input: time alone")
    call = _Call(reader, one, node.output[0] or next(name for name in node.output if name))
    call.x = reader.materialized(x, (batch, time, x.axes[2]))
    call.units = given["R"].shape[2]
    call.weights = [_weights(one, k, given) for k in range(len(one.reverse))]
    call.peephole = given.get("P") is not None
    call.states = _initial_states(reader, one, given, call, batch)
    lengths = given.get("sequence_lens")
    if lengths is not None:
        call.mask, some_steps = mask_of_lengths(reader, x, lengths, call.x)
        call.some_steps = some_steps if call.states else None
    return _views(one, call, x, batch, time, lengths is None)


def _weights(node: RecurrentNode, k: int, given: dict[str, Any]) -> list[Array]:
    """Return the weights of one direction in the order of our layers."""
    arrays = [None if given.get(name) is None else constant(given[name], name) for name in "WRBP"]
    w, r, b, p = arrays
    assert w is not None
    assert r is not None
    return [a for a in node.keras_weights(k, w, r, b, p) if a is not None]


def _views(
    node: RecurrentNode, call: _Call, x: View, batch: Any, time: Any, unmasked: bool
) -> list[Any]:
    count = len(node.reverse)
    direction = (Atom(2),) if count == 2 else ()
    units = (Atom(call.units),)
    both = (*direction, *units)
    y = _Sequences(lambda: call.output("Y"), (batch, time, both))
    h = Source(lambda: call.output("Y_h"), (batch, both))
    if node.batch_first:
        views = [x.on(y, (batch, time, direction, units)), x.on(h, (batch, direction, units))]
    else:
        views = [x.on(y, (time, direction, batch, units)), x.on(h, (direction, batch, units))]
    if unmasked:
        y.reader, y.state, y.reverse = call.reader, views[1], node.reverse
    if node.kind == "LSTM":
        c = Source(lambda: call.output("Y_c"), (batch, both))
        views.append(x.on(c, views[1].axes))
    return views


def _initial_states(
    reader: GraphReader, node: RecurrentNode, given: dict[str, Any], call: _Call, batch: Any
) -> list[Any]:
    """Return the initial states as tensors (batch, units), direction by direction; [] for 0."""
    names = [n for n in ("initial_h", "initial_c") if n in INPUTS[node.kind]]
    values = [given.get(name) for name in names]
    if all(_is_zero(value) for value in values):
        return []
    axis = 1 if node.batch_first else 0
    return [
        _state(reader, value, k, axis, call) for k in range(len(node.reverse)) for value in values
    ]


def _is_zero(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return not is_sizes(value) and not value.any()
    return value is None or (isinstance(value, Spread) and value.is_zero)


def _state(reader: GraphReader, value: Any, k: int, axis: int, call: _Call) -> Any:
    """Return one direction's state."""
    if isinstance(value, View):
        reader.note_batch(value.axes[1 - axis])
        one = value
        if resolved(value.axes[axis]):
            one = part_of(reader, value, axis, k)
        else:
            one = value.with_axes([a for j, a in enumerate(value.axes) if j != axis])
        return reader.materialized(one, one.axes)
    if not reader.makes_layers:
        return None
    array = np.zeros(1) if value is None else value.array if isinstance(value, Spread) else value
    if array.ndim == 3:
        array = array.take(min(k, array.shape[axis] - 1), axis)
        if array.shape[0] != 1:
            raise ValueError("initial states that are constant, one for each row of the batch")
    row = np.broadcast_to(array.reshape(-1), (call.units,)).astype(reader.dtype)
    zeros = reader.op("zeros_like", reader.item(call.x, (slice(None), 0, slice(1))))
    return reader.op("add", zeros, row)
