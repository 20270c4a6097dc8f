"""Traces of recurrent layers: every gate, cell state and output of every step.

`Sequential.trace` and the recurrent layers' `trace` return them; `saturation` summarizes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _core, context
from .validation import Array

CANDIDATES = ("c", "h")  # candidate values, among the gates of a trace but no gates


@dataclass(frozen=True)
class Trace:
    """The gates and states of a recurrent layer's call, (batch, time, units), in input order.

    Parameters
    ----------
    gates : dict of str to ndarray
        After their activations, NaN at masked steps. LSTM: ``"i"``, ``"f"``, ``"c"`` (the
        candidate), ``"o"``, without those that the variant lacks; with CIFG f = 1 - i. GRU:
        ``"z"``, ``"r"``, ``"h"`` (the candidate). SimpleRNN: none.
    cell : ndarray or None
        LSTM: the cell state after each step, unchanged by masked steps.
    output : ndarray
        The layer's output with `return_sequences`, but in the order of the input.
    mask : ndarray of bool, (batch, time), or None
        True for unmasked steps; None if all are unmasked.
    """

    gates: dict[str, Array]
    cell: Array | None
    output: Array
    mask: Array | None = None


def read(packed: Any, tape: Any, y: Array, mask: Array | None, backwards: bool) -> Trace:
    """Make a trace from the tape of a forward call.

    Parameters
    ----------
    packed, tape, y
        The packed weights, and the results of a call in training that returned sequences.
    mask : ndarray of bool, (batch, time), or None
        In the order of the input.
    backwards : bool
        The call went from the last step to the first.
    """

    def ordered(a: Array) -> Array:  # always a copy: a view would keep the whole tape alive
        return np.array(a[:, ::-1] if backwards else a, order="C")

    values, c = _core.trace(packed, tape)
    cell = packed.cell
    gates: dict[str, Array] = {}
    if cell.kind != "rnn":
        gates = {name: ordered(a) for name, a in zip(cell.gates, values, strict=True)}
    if cell.variant == "CIFG":
        gates = {"i": gates["i"], "f": 1 - gates["i"], "c": gates["c"], "o": gates["o"]}
    mask = None if mask is None or mask.all() else mask
    return Trace(gates, None if c is None else ordered(c), ordered(y), mask)


class Saturation(NamedTuple):
    """Fractions of the steps in which a gate is nearly closed, nearly open; each (units,)."""

    left: Array
    right: Array


def saturation(trace: Trace, low: float = 0.1, high: float = 0.9) -> dict[str, Saturation]:
    """Return the fractions of the steps at which each unit's gates are saturated.

    As in section 4.2 of Karpathy et al., "Visualizing and Understanding Recurrent Networks"
    (2015): a unit whose forget gate is mostly right-saturated has a long memory, one whose forget
    gate is mostly left-saturated has hardly any.

    Parameters
    ----------
    trace : Trace
    low, high : float, default 0.1, 0.9
        A gate below `low` is left-saturated, one above `high` right-saturated.

    Returns
    -------
    dict of str to Saturation
        For each gate, without the candidates. Masked steps do not count; if all steps are masked,
        the fractions are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.inspection import saturation
    >>> from lstmcore.layers import LSTM
    >>> trace = LSTM(8).trace(np.zeros((2, 5, 3)))
    >>> saturation(trace)["f"].right.shape
    (8,)
    """
    shares = {}
    for name, gate in trace.gates.items():
        if name not in CANDIDATES:
            unmasked = gate.reshape(-1, gate.shape[-1]) if trace.mask is None else gate[trace.mask]
            n = len(unmasked) or np.nan
            shares[name] = Saturation((unmasked < low).sum(0) / n, (unmasked > high).sum(0) / n)
    return shares


# -- all layers of a model ---------------------------------------------------------------------


def inner_layers(layer: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, layer) for all nested layers, with the paths that their weights have."""
    if layer.sublayers():
        for name, inner in layer.named_sublayers():
            yield prefix + name, inner
            yield from inner_layers(inner, f"{prefix}{name}/")


@contextmanager
def watching(model: Any) -> Iterator[dict[str, Trace]]:
    """Collect traces of all recurrent layers that the model calls in the block, in this thread.

    The states of stateful layers are restored afterwards. The key is the layer's path, for its
    second use in a model followed by ``#2``, and so on.
    """
    traces: dict[str, Trace] = {}
    layers = list(inner_layers(model))
    paths = {id(layer): path for path, layer in reversed(layers)}
    uses: dict[str, int] = {}

    def watch(layer: Any, x: Array, mask: Array | None, initial_state: Any) -> None:
        path = paths.get(id(layer), layer.name)
        uses[path] = uses.get(path, 0) + 1
        key = path if uses[path] == 1 else f"{path}#{uses[path]}"
        traces[key] = layer.trace(x, mask, initial_state)

    before = [(layer, layer.states) for _, layer in layers if hasattr(layer, "states")]
    try:
        with context.changed(watcher=watch):
            yield traces
    finally:
        for layer, states in before:
            layer.states = states
