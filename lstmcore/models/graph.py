"""A graph of layers as an ordered list of calls, executed forward and backward.

Every array of the graph has a slot. A call takes its layer's inputs from slots and writes the
outputs to others. In the backward pass gradients go the other way, and are summed where an output
was used more than once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import _core, context
from ..context import changed
from ..layers.base import Back, Layer
from ..layers.calls import convert_masks, masks_of_outputs
from ..layers.core.input import InputLayer
from ..layers.symbolic import Node, SymbolicTensor, replace, shape_leaves, symbolic_tensors_in
from ..structure import flatten, pack_like


class Call:
    """One call of a layer, with slots in place of symbolic tensors."""

    __slots__ = ("inputs", "layer", "node", "options", "outputs", "several", "single", "symbolic")

    def __init__(self, node: Node, slots: dict[SymbolicTensor, int]) -> None:
        self.node, self.layer, self.several, self.single = (
            node,
            node.layer,
            node.several,
            node.single,
        )
        self.inputs = [slots[s] for s in node.inputs]
        self.outputs = [slots[s] for s in node.outputs]
        self.options = node.options
        # slots of the symbolic tensors among the options: the layer says which get a gradient
        self.symbolic = {s: slots[s] for s in symbolic_tensors_in(node.options)}

    def states(self) -> list[int]:
        """Return the slots of the options that get a gradient."""
        given = self.options if self.layer.overrides_call else self._differentiable()
        return [self.symbolic[s] for s in symbolic_tensors_in(given)]

    def _differentiable(self) -> list[Any]:
        """Return the leaves of the options whose gradients the backward function returns."""
        names = [n for n in self.layer.differentiable_options if n in self.options]
        return flatten([self.options[name] for name in names])

    def has_option_gradients(self) -> bool:
        """Return True if the backward function returns (dx, gradients of the options)."""
        if self.layer.overrides_call:
            return bool(self.options.keys() - {"training", "mask"})
        return bool(self._differentiable())

    def option_gradients(self, found: Any) -> list[Any]:
        """Return the gradients of `states`, from what the layer's backward function returned."""
        if not self.layer.overrides_call:
            both = zip(self._differentiable(), flatten(found), strict=True)
            return [gradient for given, gradient in both if isinstance(given, SymbolicTensor)]
        pairs = ((self.options[name], part) for name, part in sorted(found.items()))
        return [
            gradient
            for given, part in pairs
            for tensor, gradient in zip(flatten(given), flatten(part), strict=True)
            if isinstance(tensor, SymbolicTensor)
        ]


