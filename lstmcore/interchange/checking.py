"""Outputs of a file beside those of the model it was written of: `lstmcore convert --check`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..inspection import inner_layers
from ..layers import Embedding, Masking
from ..models import Sequential, clone_model
from ..models.model import Model
from ..saving import load_model
from ..saving.formats import ONNX, recognize
from ..structure import flatten
from ..validation import Array

SIZES = ((1, 5), (3, 11))  # batch and steps, where a model leaves them free


def random_inputs(model: Any, seed: int = 0) -> list[list[Array]]:
    """Return several sets of inputs that a model takes, drawn at random.

    Steps and batch differ from set to set where the model leaves them free. Numbers for an
    `Embedding` are those that it has. Where a mask is made of the inputs, rows end with padding.

    Parameters
    ----------
    model : Model
    seed : int, default 0

    Raises
    ------
    ValueError
        If the model takes texts.
    """
    rng = np.random.default_rng(seed)
    found: list[list[Array]] = []
    for batch, steps in SIZES:
        arrays = [
            _numbers(
                rng,
                _sized(tensor.shape, batch, steps),
                _readers(model, i),
                tensor.dtype or model.dtype,
            )
            for i, tensor in enumerate(model.inputs)
        ]
        places = getattr(model, "input_axes", [0] * len(arrays))  # of the batch: see AxesModel
        arrays = [
            np.ascontiguousarray(np.moveaxis(a, 0, k)) for a, k in zip(arrays, places, strict=True)
        ]
        if not found or [a.shape for a in arrays] != [a.shape for a in found[-1]]:
            found.append(arrays)
    return found


def _sized(shape: Sequence[int | None], batch: int, steps: int) -> tuple[int, ...]:
    """Return a shape with a size in place of each that is free."""
    rest = (steps if n is None else n for n in shape[1:])
    return (batch if shape[0] is None else shape[0], *rest)


def _numbers(
    rng: np.random.Generator, shape: tuple[int, ...], readers: Sequence[Any], dtype: str
) -> Array:
    """Return random numbers for an input that these layers read."""
    words = [layer for layer in readers if isinstance(layer, Embedding)]
    if any(hasattr(layer, "get_vocabulary") for layer in readers):
        raise ValueError("the model takes texts or keys, which are not drawn: give them as input")
    if words:
        low = int(any(layer.mask_zero for layer in words))
        drawn = rng.integers(low, min(layer.input_dim for layer in words), shape)
        if low and len(shape) == 2:
            drawn[1:, -2:] = 0  # padding, at the end as most have it
        return drawn
    if np.issubdtype(dtype, np.integer):
        return rng.integers(0, 5, shape)
    numbers = rng.standard_normal(shape).astype(dtype)
    for layer in readers:
        if isinstance(layer, Masking):
            numbers[1:, -2:] = layer.mask_value
    return numbers


def _readers(model: Any, index: int) -> list[Any]:
    """Return the layers that read an input of a model, those of models inside it too."""
    if isinstance(model, Sequential):
        pairs = [(model.layers[0], 0)] if model.layers else []
    else:
        calls = model.graph.calls
        pairs = [
            (call.layer, i) for call in calls for i, slot in enumerate(call.inputs) if slot == index
        ]
    found: list[Any] = []
    for layer, i in pairs:
        found += _readers(layer, i) if isinstance(layer, Model) else [layer]
    return found


def predicted(model: Model, inputs: Sequence[Array]) -> list[Array]:
    """Return a model's outputs as a list; a stateful model begins anew."""
    model.reset_states()
    given = list(inputs) if len(inputs) > 1 else inputs[0]
    batch = max(max(array.shape) for array in inputs)  # all at once, wherever the batch is
    found = flatten(model.predict(given, batch_size=batch, verbose=0))
    model.reset_states()
    return list(found)


def outputs_of_file(path: str, model: Model, inputs: Sequence[Array]) -> list[Array]:
    """Return the outputs that a file gives: of an ONNX graph as it is, of weights in a copy.

    Parameters
    ----------
    path : str
    model : Model
        What the file was written of; a file of weights is read into a copy of it.
    inputs : sequence of ndarray
    """
    if recognize(path) is ONNX:
        from .onnx.runner import Runner

        runner = Runner(path)
        if len(runner.inputs) != len(inputs):
            names = [tensor.name for tensor in runner.inputs]
            raise ValueError(f"the graph has inputs {names}, the model {len(inputs)}")
        feeds = {tensor.name: array for tensor, array in zip(runner.inputs, inputs, strict=True)}
        return list(runner.run(feeds).values())
    if is_of_weights(path):
        other = clone_model(model)
        other.load_weights(path)
    else:
        other = load_model(path, compile=False)
    return predicted(other, inputs)


def outputs_of_model(path: str, model: Model, inputs: Sequence[Array]) -> list[Array]:
    """Return the outputs of the model that a file was written of, to compare the file's with.

    An ONNX graph computes in float32, so layers in mixed precision do here for it, too.
    """
    layers = [layer for _, layer in inner_layers(model) if layer.product_storage is not None]
    if recognize(path) is not ONNX or not layers:
        return predicted(model, inputs)
    kept = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = layer.variable_dtype
        return predicted(model, inputs)
    finally:
        for layer, policy in zip(layers, kept, strict=True):
            layer.dtype_policy = policy


def is_of_weights(path: str | os.PathLike[str]) -> bool:
    """Return True if the name of a file is one of weights alone."""
    return os.fspath(path).lower().endswith((".weights.h5", ".weights.safetensors"))


def largest_difference(found: Sequence[Array], expected: Sequence[Array]) -> float:
    """Return the largest difference of outputs, relative to what is larger than 1.

    NaN and infinities are equal to themselves alone.

    Raises
    ------
    ValueError
        If the outputs differ in number or shape.
    """
    shapes = [[np.shape(array) for array in arrays] for arrays in (found, expected)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"expected outputs of shapes {shapes[1]}, got {shapes[0]}")
    worst = 0.0
    for one, other in zip(found, expected, strict=True):
        a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            apart = np.where(same, 0.0, np.abs(a - b) / np.maximum(1.0, np.abs(b)))
        worst = max(worst, float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0.0)))
    return worst


def given_inputs(path: str, model: Any) -> list[list[Array]]:
    """Return the inputs that a ``.npz`` file has: by the names of the model's, or in their order.

    Raises
    ------
    ValueError
        If the file is no archive of arrays, or has not one for each input.
    """
    names = [tensor.name for tensor in model.inputs]
    try:
        file: Any = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("expected a file of numpy.savez")
        with file:
            arrays = {name: file[name] for name in file}
    except FileNotFoundError:
        raise
    except (ValueError, EOFError, KeyError, OSError) as error:
        raise ValueError(f"{path}: no arrays can be read from this file: {error}") from None
    if set(names) <= set(arrays):
        arrays = {name: arrays[name] for name in names}
    if len(arrays) != len(names) or not all(array.ndim for array in arrays.values()):
        got = {name: array.shape for name, array in arrays.items()}
        raise ValueError(f"{path}: expected {names}, or {len(names)} arrays, got {got}")
    return [list(arrays.values())]
