"""`load_torch`: PyTorch's arrays into the layers of a model that is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...layers import Layer
from ...saving.safetensors_file import few
from ...validation import Array
from .checks import check_weights
from .reading import read_torch
from .weights import KINDS, Taken, check_shapes, dotted, holder, weights_from_torch


def load_torch(
    model: Any, weights: str | os.PathLike[str] | Mapping[str, Any], mapping: Mapping[str, Any]
) -> None:
    """Set weights of a model from PyTorch's; see `Model.load_torch`.

    Parameters
    ----------
    model : Model
    weights : path-like or mapping of str to array_like
    mapping : mapping of str to str, layer, sequence of these, or None

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the tensors and the layers of the mapping do not fit; the model is then unchanged.
    """
    state = weights if isinstance(weights, Mapping) else read_torch(weights)
    if not isinstance(mapping, Mapping) or not mapping:
        raise ValueError("load_torch: mapping: expected a dict of prefixes to layers' names")
    if not model.built:
        raise ValueError(
            f"load_torch: model {model.name!r} has no weights yet: give it an Input, or fit it"
        )
    model.materialize()
    found: list[tuple[Any, Array]] = []
    read: set[str] = set()
    filled: dict[Any, str] = {}
    for prefix, target in mapping.items():
        if not isinstance(prefix, str):
            raise ValueError(f"load_torch: mapping: expected str as prefixes, got {prefix!r:.80}")
        taken = Taken(state, dotted(state, prefix))
        if not taken.arrays:
            raise ValueError(f"load_torch: no tensor's name begins with {prefix!r}")
        if read & {taken.prefix + name for name in taken.arrays}:
            raise ValueError(f"load_torch: the tensors under {prefix!r} are of two prefixes")
        read |= {taken.prefix + name for name in taken.arrays}
        for layer, arrays in [] if target is None else _arrays(model, target, taken):
            if layer in filled:
                wanted = f"it once, under {filled[layer]!r}"
                raise layer.error("mapping", wanted, f"it again under {prefix!r}")
            filled[layer] = prefix
            found += zip(layer.weights, arrays, strict=True)
    if left := set(state) - read:
        raise ValueError(
            f"load_torch: tensors that no prefix of the mapping has: {few(left)}; a prefix whose "
            "tensors are not wanted is mapped to None"
        )
    for param, array in found:
        param.assign(array)


def _arrays(model: Any, target: Any, taken: Taken) -> list[tuple[Any, list[Array]]]:
    """Return the layers of an entry of the mapping, with the arrays for their weights."""
    targets = target if isinstance(target, tuple | list) else (target,)
    wanted = [holder(_layer(model, one)) for one in targets]
    found: list[tuple[Any, list[Array]]] = []
    for level, layer in enumerate(wanted):
        check_weights(layer)
        one = len(wanted) == 1
        if not one and not hasattr(layer, "return_sequences"):
            raise layer.error("mapping", "recurrent layers alone in a list, a stack", "it")
        cell = one and type(layer) in KINDS and "weight_ih" in taken
        weights = weights_from_torch(layer, taken, None if cell else level)
        check_shapes(layer, weights, taken.prefix)
        found.append((layer, weights))
    taken.finish()
    return found


def _layer(model: Any, target: Any) -> Any:
    """Return a layer of the model, by its name; that of an inner model's layer has slashes."""
    if isinstance(target, Layer):
        own = {id(p) for p in model.weights}
        if not target.weights or not all(id(p) in own for p in target.weights):
            raise target.error("mapping", f"a layer of model {model.name!r}", "another one")
        return target
    if not isinstance(target, str):
        raise ValueError(f"load_torch: mapping: expected names of layers, got {target!r:.80}")
    found = model
    for part in target.split("/"):
        found = found.get_layer(part)
    return found