class Graph:
    """The calls that lead from inputs to outputs, each after those it depends on.

    Parameters
    ----------
    inputs, outputs : sequence of SymbolicTensor
    what : str
        Name of the model, for error messages.

    Attributes
    ----------
    calls : list of Call
    layers : list of Layer
        Each once, in Keras's order: those farthest from the outputs first.
    """

    def __init__(
        self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], what: str
    ) -> None:
        self.inputs, self.outputs = list(inputs), list(outputs)
        slots = {tensor: i for i, tensor in enumerate(self.inputs)}
        if len(slots) < len(self.inputs):
            raise ValueError(f"{what}: inputs: expected each symbol once")
        found: dict[Layer, int] = {}
        nodes = list(_ordered(self.outputs, set(self.inputs), what, found))
        for node in nodes:
            for tensor in node.outputs:
                slots.setdefault(tensor, len(slots))
        self.slots = slots
        self.calls = [Call(node, slots) for node in nodes]
        self.ends = [slots[tensor] for tensor in self.outputs]
        first = [s.node for s in self.inputs if isinstance(s.node.layer, InputLayer)]
        depths = _depths([*first, *nodes])
        self.layers: list[Layer] = sorted(depths, key=lambda l: (-depths[l], found.get(l, -1)))
        self._needs: tuple[Any, list[bool]] | None = None

    def shapes(self, inputs: Sequence[Any]) -> list[Any]:
        """Return the shapes of the outputs for inputs of these shapes."""
        found: list[Any] = [*inputs, *[None] * (len(self.slots) - len(inputs))]
        for call in self.calls:
            given = [found[i] for i in call.inputs]
            y = call.layer.call_output_shape(given if call.several else given[0], **call.options)
            for i, shape in zip(call.outputs, shape_leaves(y), strict=True):
                found[i] = tuple(shape)
        return [found[i] for i in self.ends]

    def forward(
        self, xs: Sequence[Any], masks: Sequence[Any], grad: bool
    ) -> tuple[list[Any], list[Any], list[Back | None]]:
        """Return the outputs, their masks, and the backward function of every call."""
        room = [None] * (len(self.slots) - len(xs))
        values: list[Any] = [*xs, *room]
        slot_masks: list[Any] = [*masks, *room]
        backs: list[Back | None] = []
        losses = context.current().penalties
        for call in self.calls:
            known = 0 if losses is None else len(losses)
            if call.several:
                x: Any = [values[i] for i in call.inputs]
                if call.node.form is not None:
                    x = pack_like(call.node.form, x)
                mask: Any = [slot_masks[i] for i in call.inputs]
                mask = None if all(m is None for m in mask) else mask
            else:
                x, mask = values[call.inputs[0]], slot_masks[call.inputs[0]]
            if call.options:
                now = {tensor: values[i] for tensor, i in call.symbolic.items()}
                options = replace(call.options, now.__getitem__)
                if "mask" in options:
                    mask = convert_masks(call.layer, x, options.pop("mask"))
                y, back, mask = _run_with_options(call.layer, x, grad, mask, options)
            else:
                y, back, mask = call.layer.run(x, grad, mask)
            if back is not None and losses is not None and len(losses) > known:
                back = OwnLossBack(back, y)
            backs.append(back)
            if call.single:
                values[call.outputs[0]], slot_masks[call.outputs[0]] = y, mask
            else:
                parts = zip(call.outputs, flatten(y), masks_of_outputs(y, mask), strict=True)
                for i, part, part_mask in parts:
                    values[i], slot_masks[i] = part, part_mask
        return [values[i] for i in self.ends], [slot_masks[i] for i in self.ends], backs

    def call(self, xs: Sequence[Any]) -> list[Any]:
        """Return the outputs, calling each layer as a user calls it."""
        values: list[Any] = [*xs, *[None] * (len(self.slots) - len(xs))]
        for call in self.calls:
            x = [values[i] for i in call.inputs] if call.several else values[call.inputs[0]]
            if call.node.form is not None:
                x = pack_like(call.node.form, x)
            now = {tensor: values[i] for tensor, i in call.symbolic.items()}
            y = call.layer(x, **replace(call.options, now.__getitem__))
            for i, part in zip(call.outputs, [y] if call.single else flatten(y), strict=True):
                values[i] = part
        return [values[i] for i in self.ends]

    def backward(
        self, backs: Sequence[Back | None], dys: Sequence[Any], need_dx: bool
    ) -> list[Any]:
        """Return the gradients of the inputs, from those of the outputs."""
        gradients: list[Any] = [None] * len(self.slots)
        for i, dy in zip(self.ends, dys, strict=True):
            _add(gradients, i, dy)
        needs = self._needed(need_dx)
        for call, back in zip(reversed(self.calls), reversed(backs), strict=True):
            got = [gradients[i] for i in call.outputs]
            reached = isinstance(back, OwnLossBack) or any(g is not None for g in got)
            if back is None or not reached:
                continue  # the loss does not depend on this call
            states = call.states()
            wanted = any(needs[i] for i in (*call.inputs, *states))
            if not wanted and not call.layer.trains():
                continue
            dx = back(got[0] if call.single else tuple(got), need_dx=wanted)
            if call.has_option_gradients():
                dx, dstates = dx
                for i, gradient in zip(states, call.option_gradients(dstates), strict=True):
                    _add(gradients, i, gradient, needs[i])
            if wanted:
                for i, gradient in zip(call.inputs, dx if call.several else [dx], strict=True):
                    _add(gradients, i, gradient, needs[i])
        return gradients[: len(self.inputs)]

    def _needed(self, need_dx: bool) -> list[bool]:
        """Return for each slot whether its gradient is needed, for trainable weights or inputs."""
        key = (need_dx, [layer.trains() for layer in self.layers])
        if self._needs is None or self._needs[0] != key:
            needs = [need_dx] * len(self.inputs) + [False] * (len(self.slots) - len(self.inputs))
            for call in self.calls:
                reached = any(needs[i] for i in (*call.inputs, *call.symbolic.values()))
                for i in call.outputs:
                    needs[i] = needs[i] or reached or call.layer.trains()
            self._needs = (key, needs)
        return self._needs[1]


