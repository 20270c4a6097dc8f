"""Weights of quantized layers in this library's files: few bytes, and scales beside them.

    weights/<layer>/<weight>         int8, bfloat16 or float16, in the weight's shape
    weights/<layer>/<weight>_scale   of int8: float32, of a shape that broadcasts to the weight's

A weight of int8 is ``numbers * scale``. So a file can be read without knowing the layer.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..quantization.quantize import all_layers, dequantize, quantize, set_storages, storages
from ..quantization.storage import BFLOAT16, Product, from_short, scaled
from ..validation import Array
from .safetensors_file import depth_of_the_user, few

SCALE = "_scale"  # after the name of a weight of int8
_SHORT = (np.dtype(np.float16), BFLOAT16)


class StoredProduct(NamedTuple):
    """A product of a quantized layer, and the names of its weights in a file."""

    path: str  # of the layer
    storage: str
    product: Product
    names: list[str]

    def describe(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Return the shapes and dtypes of its arrays in a file, by their names."""
        weights = self.product.weights
        found = {n: (p.shape, self.storage) for n, p in zip(self.names, weights, strict=True)}
        if self.storage == "int8":
            scale = np.broadcast_to(np.float32(0), self.product.scale_shape())  # takes no memory
            shapes = (part.shape for part in self.product.of_scale(scale))
            scales = zip(self.names, shapes, strict=True)
            found.update({f"{name}{SCALE}": (shape, "float32") for name, shape in scales})
        return found

    def arrays(self) -> dict[str, Array]:
        """Return its arrays as a file has them, by their names."""
        values = [p.value for p in self.product.weights]
        stored, scale = self.product.store(values, self.storage)
        found = dict(zip(self.names, stored, strict=True))
        if scale is not None:
            scales = zip(self.names, self.product.of_scale(scale), strict=True)
            found.update({f"{name}{SCALE}": np.ascontiguousarray(part) for name, part in scales})
        return found


def stored_products(model: Any) -> Iterator[StoredProduct]:
    """Yield the products of a model's quantized layers."""
    names = {param: f"weights/{name}" for name, param, _ in model.named_params()}
    for path, layer in all_layers(model):
        for product in layer.stored_products() if layer.storage is not None else ():
            found = [names[param] for param in product.weights]
            yield StoredProduct(path, layer.storage, product, found)


def declare_storage(model: Any, given: Any) -> None:
    """Let a model store its weights as its config says, by the layers' paths."""
    if not isinstance(given, dict):
        raise ValueError(f"storage: expected a dict, got {given!r:.80}")
    if given and model.dtype != "float32":
        raise ValueError(f"storage: expected none in a model of {model.dtype}, got {few(given)}")
    set_storages(model, given)


def widen(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays of a file with its stored weights as the float32 numbers that they stand for.

    Raises
    ------
    ValueError
        If scales are missing or of another shape or type.
    """
    found: dict[str, Array] = {}
    scales = {name + SCALE for name, array in tensors.items() if array.dtype == np.int8}
    for name, array in tensors.items():
        if not name.startswith("weights/") or name in scales:
            continue
        if array.dtype == np.int8:
            found[name] = scaled(array, _scale(name, array, tensors))
        else:
            found[name] = from_short(array) if array.dtype in _SHORT else array
    others = {n: array for n, array in tensors.items() if not n.startswith("weights/")}
    return {**others, **found}


def _scale(name: str, array: Array, tensors: Mapping[str, Array]) -> Array:
    """Return the scales of a weight of int8."""
    scale = tensors.get(name + SCALE)
    if scale is None:
        raise ValueError(f"it lacks tensors: {name + SCALE}")
    fits = scale.ndim == array.ndim and all(
        n in (1, m) for n, m in zip(scale.shape, array.shape, strict=True)
    )
    if scale.dtype != np.float32 or not fits:
        got = f"{scale.dtype} {scale.shape}"
        raise ValueError(f"{name + SCALE!r}: expected float32 for {array.shape}, got {got}")
    return scale


def fill(model: Any, tensors: Mapping[str, Array]) -> None:
    """Set the weights of a model's quantized layers from arrays of a file.

    Raises
    ------
    ValueError
        If a layer would not store its weights as the file does.
    """
    for entry in stored_products(model):
        arrays = {name: tensors[name] for name in entry.describe()}
        for name, param in zip(entry.names, entry.product.weights, strict=True):
            own = {key: array for key, array in arrays.items() if key in (name, name + SCALE)}
            param.assign(widen(own)[name])
        again = entry.arrays()
        if any(again[name].tobytes() != array.tobytes() for name, array in arrays.items()):
            wanted = f"weights as they are rounded to {entry.storage}"
            raise ValueError(f"{entry.path!r}: expected {wanted}, got others")


def rounded_floats(model: Any, who: str, where: str) -> Any:
    """Return a model for a file that has no place for stored weights: a copy, with a warning.

    Its float32 weights are the rounded ones. A model that is not quantized is returned itself.
    """
    found = storages(model)
    if not found:
        return model
    warnings.warn(
        f"{who}: {where} has the weights of {', '.join(found)} as float32, rounded to "
        f"{' and '.join(sorted(set(found.values())))}: only this library's files have few bytes",
        stacklevel=depth_of_the_user(),
    )
    other = copy.copy(model)
    for entry in stored_products(other):
        params = entry.product.weights
        values = entry.product.round([param.value for param in params], entry.storage)
        for param, value in zip(params, values, strict=True):
            param.assign(value)
    dequantize(other)
    return other


def quantize_loaded(model: Any, mode: str) -> None:
    """Quantize a model that was read, unless it is already."""
    there = set(storages(model).values())
    if not there:
        quantize(model, mode)
    elif there != {mode}:
        wanted = "None, or what the file has"
        raise ValueError(f"weights: expected {wanted}, {' and '.join(sorted(there))}, got {mode!r}")
