"""Policies of dtypes, by Keras's names: of weights, and of the operands of products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import refused
from ..config.policies import DTypePolicy as DTypePolicy
from ..config.policies import get as get
from ..registry import custom_objects as custom_objects_known
from ..serialization import to_json

FloatDTypePolicy = DTypePolicy

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]

refused.install(__name__)


def serialize(dtype_policy: DTypePolicy) -> Any:
    """Return the config of a policy, for `deserialize` and `get`."""
    return to_json(dtype_policy)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> DTypePolicy:
    """Return the policy of a config, as `serialize` or Keras makes it."""
    with custom_objects_known(custom_objects):
        return get(config)
