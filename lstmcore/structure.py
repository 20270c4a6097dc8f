"""Nested structures, such as ``{"a": x, "b": [y, z]}``: their leaves, and how to replace them.

A structure is a leaf, or a list, tuple or dict of structures. Leaves are listed as Keras's `tree`
lists them: a dict's in the order of its sorted keys, whatever order they were put in; those of an
OrderedDict in its own. None is a leaf. A named tuple stays one.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from typing import Any


def is_nested(tree: Any) -> bool:
    """Return True for a list, tuple or dict, False for a leaf."""
    return isinstance(tree, list | tuple | dict)


def flatten(tree: Any) -> list[Any]:
    """Return the leaves of a structure in a list."""
    return list(_leaves(tree))


def map_structure(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return `tree` with ``function(leaf, *leaves of others at this place)`` for each leaf.

    Raises
    ------
    ValueError
        If another structure is not nested as `tree` is; the message says where.
    """
    if not is_nested(tree):
        return function(tree, *others)
    rows = zip(_children(tree), *(entries_like(tree, other) for other in others), strict=True)
    return _rebuilt(tree, [map_structure(function, *row) for row in rows])


def pack_like(tree: Any, leaves: list[Any]) -> Any:
    """Return the structure of `tree` with these leaves, which are in the order of `flatten`.

    Raises
    ------
    ValueError
        If there are more or fewer leaves than `tree` has.
    """
    count = len(flatten(tree))
    if len(leaves) != count:
        raise ValueError(f"structure: expected {count} leaves, got {len(leaves)}")
    rest = iter(leaves)
    return map_structure(lambda leaf: next(rest), tree)


def flatten_up_to(tree: Any, deeper: Any) -> list[Any]:
    """Return what `deeper` has in the place of each leaf of `tree`: leaves, or whole structures.

    Raises
    ------
    ValueError
        If `deeper` is not nested as `tree` is, above its leaves.
    """
    found: list[Any] = []
    map_structure(lambda leaf, part: found.append(part), tree, deeper)
    return found


def spread(tree: Any, given: Any, extra: bool = False, alike: bool = False) -> list[Any]:
    """Return what is given for each leaf of `tree`, None for those that nothing is given for.

    A dict may lack keys, and None stands for None at all leaves.

    Parameters
    ----------
    tree, given : structure
    extra : bool, default False
        A dict may have other keys, too.
    alike : bool, default False
        What is not nested at all, where `tree` is, stands for itself at all leaves below.

    Raises
    ------
    ValueError
        If `given` is nested in another way than `tree`, above its leaves.
    """
    if not is_nested(tree):
        return [given]
    if given is None or (alike and not is_nested(given)):
        return [given] * len(flatten(tree))
    if isinstance(tree, dict) and isinstance(given, dict) and (extra or set(given) <= set(tree)):
        parts = [given.get(key) for key in _keys(tree)]
    else:
        parts = entries_like(tree, given)
    pairs = zip(_children(tree), parts, strict=True)
    return [leaf for child, part in pairs for leaf in spread(child, part, extra, alike)]


def tracks_of(tree: Any) -> list[tuple[Any, ...]]:
    """Return the keys and indices that lead to each leaf; () for a leaf alone."""
    if not is_nested(tree):
        return [()]
    keys = _keys(tree) if isinstance(tree, dict) else range(len(tree))
    pairs = zip(keys, _children(tree), strict=True)
    return [(key, *track) for key, child in pairs for track in tracks_of(child)]


def paths(tree: Any) -> list[str]:
    """Return the place of each leaf as Python would index it, such as ``['b'][0]``."""
    return ["".join(f"[{key!r}]" for key in track) for track in tracks_of(tree)]


def entries_like(tree: Any, other: Any) -> list[Any]:
    """Return the entries of `other`, which must be nested as the list, tuple or dict `tree` is.

    Raises
    ------
    ValueError
        If it has other keys, another number of entries, or is no such thing.
    """
    if isinstance(tree, dict):
        if not isinstance(other, dict) or set(tree) != set(other):
            raise ValueError(
                f"expected a dict with the keys {_keys(tree)}, got {_described(other)}"
            )
        return [other[key] for key in _keys(tree)]
    if not isinstance(other, list | tuple) or len(other) != len(tree):
        raise ValueError(f"expected a list of {len(tree)}, got {_described(other)}")
    return list(other)


def _described(tree: Any) -> str:
    """Describe a structure for an error message."""
    if isinstance(tree, dict):
        return f"one with {_keys(tree)}"
    return f"one of {len(tree)}" if is_nested(tree) else f"{type(tree).__name__}"


def _keys(tree: dict[Any, Any]) -> list[Any]:
    """Return the keys of a dict in the order of their leaves."""
    if isinstance(tree, OrderedDict):
        return list(tree)
    try:
        return sorted(tree)
    except TypeError:  # keys that do not compare: by their types first
        return sorted(tree, key=lambda key: (type(key).__name__, str(key)))


def _children(tree: Any) -> list[Any]:
    return [tree[key] for key in _keys(tree)] if isinstance(tree, dict) else list(tree)


def _leaves(tree: Any) -> Iterator[Any]:
    if is_nested(tree):
        for child in _children(tree):
            yield from _leaves(child)
    else:
        yield tree


def _rebuilt(tree: Any, children: list[Any]) -> Any:
    """Return a list, tuple or dict of the type of `tree`, its keys in their order, with these."""
    if isinstance(tree, dict):
        values = dict(zip(_keys(tree), children, strict=True))
        ordered = ((key, values[key]) for key in tree)
        if isinstance(tree, defaultdict):
            return defaultdict(tree.default_factory, ordered)
        return OrderedDict(ordered) if isinstance(tree, OrderedDict) else dict(ordered)
    if isinstance(tree, tuple):
        return type(tree)(*children) if hasattr(tree, "_fields") else tuple(children)
    return children
