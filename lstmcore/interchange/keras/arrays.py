"""Layouts of one layer's arrays in Keras's files, and their way into this library's.

=====================  ==================================================================
LSTM                   kernel (I, 4H), recurrent kernel (H, 4H), bias (4H,): i f c o, as here
LSTM of Keras 1        12 arrays, W U b of i, c, f, o; ``consume_less="gpu"``: as above
LSTM of cuDNN          bias (8H,): of the input product, then of the recurrent one; each gate's
                       kernel is stored transposed
GRU                    z r h, bias (3H,) or with reset_after (2, 3H), as here
GRU of Keras 1         9 arrays, W U b of z, r, h
GRU of cuDNN           bias (6H,), the kernels as the LSTM's
Conv1D of Keras 1      kernel (width, 1, inputs, filters), or (filters, inputs, width, 1)
=====================  ==================================================================

The layouts are those of Keras's own reader of old files (Keras 2.2.4, ``saving.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import layers
from ...validation import Array
from .ages import Age

Named = list[tuple[str, Array]]
_GATES = {12: "ifco", 9: "zrh"}


def arrays_of_leaf(layer: Any, given: Named, age: Age) -> list[Array]:
    """Return a layer's arrays in the order and layout of its weights.

    Parameters
    ----------
    layer : Layer
    given : list of (str, ndarray)
        The arrays in the file's order, with their names.
    age : Age

    Raises
    ------
    ValueError
        If the file does not say the layout.
    """
    arrays = [array for _, array in given]
    if isinstance(layer, layers.LSTM | layers.LSTMCell | layers.GRU | layers.GRUCell):
        if len(given) in _GATES and age.number == 1:
            return _of_gates(layer, given)
        if len(arrays) == 3 and _is_cudnn(layer, arrays[2]):
            return _from_cudnn(layer, arrays)
    if isinstance(layer, layers.Conv1D | layers.SeparableConv1D | layers.DepthwiseConv1D):
        return _convolution(layer, arrays, age)
    return arrays


def _of_gates(layer: Any, given: Named) -> list[Array]:
    """Return kernel, recurrent kernel and bias of the arrays that Keras 1 had of each gate."""
    letters = _GATES[len(given)]
    by_name: dict[str, Array] = {}
    for name, array in given:
        by_name[name.removesuffix(":0")[-3:]] = array  # W_i, U_c, b_o
    wanted = [f"{kind}_{gate}" for kind in "WUb" for gate in letters]
    if missing := [name for name in wanted if name not in by_name]:
        raise ValueError(f"layer {layer.name!r}: there is no array {missing[0]}")
    n = len(letters)
    parts = [[by_name[name] for name in wanted[k * n : (k + 1) * n]] for k in range(3)]
    return [np.concatenate(part, axis=-1) for part in parts]


# -- cuDNN ---------------------------------------------------------------------------------------


def _is_cudnn(layer: Any, bias: Array) -> bool:
    """Return True for a bias of both products in one axis, which only cuDNN's layers have."""
    gates = 4 if isinstance(layer, layers.LSTM | layers.LSTMCell) else 3
    return bias.shape == (2 * gates * layer.units,)


def _from_cudnn(layer: Any, arrays: list[Array]) -> list[Array]:
    kernel, recurrent, bias = arrays
    lstm = isinstance(layer, layers.LSTM | layers.LSTMCell)
    gates = 4 if lstm else 3
    if not lstm and not layer.reset_after:
        raise ValueError(
            f"layer {layer.name!r} (GRU): its weights are cuDNN's, which needs reset_after=True"
        )
    if kernel.ndim != 2 or recurrent.ndim != 2 or kernel.shape[1] % gates:
        raise ValueError(f"layer {layer.name!r}: expected kernels of {gates} gates")
    kernels = [k.T.reshape(k.shape, order="F") for k in np.split(kernel, gates, axis=1)]
    recurrents = [k.T for k in np.split(recurrent, gates, axis=1)]
    halves = bias.reshape(2, -1)
    joined = halves.sum(axis=0) if lstm else halves
    return [np.concatenate(kernels, axis=1), np.concatenate(recurrents, axis=1), joined]


# -- convolutions --------------------------------------------------------------------------------


def _convolution(layer: Any, arrays: list[Array], age: Age) -> list[Array]:
    """Return a convolution's arrays; Theano's run backwards in time."""
    arrays = list(arrays)
    width = layer.kernel_size[0] if isinstance(layer.kernel_size, tuple) else layer.kernel_size
    if arrays and age.number == 1 and arrays[0].ndim == 4:
        kernel = arrays[0]
        if kernel.shape[:2] != (width, 1):
            kernel = kernel.transpose(2, 3, 1, 0)
        arrays[0] = kernel[:, 0]
    if width == 1:
        return arrays
    if age.flips_kernels:
        arrays[0] = arrays[0][::-1]
    return arrays


def check_padding(layer: Any, age: Age) -> None:
    """Raise ValueError where Theano padded otherwise with ``padding="same"`` than is done here.

    It padded both ends alike and cut the end off: even widths, strides and pools differ.
    """
    if not age.flips_kernels:
        return
    for inner in layer.sublayers():
        check_padding(inner, age)
    if getattr(layer, "padding", None) != "same":
        return
    sizes = [getattr(layer, name, 1) for name in ("kernel_size", "strides")]
    width, stride = (size[0] if isinstance(size, tuple | list) else size for size in sizes)
    if hasattr(layer, "pool_size") or width % 2 == 0 or stride > 1:
        raise ValueError(
            f"layer {layer.name!r} ({type(layer).__name__}): padding: Theano, which wrote it, "
            "padded the start where here is padded the end: it cannot give the same output"
        )
