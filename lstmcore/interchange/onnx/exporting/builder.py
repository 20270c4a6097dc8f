"""Builder: the nodes, constants and names of an ONNX graph that is being made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from ....layers.base import Layer, Shape
from ....validation import Array

T = TypeVar("T")
WHOLE = "int64"  # what ONNX counts and indexes with
FIRST_OPSET = 17  # the first that has LayerNormalization


class Refused(ValueError):
    """What ONNX cannot say; the message names the layer and the option."""


class SizeNeeded(Exception):
    """A layer needs the size of an axis that was left free."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes
    ----------
    name : str
    shape : tuple of int or None
        Batch axis included; None for any size.
    dtype : str
        NumPy's name.
    mask : Value or None
        The mask that goes with it, bool, (batch, time) or with further axes; None: all unmasked.
    trailing : bool
        Of a mask: masked steps come after all unmasked ones, in every row.
    kind : {"steps", "last", "fixed"}
        How it depends on time, for the streaming form: it has an axis of time; it was computed of
        such values, but has none; it does not depend on any.
    """

    name: str
    shape: Shape
    dtype: str
    mask: Value | None = None
    trailing: bool = False
    kind: str = "fixed"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def size(self, axis: int) -> int:
        """Return the size of an axis; raise SizeNeeded if it is free."""
        found = self.shape[axis]
        if found is None:
            raise SizeNeeded
        return int(found)

    def masked_by(self, mask: Value | None) -> Value:
        """Return the same tensor with another mask."""
        return replace(self, mask=mask)


class Builder:
    """Collects what a graph is made of; a call adds a node and returns the name of its output.

    ``b("Add", x, 1.0)``: inputs are values, names, arrays (constants; numbers are reals of the
    model, lists are whole numbers) and None for an optional input that is left out.

    Parameters
    ----------
    opset : int
    dtype : str
        That of the model's reals.
    trailing : bool
        Every mask is taken for one of trailing padding.
    stateful : bool
        The streaming form: states are inputs and outputs.
    """

    def __init__(self, opset: int, dtype: str, *, trailing: bool, stateful: bool) -> None:
        self.opset, self.dtype, self.trailing, self.stateful = opset, dtype, trailing, stateful
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.state_inputs: list[Value] = []
        self.state_ends: list[str] = []
        self.has_masks = False
        self._known: dict[Any, str] = {}  # names of constants by their content
        self._memo: dict[Any, Any] = {}
        self._names: set[str] = set()
        self._scope: list[str] = []

    # -- names ---------------------------------------------------------------------------------

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """Give what is made inside names that begin with that of a layer."""
        self._scope.append(name)
        try:
            yield
        finally:
            self._scope.pop()

    @contextmanager
    def each_step_apart(self) -> Iterator[None]:
        """Make what is inside without states that go in and out: each step starts anew."""
        before, self.stateful = self.stateful, False
        try:
            yield
        finally:
            self.stateful = before

    def fresh(self, hint: str, scoped: bool = True) -> str:
        """Return a name that no other tensor or node has."""
        whole = "/".join([*self._scope, hint]) if scoped else hint
        found, count = whole, 1
        while found in self._names:
            count += 1
            found = f"{whole}_{count}"
        self._names.add(found)
        return found

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """Return what `make` made when this key first came."""
        if key not in self._memo:
            self._memo[key] = make()
        found: T = self._memo[key]
        return found

    @contextmanager
    def body(self) -> Iterator[list[Any]]:
        """Collect what is added inside as the nodes of an inner graph; constants stay outside."""
        before, self.nodes = self.nodes, []
        try:
            yield self.nodes
        finally:
            self.nodes = before

    # -- nodes and constants -------------------------------------------------------------------

    def __call__(self, op: str, *inputs: Any, **attributes: Any) -> str:
        """Add a node of one output; return the name of that."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(self, op: str, outputs: int, *inputs: Any, **attributes: Any) -> list[str]:
        """Add a node of several outputs; return their names."""
        from onnx import helper

        names = [self._input(entry) for entry in inputs]
        while names and not names[-1]:
            names.pop()
        node = self.fresh(op)
        made = [node] if outputs == 1 else [self.fresh(f"{op}_{k}") for k in range(outputs)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(op, names, made, name=node, **given))
        return made

    def _input(self, entry: Any) -> str:
        if entry is None:
            return ""
        if isinstance(entry, Value):
            return entry.name
        return entry if isinstance(entry, str) else self.constant(entry)

    def constant(self, value: Any, name: str | None = None) -> str:
        """Return the name of a constant; equal ones of one name, or of none, are one.

        Numbers are reals of the model, lists of them whole numbers, arrays what they are.
        """
        if isinstance(value, int | float):
            array = np.array(value, self.dtype)
        else:
            array = np.array(value, None if isinstance(value, np.ndarray | np.generic) else WHOLE)
        scope = None if name is None else "/".join(self._scope)
        content = hashlib.blake2b(np.ascontiguousarray(array).data).digest()
        key = (scope, name, array.dtype.name, array.shape, content)
        if key not in self._known:
            self._known[key] = self.fresh(name or "constant", scoped=name is not None)
            self.constants[self._known[key]] = array
        return self._known[key]

    def weight(self, param: Any) -> str:
        """Return the name of the constant that a weight of the present layer is."""
        return self.constant(param.value, param.name)

    # -- operators that changed, and small combinations ----------------------------------------

    def cast(self, x: Any, dtype: str) -> str:
        """Return x as another type."""
        if isinstance(x, Value) and x.dtype == dtype:
            return x.name
        return self("Cast", x, to=onnx_type(dtype))

    def reduced(self, op: str, x: Any, axes: Sequence[int], keepdims: bool = False) -> str:
        """Return a reduction: ReduceSum has its axes as an input, the others from opset 18 on."""
        if op == "ReduceSum" or self.opset >= 18:
            return self(op, x, list(axes), keepdims=int(keepdims))
        return self(op, x, axes=list(axes), keepdims=int(keepdims))

    def slice(self, x: Any, start: int, stop: int, axis: int, step: int = 1) -> str:
        """Return a slice along one axis."""
        return self("Slice", x, [start], [stop], [axis], [step])

    def reversed(self, x: Any, axis: int) -> str:
        """Return x with one axis in the opposite order."""
        return self.slice(x, -1, -(2**31), axis, -1)

    def sizes(self, x: Any, start: int, stop: int | None = None) -> str:
        """Return the sizes of some axes as a tensor."""
        return self("Shape", x, start=start, end=stop)

    def joined(self, *parts: Any) -> str:
        """Return sizes in one tensor, given tensors of sizes and lists of numbers."""
        return self("Concat", *parts, axis=0)

    def steps(self, x: Any) -> str:
        """Return 0, 1, 2 ... for the steps of (batch, time, ...), as whole numbers."""
        count = self("Squeeze", self.sizes(x, 1, 2), [0])
        return self("Range", np.int64(0), count, np.int64(1))

    def expanded(self, mask: Value, ndim: int) -> str:
        """Return a mask with axes of size 1 at its end, so that it has `ndim` axes."""
        if mask.ndim >= ndim:
            return mask.name
        axes = list(range(mask.ndim, ndim))
        return self.once(("expanded", mask.name, ndim), lambda: self("Unsqueeze", mask.name, axes))

    def zeroed(self, x: Any, mask: Value | None, ndim: int, value: float = 0.0) -> str:
        """Return x with 0, or another number, at masked places."""
        name = x.name if isinstance(x, Value) else x
        return name if mask is None else self("Where", self.expanded(mask, ndim), name, value)

    def either(self, one: Any, other: Any, op: str = "And") -> Any:
        """Return the And, or another operator, of two masks; of None and a mask the mask."""
        if one is None or other is None:
            return other if one is None else one
        return self(op, one, other)


