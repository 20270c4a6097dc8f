"""A graph of layers as a list of steps, run forward and back.

Every array of the graph has a slot. A step takes its layer's inputs from slots and puts the outputs
into others; on the way back gradients go the other way, and add up where an output was used twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..context import changed
from ..layers.base import Back, Layer
from ..layers.core.input import InputLayer
from ..layers.symbolic import Node, SymbolicTensor, leaves, replace


class Step:
    """One call of a layer, its symbols replaced by slots."""

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
        # slots of the symbols among the options; only states have a gradient
        self.symbolic = {s: slots[s] for s in leaves(node.options)}

    def states(self) -> list[int]:
        """The slots of the initial states."""
        return [self.symbolic[s] for s in leaves(self.options.get("initial_state"))]


class Graph:
    """The calls between some symbols and others, in an order in which they can be done.

    Parameters
    ----------
    inputs, outputs : sequence of SymbolicTensor
    what : str
        Whose they are, for error messages.

    Attributes
    ----------
    steps : list of Step
    layers : list of Layer
        Each once, as Keras has them: the farther from the outputs, the earlier.
    """

    def __init__(
        self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], what: str
    ) -> None:
        self.inputs, self.outputs = list(inputs), list(outputs)
        slots = {symbol: i for i, symbol in enumerate(self.inputs)}
        if len(slots) < len(self.inputs):
            raise ValueError(f"{what}: inputs: expected each symbol once")
        found: dict[Layer, int] = {}
        nodes = list(_ordered(self.outputs, set(self.inputs), what, found))
        for node in nodes:
            for symbol in node.outputs:
                slots.setdefault(symbol, len(slots))
        self.slots = slots
        self.steps = [Step(node, slots) for node in nodes]
        self.ends = [slots[symbol] for symbol in self.outputs]
        first = [s.node for s in self.inputs if isinstance(s.node.layer, InputLayer)]
        depths = _depths([*first, *nodes])
        self.layers: list[Layer] = sorted(depths, key=lambda l: (-depths[l], found.get(l, -1)))
        self._needs: tuple[Any, list[bool]] | None = None

    def shapes(self, inputs: Sequence[Any]) -> list[Any]:
        """The shapes of the outputs for inputs of these shapes."""
        found: list[Any] = [*inputs, *[None] * (len(self.slots) - len(inputs))]
        for step in self.steps:
            given = [found[i] for i in step.inputs]
            y = step.layer.call_output_shape(given if step.several else given[0], **step.options)
            for i, shape in zip(step.outputs, [y] if step.single else y, strict=True):
                found[i] = tuple(shape)
        return [found[i] for i in self.ends]

    def run(
        self, xs: Sequence[Any], masks: Sequence[Any], grad: bool
    ) -> tuple[list[Any], list[Any], list[Back | None]]:
        """Return the outputs, their masks, and the way back of every step."""
        room = [None] * (len(self.slots) - len(xs))
        values: list[Any] = [*xs, *room]
        real: list[Any] = [*masks, *room]
        backs: list[Back | None] = []
        for step in self.steps:
            if step.several:
                x: Any = [values[i] for i in step.inputs]
                mask: Any = [real[i] for i in step.inputs]
                mask = None if all(m is None for m in mask) else mask
            else:
                x, mask = values[step.inputs[0]], real[step.inputs[0]]
            if step.options:
                now = {symbol: values[i] for symbol, i in step.symbolic.items()}
                options = replace(step.options, now.__getitem__)
                y, back, mask = _told(step.layer, x, grad, options.pop("mask", mask), options)
            else:
                y, back, mask = step.layer.run(x, grad, mask)
            backs.append(back)
            if step.single:
                values[step.outputs[0]], real[step.outputs[0]] = y, mask
            else:
                several = mask if isinstance(mask, list | tuple) else [mask]
                for k, (i, part) in enumerate(zip(step.outputs, y, strict=True)):
                    values[i], real[i] = part, several[k] if k < len(several) else None
        return [values[i] for i in self.ends], [real[i] for i in self.ends], backs

    def back(self, backs: Sequence[Back | None], dys: Sequence[Any], need_dx: bool) -> list[Any]:
        """Take the gradients of the outputs back; return those of the inputs."""
        slopes: list[Any] = [None] * len(self.slots)
        for i, dy in zip(self.ends, dys, strict=True):
            _add(slopes, i, dy)
        needs = self._needed(need_dx)
        for step, back in zip(reversed(self.steps), reversed(backs), strict=True):
            got = [slopes[i] for i in step.outputs]
            if back is None or all(g is None for g in got):
                continue  # nothing of the loss depends on it
            states = step.states()
            wanted = any(needs[i] for i in (*step.inputs, *states))
            if not wanted and not step.layer.trains():
                continue
            dx = back(got[0] if step.single else tuple(got), need_dx=wanted)
            if states:
                dx, dstates = dx
                for i, slope in zip(states, dstates, strict=True):
                    _add(slopes, i, slope)
            if wanted:
                for i, slope in zip(step.inputs, dx if step.several else [dx], strict=True):
                    _add(slopes, i, slope)
        return slopes[: len(self.inputs)]

    def _needed(self, need_dx: bool) -> list[bool]:
        """Which arrays' gradients lead to weights that are trained, or to inputs asked for."""
        key = (need_dx, [layer.trains() for layer in self.layers])
        if self._needs is None or self._needs[0] != key:
            needs = [need_dx] * len(self.inputs) + [False] * (len(self.slots) - len(self.inputs))
            for step in self.steps:
                from_below = any(needs[i] for i in (*step.inputs, *step.symbolic.values()))
                for i in step.outputs:
                    needs[i] = needs[i] or from_below or step.layer.trains()
            self._needs = (key, needs)
        return self._needs[1]


