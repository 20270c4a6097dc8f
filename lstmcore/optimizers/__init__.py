"""Keras's optimizers, by name; a training step is one call of the core.

The core has SGD, Lion, RMSprop, Adagrad, Adadelta, Adam, AdamW, Adamax and Nadam; the others are
computed in NumPy.

An optimizer works on two flat arrays, all trainable weights and all their gradients. Its own state
(`slots`) consists of flat arrays of the same length.
"""

from __future__ import annotations

from typing import Any

from ..registry import custom_objects as with_names
from ..serialization import to_json
from . import schedules
from .adam import Adam, Adamax, AdamW, Nadam
from .adaptive import Adadelta, Adagrad, RMSprop
from .base import Optimizer, registry
from .descent import SGD, Lion
from .ftrl import Ftrl
from .lamb import Adafactor, Lamb
from .muon import Muon
from .schedule_free import ScheduleFreeAdamW

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "registry",
    "schedules",
    "serialize",
]


def get(identifier: Any) -> Any:
    """Return the optimizer for a name, class, config or instance; None for None."""
    if identifier is None:
        return None
    return registry.get(identifier, Optimizer)


def serialize(optimizer: Optimizer) -> Any:
    """Return the config that `deserialize` and `get` take."""
    return to_json(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build an optimizer from its config."""
    with with_names(custom_objects):
        return get(config)
