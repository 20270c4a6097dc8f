"""What is given for each output: losses, metrics, weights and targets, by names or nested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..names import nearest
from ..structure import is_nested, spread, tracks_of


def is_config(value: Any) -> bool:
    """Return True for the config of an object or function, which is a dict, too."""
    return isinstance(value, dict) and ("class_name" in value or "function" in value)


def _check_names(given: dict[Any, Any], names: Sequence[str], what: str) -> None:
    for key in given:
        if key not in names:
            raise ValueError(f"{what}: no output is named {key!r}: {nearest(str(key), names)}")


def loss_names(form: Any, names: Sequence[str]) -> list[str]:
    """Return the names of the outputs' losses as Keras has them: the keys that lead to each.

    A last index of a list or tuple gives way to the output's name: ``1/dense``, ``b/c``.
    """
    if not is_nested(form):
        return list(names)
    tracks = (
        (*track[:-1], name) if isinstance(track[-1], int) else track
        for track, name in zip(tracks_of(form), names, strict=True)
    )
    return ["/".join(map(str, track)) for track in tracks]


def given_for_outputs(
    given: Any, names: Sequence[str], form: Any, what: str, alike: bool
) -> list[Any] | None:
    """Return an entry for each output of what is given by names, or nested as the outputs are.

    None if it is given in another way: alone or as a flat list.
    """
    if isinstance(given, dict):
        if not isinstance(form, dict) or set(given) <= set(names):
            _check_names(given, names, what)
            return [given.get(name) for name in names]
        _check_names(given, list(form), what)
        try:
            return spread(form, given, alike=alike)
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from None
    if is_nested(given) and any(len(track) > 1 for track in tracks_of(form)):
        try:
            return spread(form, given, alike=alike)
        except ValueError:
            return None
    return None


def per_output(
    value: Any,
    names: Sequence[str],
    form: Any,
    what: str,
    all_alike: bool = False,
    lists: bool = False,
) -> list[Any]:
    """Return a list with one entry an output, from an argument of `compile`."""
    n = len(names)
    found = None if is_config(value) else given_for_outputs(value, names, form, what, all_alike)
    if found is not None:
        return found
    if value is None:
        return [None] * n
    if n == 1:
        if lists:  # a list of metrics, or one list for the one output
            nested = isinstance(value, list | tuple) and len(value) == 1
            return [value[0] if nested and isinstance(value[0], list | tuple) else value]
        return [value[0] if isinstance(value, list | tuple) and len(value) == 1 else value]
    if isinstance(value, list | tuple):
        if len(value) != n:
            raise ValueError(f"{what}: expected {n}, for the outputs {list(names)}, got {value!r}")
        return list(value)
    if all_alike:
        return [value] * n
    raise ValueError(
        f"{what}: expected a list of {n} or a dict for the outputs {list(names)}, got {value!r}"
    )
