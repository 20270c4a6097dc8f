"""Where the random streams of a model stand, in a form that JSON has."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..inspection import inner_layers
from .generator import generator


def read_streams(model: Any) -> dict[str, Any]:
    """The library's stream, and those of layers with a seed of their own by their paths."""
    return {"library": _state(generator()), **{p: _state(own) for p, own in _streams(model)}}


def restore_streams(model: Any, state: dict[str, Any]) -> None:
    """Put all streams where `read_streams` found them."""
    _restore(generator(), state["library"])
    for path, own in _streams(model):
        if path in state:
            _restore(own, state[path])


def _streams(model: Any) -> list[tuple[str, np.random.Generator]]:
    layers = inner_layers(model)
    owners = ((f"layer {path}", getattr(layer, "_generator", None)) for path, layer in layers)
    return [(path, own) for path, own in owners if isinstance(own, np.random.Generator)]


def _state(stream: np.random.Generator) -> dict[str, Any]:
    state: Any = stream.bit_generator.state
    return {**state, "state": {"state": [int(word) for word in state["state"]["state"]]}}


def _restore(stream: np.random.Generator, state: dict[str, Any]) -> None:
    words = np.array(state["state"]["state"], np.uint64)
    stream.bit_generator.state = {**state, "state": {"state": words}}
