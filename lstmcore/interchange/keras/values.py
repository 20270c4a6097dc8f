"""Values in Keras's JSON: tuples, lists and arrays in their wrappers."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """Return a value without Keras's wrappers of tuples, lists and arrays."""
    if isinstance(value, dict):
        inner = value.get("config", value.get("items", value.get("value")))
        if value.get("class_name") in ("__tuple__", "TensorShape", "ListWrapper"):
            return plain(inner)
        if value.get("class_name") in ("__numpy__", "__tensor__") or value.get("type") == "ndarray":
            return inner["value"] if isinstance(inner, dict) else inner
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list) else value
