"""Layers and models with a `call` of their own: what it records on symbolic tensors.

Python code may do on symbolic tensors what it does not on arrays: draw random numbers once, take
a branch. So the graph is run on arrays, and must compute what the layer does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .... import context
from ....inspection import inner_layers
from ....layers.base import Layer, registry
from ....layers.calls import masks_of_outputs
from ....layers.core.input import InputLayer
from ....layers.own_call import invoke
from ....layers.symbolic import SymbolicTensor
from ....models.graph import Graph
from ....structure import flatten, map_structure, pack_like
from ....validation import Array
from ..runner import Runner
from .builder import Builder, Refused, Value, onnx_type, refused

CLOSE = 1e-4  # the largest difference that is rounding, relative to the larger of 1 and the number
SIZES = ((2, 5), (3, 7))  # rows, and steps where their number is free, of trial inputs

Add = Callable[[Builder, Graph, list[Value], list[Layer]], list[Value]]


@dataclass(frozen=True)
class OwnCall:
    """A call of a layer, or model, whose `call` a user wrote.

    Attributes
    ----------
    layer : Layer
    inputs : list of Value
    options : dict
        The other arguments, with values in the place of arrays.
    form : list, tuple, dict or None
        The structure of the inputs; None for one, or a plain list.
    """

    layer: Any
    inputs: list[Value]
    options: dict[str, Any]
    form: Any

    @property
    def masks(self) -> list[Value]:
        """The masks of the inputs, where they have some."""
        return [x.mask for x in self.inputs if x.mask is not None]

    @property
    def values(self) -> list[Value]:
        """All tensors that come in: inputs, masks, those in the options."""
        inside = [leaf for leaf in flatten(self.options) if isinstance(leaf, Value)]
        return [*self.inputs, *self.masks, *inside]

    def arguments(self, of: dict[int, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Return x, mask and options with what stands for each value, by its id."""
        x: Any = [of[id(value)] for value in self.inputs]
        masks = [None if v.mask is None else of[id(v.mask)] for v in self.inputs]
        alone = self.form is None and len(x) == 1 and not self.layer.several_inputs
        mask = masks[0] if alone else None if not self.masks else masks
        x = x[0] if alone else x if self.form is None else pack_like(self.form, x)
        return x, mask, map_structure(lambda leaf: of.get(id(leaf), leaf), self.options)

    def refused(self, got: str) -> Refused:
        """Return the error for a `call` that cannot be exported."""
        return refused(self.layer, "call", "one made of lstmcore.ops and layers alone", got[:200])


def add_own_call(b: Builder, call: OwnCall, add: Add) -> list[Value]:
    """Add what a `call` records to a graph, by a function that adds a `Graph`.

    Operators of arrays return no mask, whatever layers they are on symbolic tensors: only layers
    that the layer has itself keep theirs.
    """
    graph, count, places = _recorded(call)
    found = add(b, graph, call.values, _inside(call.layer))
    _check_same(call, places, _Alone(b, call, graph, add))
    outputs, masks = found[:count], found[count:]
    if places is None:  # those that came with the outputs
        return outputs
    made = [None if k is None else replace(masks[k], dtype="bool") for k in places]
    return [y.masked_by(mask) for y, mask in zip(outputs, made, strict=True)]


def _recorded(call: OwnCall) -> tuple[Graph, int, list[int | None] | None]:
    """Return what a call records.

    Returns
    -------
    graph : Graph
        Its outputs are those of the call, then their masks.
    count : int
        The number of the former.
    places : list of int or None
        The place of each output's mask among the latter, None for none. None instead of the
        list if the layer says nothing of masks.
    """
    layer, values = call.layer, call.values
    symbols = [_symbol(k, value) for k, value in enumerate(values)]
    of = {id(value): symbol for value, symbol in zip(values, symbols, strict=True)}
    x, mask, options = call.arguments(of)
    with _nothing_is_left(layer):
        try:
            with context.changed(training=False, tape=None):
                y = invoke(layer, x, mask, options)
                found = _masks(call, x, mask, y)
        except Exception as error:
            raise call.refused(f"{type(error).__name__}: {error}") from error
    leaves, masks = flatten(y), [m for m in found or () if m is not None]
    if not all(isinstance(leaf, SymbolicTensor) for leaf in (*leaves, *masks)):
        raise call.refused("an output that does not depend on the input")
    places = None if found is None else [None if m is None else masks.index(m) for m in found]
    return Graph(symbols, [*leaves, *masks], layer.describe()), len(leaves), places


def _masks(call: OwnCall, x: Any, mask: Any, y: Any) -> list[Any] | None:
    """Return the masks of the outputs, or None if the layer has no say in them."""
    layer, several = call.layer, isinstance(y, dict | list | tuple)
    outputs = tuple(flatten(y)) if several else y
    if layer.overrides_compute_mask:
        return masks_of_outputs(outputs, layer.compute_mask(x, mask))
    if layer.supports_masking:
        first = mask[0] if isinstance(mask, list) and not several else mask
        return masks_of_outputs(outputs, first)
    return None


