"""A model's weights as Keras 3 stores them: each object's in a group of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...names import snake_case
from ...validation import Array
from .paths import places
from .written_nodes import is_op


class Stored(NamedTuple):
    """What one object of Keras's stores.

    Parameters
    ----------
    path : str
        Of its group, without the last part, ``vars``; "" for the model.
    name : str
        The object's.
    arrays : list of array_like
        Those that can be trained first.
    """

    path: str
    name: str
    arrays: list[Array]


def stored_weights(model: Any) -> list[Stored]:
    """Return all weights of a model, by layer, in the order of Keras's walk.

    Raises
    ------
    ValueError
        If there is a weight that Keras has no place for.
    """
    found: list[Stored] = []
    known: set[Any] = set()
    for path, layer, params in places(model):
        if is_op(layer):
            continue
        known.update(params)
        arrays = [p.value for p in sorted(params, key=lambda p: not p.trainable)]
        cell = found and found[-1].path + "/cell" == path and found[-1].name == layer.name
        name = f"{snake_case(type(layer).__name__)}_cell" if cell else layer.name
        found.append(Stored(path, name, arrays))
    left = [name for name, param, _ in model.named_params() if param not in known]
    if left:
        raise ValueError(f"model {model.name!r}: Keras has no place for the weights {left[:3]}")
    return found
