"""Views: the axes of a graph's array on those of a layer's output, batch axis first.

ONNX has time before the batch, channels before time, directions on an axis of their own; layers
have (batch, time, features). A `View` says which axes of the layer's output are which of the
graph's array, so that Transpose, Squeeze, Unsqueeze and most of Reshape move nothing: they give
another view of the same output. Only where a layer needs its input otherwise are the output's axes
really permuted, by layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .dims import divide

Axes = tuple[tuple["Atom", ...], ...]


class Atom:
    """An axis, or a factor of one; those of one size are apart by identity.

    Parameters
    ----------
    size : int or Dim
    origin : (str, int), optional
        The input of the graph, and its axis, that it came from.

    Attributes
    ----------
    pieces : tuple of Atom or None
        What a Reshape has divided it into.
    """

    __slots__ = ("origin", "pieces", "size")

    def __init__(self, size: Any, origin: tuple[str, int] | None = None) -> None:
        self.size, self.origin = size, origin
        self.pieces: tuple[Atom, ...] | None = None

    def __repr__(self) -> str:
        return f"<{self.size}>"

    @property
    def is_one(self) -> bool:
        """True if the size is 1."""
        return isinstance(self.size, int) and self.size == 1


def resolved(axis: Sequence[Atom]) -> tuple[Atom, ...]:
    """Return the atoms of an axis, with the pieces of those that were divided."""
    return tuple(
        piece
        for atom in axis
        for piece in (resolved(atom.pieces) if atom.pieces is not None else (atom,))
    )


class Source:
    """A layer's output, made when it is first asked for.

    Parameters
    ----------
    make : callable
        Returns the symbolic tensor.
    axes : tuple of tuple of Atom
        Of each axis, the batch first.
    """

    def __init__(self, make: Callable[[], Any], axes: Axes) -> None:
        self._make, self.axes = make, axes
        self._made: list[Any] = []

    @property
    def tensor(self) -> Any:
        """The symbolic tensor."""
        if not self._made:
            self._made.append(self._make())
        return self._made[0]

    def get(self) -> Any:
        """Return the symbolic tensor."""
        return self.tensor

    @property
    def is_made(self) -> bool:
        """True if the layer was called."""
        return bool(self._made)


class View:
    """An array of the graph, as a view of a layer's output.

    Parameters
    ----------
    source : Source
    axes : tuple of tuple of Atom
        For each axis of the array the atoms that it is made of, the first varying slowest; an axis
        of size 1 may have none.
    kind : {"f", "i", "b", "t"}
        Real numbers, integers, truth values, or real numbers that are to be those of tokens.
    order : object, optional
        What the rows are sorted by; None: they are in the order of the inputs.
    """

    __slots__ = ("axes", "kind", "order", "source")

    def __init__(self, source: Source, axes: Axes, kind: str = "f", order: Any = None) -> None:
        self.source, self.axes, self.kind, self.order = source, tuple(axes), kind, order

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes of the axes, int or Dim."""
        return tuple(size(axis) for axis in self.axes)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.axes)

    def with_axes(self, axes: Sequence[tuple[Atom, ...]]) -> View:
        """Return the same output with other axes."""
        return View(self.source, tuple(axes), self.kind, self.order)

    def on(self, source: Source, axes: Sequence[tuple[Atom, ...]], kind: str = "") -> View:
        """Return a view of another output whose rows are in the same order."""
        return View(source, tuple(axes), kind or self.kind, self.order)


def size(axis: Sequence[Atom]) -> Any:
    """Return the size of an axis made of atoms."""
    product: Any = 1
    for atom in axis:
        product = product * atom.size
    return product


def reshaped(axes: Sequence[tuple[Atom, ...]], shape: Sequence[Any]) -> Axes:
    """Return the axes of a new shape of an array, dividing atoms where that is necessary.

    Parameters
    ----------
    axes : sequence of tuple of Atom
    shape : sequence of int or Dim
        Sizes, none of them 0 or -1.

    Raises
    ------
    ValueError
        If the sizes do not fit, or nobody can know.
    """
    left = [atom for axis in axes for atom in resolved(axis)]
    found: list[tuple[Atom, ...]] = []
    ones: list[Atom] = []  # a batch of 1, say, that has no axis yet
    for wanted in shape:
        rest: Any = wanted
        own: list[Atom] = [left.pop(0)] if is_one(rest) and left and left[0].is_one else []
        while not is_one(rest):
            if not left:
                raise ValueError("the sizes do not fit")
            atom = left.pop(0)
            if atom.is_one:
                ones.append(atom)
                continue
            after = divide(rest, atom.size)
            if after is None:
                atom = _first_piece(atom, rest, left)
                after = 1
            own.append(atom)
            rest = after
        found.append(tuple(own))
    if not all(atom.is_one for atom in left):
        raise ValueError("the sizes do not fit")
    for atom in (*ones, *left):
        free = [k for k, axis in enumerate(found) if not axis]
        if free:
            found[free[0]] = (atom,)
        elif found:
            found[0] = (atom, *found[0])
    return tuple(found)


def _first_piece(atom: Atom, wanted: Any, left: list[Atom]) -> Atom:
    """Divide an atom into one of the size that is wanted and the rest, which goes to `left`."""
    rest = divide(atom.size, wanted)
    if rest is None:
        raise ValueError("the sizes do not fit, or depend on what is not known")
    atom.pieces = Atom(wanted), Atom(rest)
    left.insert(0, atom.pieces[1])
    return atom.pieces[0]


def is_one(value: Any) -> bool:
    """Return True for a size that is known to be 1."""
    return isinstance(value, int) and value == 1