def _inside(layer: Layer) -> list[Layer]:
    return [inner for _, inner in inner_layers(layer) if isinstance(inner, Layer)]


def _symbol(k: int, value: Value) -> SymbolicTensor:
    layer = InputLayer(value.shape[1:], dtype=value.dtype, name=f"input_{k}")
    return layer.symbolic_tensor()


@contextmanager
def _nothing_is_left(layer: Layer) -> Iterator[None]:
    """Forget the calls that the block records, the names that it takes, what it adds to losses."""
    inside = [layer, *_inside(layer)]
    counts = [len(inner.nodes) for inner in inside]
    numbers = Counter(registry._numbers)
    for inner in inside:
        vars(inner)["add_loss"] = lambda loss: None
    try:
        yield
    finally:
        for inner in inside:
            vars(inner).pop("add_loss", None)
        registry._numbers.clear()
        registry._numbers.update(numbers)
        for inner, count in zip(inside, counts, strict=True):
            del inner.nodes[count:]


# -- is it the same --------------------------------------------------------------------------------


class _Alone:
    """The graph of a call by itself, which is run on arrays."""

    def __init__(self, b: Builder, call: OwnCall, graph: Graph, add: Add) -> None:
        from onnx import helper, numpy_helper

        apart = Builder(b.opset, b.dtype, trailing=b.trailing, stateful=False)
        values = call.values
        self.names = [apart.fresh(f"input_{k}") for k in range(len(values))]
        pairs = zip(values, self.names, strict=True)
        of = {id(value): replace(value, name=name, mask=None) for value, name in pairs}
        given = [
            of[id(value)].masked_by(None if value.mask is None else of[id(value.mask)])
            for value in values
        ]
        self.outputs = [apart("Identity", y) for y in add(apart, graph, given, _inside(call.layer))]
        ends = [helper.make_tensor_value_info(y, 0, None) for y in self.outputs]
        starts = [helper.make_tensor_value_info(x.name, onnx_type(x.dtype), None) for x in given]
        constants = [numpy_helper.from_array(a, name) for name, a in apart.constants.items()]
        made = helper.make_graph(apart.nodes, "alone", starts, ends, constants)
        imports = [helper.make_opsetid("", b.opset)]
        self.runner = Runner(helper.make_model(made, opset_imports=imports))

    def __call__(self, arrays: list[Array]) -> list[Array]:
        """Return the outputs and their masks."""
        found = self.runner.run(dict(zip(self.names, arrays, strict=True)))
        return [found[name] for name in self.outputs]


def _check_same(call: OwnCall, places: list[int | None] | None, run: _Alone) -> None:
    """Raise Refused unless a graph computes what the layer does, on arrays of two shapes."""
    for rows, steps in SIZES:
        try:
            arrays, wanted, masks = _ran(call, rows, steps)
            found = run(arrays)
        except Exception as error:
            raise call.refused(f"{type(error).__name__}: {error}") from error
        listed = [] if places is None else [m for m in masks if m is not None]
        used = {k for k in places or () if k is not None}
        expected = [*wanted, *listed[: len(used)]]
        if len(found) != len(expected) or not all(map(_close, found, expected)):
            raise call.refused("other numbers than it computes: random ones, or of a branch")


def _ran(call: OwnCall, rows: int, steps: int) -> tuple[list[Array], list[Any], list[Any]]:
    """Return arrays for what comes in, and what the layer makes of them: outputs and masks."""
    values = call.values
    problem: Exception | None = None
    for whole in (False, True):  # reals may stand for indices
        arrays = [_array(k, x, rows, steps, whole) for k, x in enumerate(values)]
        of = {id(value): array for value, array in zip(values, arrays, strict=True)}
        x, mask, options = call.arguments(of)
        try:
            with _without_states(call.layer):
                y, _, masks = call.layer.run(x, False, mask, **options)
        except ValueError as error:
            problem = problem or error
            continue
        return arrays, flatten(y), masks_of_outputs(y, masks)
    assert problem is not None
    raise problem


@contextmanager
def _without_states(layer: Layer) -> Iterator[None]:
    """Begin with states of 0 in the block, and give stateful layers theirs back."""
    kept = [(inner, inner.states) for inner in _inside(layer) if hasattr(inner, "states")]
    for inner, _ in kept:
        inner.states = None
    try:
        yield
    finally:
        for inner, states in kept:
            inner.states = states


def _array(k: int, x: Value, rows: int, steps: int, whole: bool) -> Array:
    """Return an array for an input: reals of both signs, or zeros and ones."""
    shape = [rows, *(steps if n is None else n for n in x.shape[1:])]
    draws = np.random.default_rng(k)
    if np.dtype(x.dtype).kind == "f" and not whole:
        return draws.normal(size=shape).astype(x.dtype)
    return draws.integers(0, 2, shape).astype(x.dtype)


def _close(y: Array, other: Any) -> bool:
    other = np.asarray(other)
    if y.shape != other.shape:
        return False
    off = np.abs(y.astype(np.float64) - other) / np.maximum(1, np.abs(other))
    return bool(np.max(off, initial=0) < CLOSE)