def _told(layer: Layer, x: Any, grad: bool, mask: Any, options: dict[str, Any]) -> Any:
    """Run a layer whose call had other arguments; `training` says how it behaves whatever we do."""
    if "training" not in options:
        return layer.run(x, grad, mask, **options)
    behaves = bool(options.pop("training"))
    with changed(training=behaves):
        return layer.run(x, grad or behaves, mask, **options)


def _add(slopes: list[Any], i: int, slope: Any) -> None:
    if slope is not None:
        slopes[i] = slope if slopes[i] is None else slopes[i] + slope


def _depths(nodes: Sequence[Node]) -> dict[Layer, int]:
    """How many calls lie between each layer's first one and the outputs, at most."""
    depths: dict[Layer, int] = {}
    calls: dict[Node, int] = {}
    for node in reversed(nodes):
        depth = max(calls.get(node, 0), depths.get(node.layer, 0))
        depths[node.layer] = depth
        for symbol in node.sources():
            calls[symbol.node] = max(depth + 1, calls.get(symbol.node, 0))
    return depths


def _ordered(
    outputs: Sequence[SymbolicTensor],
    inputs: set[SymbolicTensor],
    what: str,
    found: dict[Layer, int],
) -> Iterator[Node]:
    """The nodes that make the outputs from the inputs, each after those that it needs.

    Layers are numbered in `found` as the walk from the outputs comes upon them.
    """
    done: set[Node] = set()
    stack: list[tuple[Node, Iterator[SymbolicTensor]]] = []

    def enter(symbol: SymbolicTensor) -> bool:
        """Whether there is something to do for a symbol first."""
        if symbol not in inputs or isinstance(symbol.node.layer, InputLayer):
            found.setdefault(symbol.node.layer, len(found))
        if symbol in inputs or symbol.node in done:
            return False
        if isinstance(symbol.node.layer, InputLayer):
            raise ValueError(
                f"{what}: outputs: expected all to be made of the inputs, but they depend on "
                f"{symbol.name!r}, which is not among them"
            )
        stack.append((symbol.node, iter(list(symbol.node.sources()))))
        return True

    for output in outputs:
        enter(output)
        while stack:
            node, sources = stack[-1]
            if not any(enter(symbol) for symbol in sources):
                stack.pop()
                if node not in done:
                    done.add(node)
                    yield node
