"""Keras 3's names: the arguments of its classes, and the classes that stand for calls of its ops.

They are in ``keras3_names.json``, which a program makes of Keras 3 itself:
``tests/interchange/keras/files/make_keras3_names.py``.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any, NamedTuple

# Keras's modules of objects, by the kinds of this library's registries.
MODULES = {
    "layer": "keras.layers",
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
    "loss": "keras.losses",
    "metric": "keras.metrics",
    "optimizer": "keras.optimizers",
    "learning rate schedule": "keras.optimizers.schedules",
}


class KerasOperation(NamedTuple):
    """The class that Keras records for a call of an op.

    Parameters
    ----------
    module, name : str
        Of the class.
    made_with, called_with : dict of str to str
        The arguments of the constructor and of the call, with their names in the op.
    """

    module: str
    name: str
    made_with: dict[str, str]
    called_with: dict[str, str]


@functools.cache
def _table() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("keras3_names.json").read_text()
    table: dict[str, Any] = json.loads(text)
    return table


def version() -> str:
    """Return the version of Keras that the names are of."""
    return str(_table()["keras_version"])


def arguments(kind: str, name: str) -> list[str] | None:
    """Return the arguments of a class of Keras; None if Keras has none of this name.

    Parameters
    ----------
    kind : str
        A key of `MODULES`.
    name : str
    """
    found = _table()[kind].get(name)
    return None if found is None else found.split()


def is_name(kind: str, name: str) -> bool:
    """Return True if Keras finds an activation, loss or metric by this name."""
    return name in _table()["names"][kind].split()


def operation(op: str) -> KerasOperation | None:
    """Return what Keras records for an op of `lstmcore.ops`; None if it is not the same there."""
    entry = _table()["operations"].get(op)
    if entry is None:
        return None
    module, name, *lists = entry
    # "their_name=own_name", or one name for both
    pairs = ([part.split("=") for part in text.split()] for text in lists)
    return KerasOperation(
        f"keras.src.ops.{module}", name, *({p[0]: p[-1] for p in named} for named in pairs)
    )
