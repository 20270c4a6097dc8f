"""Tape: what a user's own function computes, recorded so that the library autograd derives it.

    tape = Tape()
    with tape:
        box = tape.watch(x)
        y = function(box)               # made of lstmcore.ops, layers, losses and weights
    gradients = tape.backward([(y, dy)])
    dx = gradients.of(box)

A number to be derived is a box of autograd: an array and the node of the graph that made it. A
layer or a loss of ours that is called on a box computes with its own kernel, and is one node, whose
vector-Jacobian product is its backward function (`record`). Importing this module imports autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import numpy as np
from autograd.core import VJPNode, add_outgrads
from autograd.tracer import new_box, notrace_primitives, toposort

from .. import context
from ..validation import Array
from . import derivatives as derivatives
from .boxes import is_box as is_box
from .boxes import unboxed as unboxed

# Levels of nested tapes are between -1 and 0, so that a user's own use of autograd, whose levels
# are 0, 1, ..., counts as nested inside ours.
_OUTERMOST, _DEEPER = -1.0 + 2.0**-20, 2.0**-20


class Node(VJPNode):  # type: ignore[misc]
    """A node of the graph: its parents, and the function from its gradient to theirs.

    Attributes
    ----------
    mask : ndarray of bool, (batch, time), or None
        The mask of the array, which goes with it to the next layer.
    """

    __slots__ = ("mask",)

    @classmethod
    def of(cls, parents: Sequence[Any] = (), vjp: Any = None, mask: Any = None) -> Node:
        """Make a node; the constructor is autograd's, which makes those of its own functions."""
        node: Node = cls.__new__(cls)
        node.parents, node.vjp, node.mask = list(parents), vjp, mask
        return node


# Functions without a gradient, such as argmax, give plain arrays.
notrace_primitives[Node] = notrace_primitives[VJPNode]


class Gradients:
    """The gradients of the leaves of a tape."""

    def __init__(self, by_node: dict[Any, Any], targets: set[Any]) -> None:
        self._by_node, self._targets = by_node, targets

    def of(self, box: Any) -> Any:
        """Return the gradient of a watched box or weight; None if nothing depends on it.

        Raises
        ------
        ValueError
            If it was the target of a loss of ours, which has no gradient for targets.
        """
        if box._node in self._targets:
            raise ValueError(
                "y_true: expected targets of a loss without a gradient, got numbers that are "
                "being differentiated: write ops.stop_gradient(y_true)"
            )
        return self._by_node.get(box._node)

    def of_node(self, node: Any) -> Any:
        """Return the gradient of a leaf's node; None if nothing depends on it."""
        return self._by_node.get(node)