def _run_with_options(layer: Layer, x: Any, grad: bool, mask: Any, options: dict[str, Any]) -> Any:
    """Run a layer with the options of its call; its own `training` overrides the model's."""
    if "training" not in options:
        return layer.run(x, grad, mask, **options)
    behaves = bool(options.pop("training"))
    with changed(training=behaves):
        return layer.run(x, grad or behaves, mask, **options)


class OwnLossBack:
    """The backward function of a call that has added to the loss: nobody else need depend on it.

    Parameters
    ----------
    back : callable
        The layer's backward function.
    y : ndarray, or tuple of ndarray
        The outputs; those without a gradient get one of 0.
    """

    __slots__ = ("back", "y")

    def __init__(self, back: Back, y: Any) -> None:
        self.back, self.y = back, y

    def __call__(self, dy: Any, need_dx: bool = True) -> Any:
        several = isinstance(self.y, tuple)
        pairs = zip(dy if several else [dy], flatten(self.y), strict=True)
        dys = [np.zeros_like(part) if d is None else d for d, part in pairs]
        return self.back(tuple(dys) if several else dys[0], need_dx=need_dx)


def _add(gradients: list[Any], i: int, gradient: Any, needed: bool = True) -> None:
    if isinstance(gradient, ValueError):  # there is none, and why
        if needed:
            raise gradient
    elif gradient is not None:
        gradients[i] = gradient if gradients[i] is None else _sum(gradients[i], gradient)


def _sum(one: Any, other: Any) -> Any:
    """Return the sum, of plain arrays on memory from the core's pool."""
    plain = type(one) is type(other) is np.ndarray and one.dtype.char in "fd"
    if not plain or one.dtype != other.dtype or one.shape != other.shape:
        return one + other
    if not one.flags.c_contiguous and not other.flags.c_contiguous:
        return one + other  # has their order in memory
    return np.add(one, other, out=_core.empty(one.shape, one.dtype))


def _depths(nodes: Sequence[Node]) -> dict[Layer, int]:
    """Return the longest distance, in calls, of each layer's first call from the outputs."""
    depths: dict[Layer, int] = {}
    calls: dict[Node, int] = {}
    for node in reversed(nodes):
        depth = max(calls.get(node, 0), depths.get(node.layer, 0))
        depths[node.layer] = depth
        for tensor in node.sources():
            calls[tensor.node] = max(depth + 1, calls.get(tensor.node, 0))
    return depths


def _ordered(
    outputs: Sequence[SymbolicTensor],
    inputs: set[SymbolicTensor],
    what: str,
    found: dict[Layer, int],
) -> Iterator[Node]:
    """Yield the nodes between inputs and outputs, each after those it depends on.

    Layers are numbered in `found` in the order of a depth-first search from the outputs.
    """
    done: set[Node] = set()
    stack: list[tuple[Node, Iterator[SymbolicTensor]]] = []

    def enter(tensor: SymbolicTensor) -> bool:
        """Push a tensor's node; return True if it has to be visited first."""
        if tensor not in inputs or isinstance(tensor.node.layer, InputLayer):
            found.setdefault(tensor.node.layer, len(found))
        if tensor in inputs or tensor.node in done:
            return False
        if isinstance(tensor.node.layer, InputLayer):
            raise ValueError(
                f"{what}: outputs: expected all to be made of the inputs, but they depend on "
                f"{tensor.name!r}, which is not among them"
            )
        stack.append((tensor.node, iter(list(tensor.node.sources()))))
        return True

    for output in outputs:
        enter(output)
        while stack:
            node, sources = stack[-1]
            if not any(enter(tensor) for tensor in sources):
                stack.pop()
                if node not in done:
                    done.add(node)
                    yield node
