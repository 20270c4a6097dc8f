"""A layer's output with its axes in another order or grouping, by Permute, Reshape and GetItem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .dims import size_of
from .views import Atom, Axes, View, resolved, size

if TYPE_CHECKING:
    from .graph_reader import GraphReader


def arranged(reader: GraphReader, view: View, wanted: Axes) -> Any:
    """Return the symbolic tensor of a view whose axes are these.

    Parameters
    ----------
    reader : GraphReader
    view : View
    wanted : tuple of tuple of Atom
        The batch first. An axis without atoms has size 1.

    Raises
    ------
    ValueError
        If the batch would not stay an axis of its own, or several sizes are not known.
    """
    tensor = view.source.tensor
    if not reader.makes_layers:
        return None
    now = tuple(resolved(axis) for axis in view.source.axes)
    if now == wanted:
        return tensor
    if wanted[:1] != now[:1]:
        raise ValueError("a layer would need the batch first, and alone")
    atoms, order = _flat(now[1:]), _flat(wanted[1:])
    if sorted(map(id, atoms)) != sorted(map(id, order)):
        raise ValueError("an array of other axes than the layer's output has")
    if atoms != order:
        single = tuple((atom,) for atom in atoms)
        if now[1:] != single:
            tensor = _regrouped(reader, tensor, now[1:], single)
        dims = [atoms.index(atom) + 1 for atom in order]
        tensor = reader.call(_permute(dims), tensor, kind="permute")
        now = (now[0], *((atom,) for atom in order))
    return tensor if now == wanted else _regrouped(reader, tensor, now[1:], wanted[1:])


def _flat(axes: Axes) -> list[Atom]:
    return [atom for axis in axes for atom in axis if not atom.is_one]


def _regrouped(reader: GraphReader, tensor: Any, now: Axes, wanted: Axes) -> Any:
    """Return a tensor whose axes after the batch are grouped otherwise, in the same order."""
    sizes = [size_of(size(axis)) for axis in wanted]
    if _sizes(now) == _sizes(wanted):
        return tensor
    if sizes.count(None) <= 1:
        target = [-1 if n is None else n for n in sizes]
        return reader.call(reshape_layer(target), tensor, kind="reshape")
    key: list[Any] = [slice(None)]  # several sizes are not known: only axes of 1 come and go
    groups = [tuple(a for a in axis if not a.is_one) for axis in now]
    left = list(groups)
    for axis in (tuple(a for a in axis if not a.is_one) for axis in wanted):
        if not axis:
            key.append(None)
            continue
        while left and not left[0]:
            key.append(0)
            left.pop(0)
        if not left or left.pop(0) != axis:
            raise ValueError("a Reshape of several axes whose sizes are not known")
        key.append(slice(None))
    key += [0] * len(left)
    return reader.item(tensor, key)


def _sizes(axes: Axes) -> list[Any]:
    return [size(axis) for axis in axes]


def _permute(dims: list[int]) -> Any:
    def make(**options: Any) -> Any:
        from ....layers import Permute

        return Permute(dims, **options)

    return make


def reshape_layer(target: list[int]) -> Any:
    """Return what makes a Reshape layer; see `GraphReader.call`."""

    def make(**options: Any) -> Any:
        from ....layers import Reshape

        return Reshape(target, **options)

    return make