@dataclass(frozen=True)
class Call:
    """A call of a layer that is to be exported.

    Attributes
    ----------
    layer : Layer
    inputs : list of Value
    options : dict
        The call's other arguments; values stand for symbolic tensors.
    """

    layer: Any
    inputs: list[Value]
    options: dict[str, Any]

    @property
    def x(self) -> Value:
        """The first input."""
        return self.inputs[0]

    @property
    def mask(self) -> Value | None:
        """The mask of the first input."""
        return self.inputs[0].mask

    def refused(self, option: str, expected: str, got: Any) -> Refused:
        """Return the error for what ONNX cannot say, in the form of the layers' other errors."""
        return refused(self.layer, option, expected, got)

    def output(
        self, name: str, mask: Value | None = None, dtype: str | None = None, kind: str = ""
    ) -> Value:
        """Return the one output of the layer, with the shape that the layer says."""
        shape = self.layer.call_output_shape(self.shapes(), **self.options)
        return self.value(name, shape, mask, dtype, kind)

    def value(
        self,
        name: str,
        shape: Sequence[Any],
        mask: Value | None = None,
        dtype: str | None = None,
        kind: str = "",
    ) -> Value:
        """Return an output of the layer, of its input's dtype and kind unless told others."""
        return Value(name, tuple(shape), dtype or self.x.dtype, mask, kind=kind or self.kind)

    @property
    def kind(self) -> str:
        """How the inputs depend on time: the first of "steps", "last", "fixed" that is there."""
        kinds = {x.kind for x in self.inputs}
        return next(kind for kind in ("steps", "last", "fixed") if kind in kinds)

    def shapes(self) -> Any:
        """Return the shape of the input, or the shapes of the inputs."""
        shapes = [x.shape for x in self.inputs]
        return shapes if self.layer.several_inputs else shapes[0]

    def check_fits(self, shape: Sequence[int], x: Value | None = None) -> None:
        """Raise SizeNeeded unless the sizes are known that a constant of this shape meets."""
        x = self.x if x is None else x
        for axis, size in enumerate(reversed(tuple(shape)), start=1):
            if size != 1 and axis <= x.ndim and x.shape[-axis] is None:
                raise SizeNeeded


def read_by(node: Any) -> Iterator[str]:
    """Yield the names that a node reads, and the nodes of the graphs within it."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from read_by(inner)


def refused(layer: Layer, option: str, expected: str, got: Any) -> Refused:
    """Return the error for a layer's option that ONNX cannot say."""
    error = layer.error(option, expected, got)
    return Refused(f"{error}: ONNX's operators cannot say it")


def onnx_type(dtype: str) -> int:
    """Return ONNX's number of a type, by NumPy's name."""
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
