"""What layers make of weights that are stored in fewer bytes, made again when they have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from .. import _core
from ..validation import Array

if TYPE_CHECKING:
    from .base import Layer
    from .parameters import Param

T = TypeVar("T")


def refuse_training(layer: Layer) -> None:
    """Raise ValueError if a layer is quantized: its weights have no gradients."""
    if layer.storage is not None:
        wanted = "float32 weights (model.dequantize() gives them back)"
        raise layer.error("training", wanted, f"a quantized layer, {layer.storage}")


def rounded_values(layer: Layer) -> dict[Param, Array]:
    """Return the float32 numbers that the stored weights of a quantized layer stand for."""
    assert layer.storage is not None
    rounded: dict[Param, Array] = {}
    for product in layer.stored_products():
        values = product.round([p.value for p in product.weights], layer.storage)
        rounded.update(zip(product.weights, values, strict=True))
    return rounded


def stored(layer: Layer, what: str, make: Callable[[], T], grad: bool = False) -> T:
    """Return what `make` makes of the layer's weights, the same until they or the format change.

    Parameters
    ----------
    layer : Layer
        A quantized layer with weights of its own.
    what : str
        A name among the layer's own.
    make : callable
    grad : bool, default False
        A backward function is wanted, which is refused.
    """
    if grad:
        refuse_training(layer)
    flat = layer._params[0].flat
    assert flat is not None
    key = (layer.storage, flat, flat.version, _core.isa())  # before `make` reads the weights
    entry = layer.stored_entries.get(what)
    if entry is None or entry[0] != key:
        entry = (key, make())
        layer.stored_entries = {**layer.stored_entries, what: entry}  # threads see it whole
    made: T = entry[1]
    return made


def packed_kernel(
    layer: Layer, kernel: Array, bias: Array | None, grad: bool = False, part: int = 0
) -> _core.PackedDense:
    """Return a quantized layer's kernel and bias, packed; see `dense_product`."""

    def pack() -> _core.PackedDense:
        return _core.pack_dense(np.ascontiguousarray(kernel), bias, layer.storage)

    return stored(layer, f"kernel {part}", pack, grad)


def dense_product(
    layer: Layer, x: Array, kernel: Array, bias: Array | None, grad: bool, part: int = 0
) -> Array:
    """Return ``x @ kernel + bias``, with the kernel as the layer stores it.

    The operands of a layer that is not quantized are rounded as its policy says.

    Parameters
    ----------
    layer : Layer
    x : ndarray, (..., features)
    kernel : ndarray, (features, units)
        Contiguous, unless the layer is quantized.
    bias : ndarray, (units,), or None
    grad : bool
        A backward function is wanted, which a quantized layer refuses.
    part : int, default 0
        Which of several kernels of the layer it is.
    """
    if layer.storage is None:
        return _core.dense_forward(x, kernel, bias, storage=layer.product_storage)
    return _core.dense_forward(x, packed_kernel(layer, kernel, bias, grad, part))


def dense_gradients(
    layer: Layer,
    x: Array,
    kernel: Array,
    dy: Array,
    dkernel: Array,
    dbias: Array | None = None,
    need_dx: bool = True,
) -> Array | None:
    """Add the gradients of `dense_product` to those of kernel and bias; return that of x.

    The operands of its products, too, are rounded as the layer's policy says.
    """
    return _core.dense_backward(
        x,
        kernel,
        dy,
        dkernel=dkernel,
        dbias=dbias,
        need_dx=need_dx,
        storage=layer.product_storage,
    )