class Tape:
    """A recording of computations on boxes, to be derived once.

    Within ``with tape:`` all weights of layers (`Param`) count as boxes, too.

    Attributes
    ----------
    leaves : dict of Param to Node
        The weights that were used.
    losses : list of box or number
        What `Layer.add_loss` was given.
    targets : set of Node
        Watched arrays that were the targets of a loss of ours: they have no gradient.
    """

    def __init__(self) -> None:
        outer = context.current().tape
        self.level: float = _OUTERMOST if outer is None else outer.level + _DEEPER
        self.leaves: dict[Any, Node] = {}
        self.losses: list[Any] = []
        self.targets: set[Node] = set()
        self._layers = Node.of()  # the parent of calls of layers on arrays: they have weights
        self._contexts: list[Any] = []

    def __enter__(self) -> Self:
        entered = context.changed(tape=self)
        entered.__enter__()
        self._contexts.append(entered)
        return self

    def __exit__(self, *error: Any) -> None:
        self._contexts.pop().__exit__(*error)

    def watch(self, x: Any, mask: Any = None) -> Any:
        """Return a box of an array of real numbers, whose gradient is wanted."""
        return new_box(np.asarray(x), self.level, Node.of(mask=mask))

    def leaf(self, weight: Any) -> Node:
        """Return the node of a weight."""
        node = self.leaves.get(weight)
        if node is None:
            node = self.leaves[weight] = Node.of()
        return node

    def box_of(self, weight: Any) -> Any:
        """Return the box that stands for a weight."""
        return new_box(weight._value, self.level, self.leaf(weight))

    def record(
        self, inputs: Iterable[Any], outputs: Sequence[Array], back: Callable[..., Any]
    ) -> list[Any]:
        """Record a computation whose backward function is known.

        Parameters
        ----------
        inputs : iterable of box
        outputs : sequence of ndarray
        back : callable
            Returns the list of the inputs' gradients, from the list of the outputs' gradients,
            both with None for those that nothing depends on.

        Returns
        -------
        list of box
            The outputs; those that are not real numbers stay arrays.
        """
        parents = [box._node for box in inputs] or [self._layers]
        if len(outputs) == 1:
            return [self._box(outputs[0], Node.of(parents, lambda dy: back([dy])))]
        dys: list[Any] = [None] * len(outputs)
        call = Node.of(parents, lambda _: back(dys))

        def output(i: int) -> Node:
            def vjp(dy: Any) -> tuple[float]:
                dys[i] = dy
                return (0.0,)  # to the call, which finds all gradients in `dys`

            return Node.of([call], vjp)

        return [self._box(y, output(i)) for i, y in enumerate(outputs)]

    def _box(self, y: Any, node: Node) -> Any:
        plain = np.asarray(y)  # also of a subclass of ndarray, such as the output of a CRF
        return new_box(plain, self.level, node) if plain.dtype.kind == "f" else y

    def owns(self, y: Any) -> bool:
        """Return True for a box that was made on this tape."""
        return is_box(y) and y._trace == self.level

    def backward(self, ends: Sequence[tuple[Any, Any]]) -> Gradients:
        """Return the gradients of all leaves, from pairs (box, gradient)."""
        ends = [(y, dy) for y, dy in ends if dy is not None and self.owns(y)]
        if not ends:
            return Gradients({}, self.targets)
        end = Node.of([y._node for y, _ in ends])
        found: dict[Any, Any] = {}
        sums: dict[Any, Any] = {}

        def add(parents: Any, gradients: Any) -> None:
            for parent, gradient in zip(parents, gradients, strict=True):
                if gradient is not None:
                    sums[parent] = add_outgrads(sums.get(parent), gradient)

        add(end.parents, [_like(y, dy) for y, dy in ends])
        for node in toposort(end):
            gradient = sums.pop(node, (None,))[0]
            if gradient is not None and node is not end:
                if node.parents:
                    add(node.parents, node.vjp(gradient))
                else:
                    found[node] = gradient
        return Gradients(found, self.targets)


def _like(y: Any, dy: Any) -> Array:
    value = y._value
    return np.broadcast_to(np.asarray(dy, value.dtype), np.shape(value))


def mask_of_box(box: Any) -> Any:
    """Return the mask that goes with a box, or None."""
    return getattr(box._node, "mask", None)


def differentiate(function: Callable[..., Any], x: Array) -> tuple[Array, Callable[[Any], Array]]:
    """Return function(x) and its vector-Jacobian product, a function of the gradient of the result.

    Parameters
    ----------
    function : callable
        Computes an array, with `lstmcore.ops`.
    x : ndarray

    Raises
    ------
    TypeError
        If the function leaves the tape: by float(), an item assignment, a function of NumPy that
        autograd does not know. The message names the line.
    """
    tape = Tape()
    with tape:
        box = tape.watch(x)
        y = function(box)

    def vjp(dy: Any) -> Array:
        dx = tape.backward([(y, dy)]).of(box)
        return np.zeros_like(x) if dx is None else np.asarray(dx, x.dtype)

    return np.asarray(unboxed(y)), vjp
