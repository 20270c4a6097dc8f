"""What is learned of a graph before layers are made: the batch, and sizes that are the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .dims import Dim, size_of
from .views import size

LARGEST = 1 << 22  # numbers in a row of an array; the weights that one has are not meant


class PinnedSize(Exception):
    """A node takes a free size for that of the example of its export, or for another one.

    Parameters
    ----------
    name : str
    size : int or Dim
    """

    def __init__(self, name: str, size: Any) -> None:
        super().__init__(f"{name} is {size}")
        self.name, self.size = name, size


def same_size(a: Any, b: Any) -> None:
    """Have the graph read again with one name for two sizes that have to be the same.

    Raises
    ------
    PinnedSize
        If one of the two is just a name, and so is the other, or a number or sum of names.
    """
    for one, other in ((a, b), (b, a)):
        name = one.name if isinstance(one, Dim) else None
        if name is not None and name != "batch" and isinstance(other, Dim) and one != other:
            raise PinnedSize(name, other)


class Plan:
    """What is learned by reading a graph the first time.

    Attributes
    ----------
    batch_axes : dict of str to int
        The axis of each input that is the batch.
    used : dict of str to set of str
        For each recurrent node, by its first output's name, which outputs are used.
    embedded : set of str
        The inputs that are rows of an Embedding.
    """

    def __init__(self) -> None:
        self.batch_axes: dict[str, int] = {}
        self.used: dict[str, set[str]] = {}
        self.embedded: set[str] = set()

    def completed(self, graph: Any) -> Plan:
        """Return the plan with the batch axes of inputs that no node has told.

        An axis with the name of the batch is the batch; else the first one is.
        """
        dims = {v.name: [n.dim_param for n in v.type.tensor_type.shape.dim] for v in graph.input}
        named = {dims[name][k] for name, k in self.batch_axes.items() if dims.get(name)} - {""}
        for name, own in dims.items():
            if name not in self.batch_axes:
                at = next((k for k, symbol in enumerate(own) if symbol in named), 0)
                self.batch_axes[name] = at
        return self


def check_size(atoms: Sequence[Any]) -> None:
    """Raise ValueError if an array with these axes would be very large.

    Layers try ops out on zeros to find their shapes.
    """
    sizes = [size(atom) if isinstance(atom, tuple) else atom.size for atom in atoms]
    check_numbers([size_of(n) for n in sizes])


def check_numbers(sizes: Sequence[int | None]) -> None:
    """Raise ValueError if the product of these sizes is very large; None counts as 1."""
    if math.prod(n or 1 for n in sizes) > LARGEST:
        raise ValueError(f"an array of more than {LARGEST} numbers for each row, {list(sizes)}")
