"""PyTorch's files at the door of `lstmcore.saving.formats`: weights without an architecture."""

from __future__ import annotations

from typing import Any, NoReturn

from ...saving.safetensors_file import few
from .loading import load_torch
from .reading import contents

__all__ = ["describe", "load_torch", "read_model", "read_weights"]


def read_model(path: str, **options: Any) -> NoReturn:
    """Raise ValueError, which says how the weights of the file are used."""
    raise ValueError(f"{_summary(path)}: it has weights and no architecture; {_ways(path)}")


def read_weights(model: Any, path: str, **options: Any) -> NoReturn:
    """Raise ValueError: which of the file's tensors go where must be said."""
    raise ValueError(f"{_summary(path)}, whose names are not the model's; {_ways(path)}")


def describe(path: str) -> dict[str, Any]:
    """Return the shapes and types of a file's tensors, and in ``config`` what else it has."""
    tensors, others = contents(path)
    said = {name: repr(value)[:80] for name, value in others.items()}
    return {"config": {"others": said}, "tensors": tensors}


def _summary(path: str) -> str:
    tensors, _ = contents(path)
    return f"it is a PyTorch state dict with {len(tensors)} tensors"


def _ways(path: str) -> str:
    """Return what to write, with the prefixes of the file's names."""
    tensors, _ = contents(path)
    prefixes = sorted({name.rpartition(".")[0] + "." for name in tensors if "." in name})
    first = prefixes[0] if prefixes else ""
    under = f" ({few(map(repr, prefixes))})" if prefixes else ""
    return (
        "lstmcore.read_torch(path) has its arrays, lstmcore.layers_from_torch(state, "
        f"{first!r}) makes layers of those under a prefix{under}, and model.load_torch(path, "
        f"{{{first!r}: 'layer'}}) fills a model's layers"
    )
