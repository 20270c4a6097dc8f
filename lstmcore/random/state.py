"""The states of a model's random generators, in a form that JSON has."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..inspection import inner_layers
from .generator import generator


@contextmanager
def preserve_random_state() -> Iterator[None]:
    """Restore the state of all random generators after the block."""
    library = generator().bit_generator.state
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        generator().bit_generator.state = library
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def read_states(model: Any) -> dict[str, Any]:
    """Return the states of the library's generator and, by path, of the layers' own ones."""
    return {"library": _state(generator()), **{p: _state(own) for p, own in _generators(model)}}


def restore_states(model: Any, state: dict[str, Any]) -> None:
    """Set all generators to the states that `read_states` returned."""
    _restore(generator(), state["library"])
    for path, own in _generators(model):
        if path in state:
            _restore(own, state[path])


def _generators(model: Any) -> list[tuple[str, np.random.Generator]]:
    """Return the generators of layers by path: of their own, and of users' `SeedGenerator`s."""
    functions: Any = sys.modules.get(f"{__package__}.functions")  # without it there are none
    found = []
    for path, layer in inner_layers(model):
        owners = [(f"layer {path}", getattr(layer, "_generator", None))]
        for name, value in vars(layer).items() if functions else ():
            if isinstance(value, functions.SeedGenerator):
                owners.append((f"layer {path}: {name}", value.generator))
        found += [(place, own) for place, own in owners if isinstance(own, np.random.Generator)]
    return found


def _state(own: np.random.Generator) -> dict[str, Any]:
    state: Any = own.bit_generator.state
    return {**state, "state": {"state": [int(word) for word in state["state"]["state"]]}}


def _restore(own: np.random.Generator, state: dict[str, Any]) -> None:
    words = np.array(state["state"]["state"], np.uint64)
    own.bit_generator.state = {**state, "state": {"state": words}}
