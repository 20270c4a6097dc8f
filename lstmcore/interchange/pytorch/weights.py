"""Weights of one layer in PyTorch's order and in this library's, both ways.

PyTorch has its matrices transposed. The blocks of an LSTM come in the order i f g o, which is this
library's i f c o; those of a GRU in the order r z n, here z r h. A recurrent layer has two biases
that are added, here one; a GRU's are kept apart here as well, ``(2, 3 units)``. The projection of
an LSTM is ``weight_hr``, and `proj_size` its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    GRUCell,
    LayerNormalization,
    LSTMCell,
    PReLU,
    SimpleRNN,
    SimpleRNNCell,
    TimeDistributed,
)
from ...saving.safetensors_file import few
from ...validation import Array

# where each of this library's blocks stands among PyTorch's, and the other way round
ORDERS = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "RNN": (0,)}
KINDS = {
    LSTM: "LSTM",
    LSTMCell: "LSTM",
    GRU: "GRU",
    GRUCell: "GRU",
    SimpleRNN: "RNN",
    SimpleRNNCell: "RNN",
}
RECURRENT = (LSTM, GRU, SimpleRNN, Bidirectional)
CELLS = (LSTMCell, GRUCell, SimpleRNNCell)


def dotted(state: Mapping[str, Any], prefix: str) -> str:
    """Return a prefix of names, with a dot behind it if names have one there."""
    longer = f"{prefix}."
    whole = not prefix or prefix.endswith(".") or not any(n.startswith(longer) for n in state)
    return prefix if whole else longer


def holder(layer: Any) -> Any:
    """Return the layer that has the weights: what TimeDistributed applies, the cell of an RNN."""
    if isinstance(layer, TimeDistributed):
        return holder(layer.layer)
    return layer.cell if isinstance(layer, RNN) else layer


class Taken:
    """The arrays of a state dict under a prefix, and which of them have been taken.

    Parameters
    ----------
    state : mapping of str to array_like
    prefix : str
    """

    def __init__(self, state: Mapping[str, Any], prefix: str) -> None:
        self.prefix = prefix
        own = {n[len(prefix) :]: a for n, a in state.items() if n.startswith(prefix)}
        self.arrays: dict[str, Any] = own
        self.left = set(own)

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array."""
        return tuple(np.shape(self._find(name)))

    def _find(self, name: str) -> Any:
        if name not in self.arrays:
            there = few(self.prefix + n for n in self.arrays) or "nothing"
            raise ValueError(f"there is no {self.prefix + name!r}; under this prefix is {there}")
        return self.arrays[name]

    def take(self, name: str, ndim: int | None = None) -> Array:
        """Return an array of real numbers; float16 is widened to float32."""
        array = np.asarray(self._find(name))
        if array.dtype.kind != "f" or (ndim is not None and array.ndim != ndim):
            wanted = "an array of floats" if ndim is None else f"an array of floats of {ndim} axes"
            got = f"{array.dtype} of shape {array.shape}"
            raise ValueError(f"{self.prefix + name!r}: expected {wanted}, got {got}")
        self.left.discard(name)
        return array.astype(np.float32) if array.itemsize < 4 else array

    def drop(self, name: str) -> None:
        """Take an array that has no counterpart here."""
        self.left.discard(name)

    def finish(self) -> None:
        """Raise ValueError if arrays are left."""
        if self.left:
            names = few(self.prefix + name for name in self.left)
            raise ValueError(f"tensors under {self.prefix!r} that are not read: {names}")


# -- from PyTorch --------------------------------------------------------------------------------


def weights_from_torch(layer: Any, taken: Taken, level: int | None = 0) -> list[Array]:
    """Return the weights of a layer, in its order, from PyTorch's arrays.

    Parameters
    ----------
    layer : Layer
        Built; it has what PyTorch's module has.
    taken : Taken
    level : int, optional
        The place of a recurrent layer in a stack; None for the arrays of a cell.
    """
    if isinstance(layer, Bidirectional):
        both = (layer.forward_layer, ""), (layer.backward_layer, "_reverse")
        return [w for one, end in both for w in _recurrent(one, taken, f"_l{level}{end}")]
    if type(layer) in KINDS:
        alone = level is None or isinstance(layer, CELLS)
        return _recurrent(layer, taken, "" if alone else f"_l{level}")
    if isinstance(layer, Dense):
        return _present(taken.take("weight", 2).T, _bias(layer, taken))
    if isinstance(layer, Conv1D):
        return _present(taken.take("weight", 3).transpose(2, 1, 0), _bias(layer, taken))
    if isinstance(layer, Embedding):
        return [taken.take("weight", 2)]
    if isinstance(layer, PReLU):
        return [taken.take("weight", 1).reshape(layer.alpha.shape)]
    if not isinstance(layer, BatchNormalization | LayerNormalization):
        raise ValueError(f"{layer.describe()}: PyTorch has no weights for a layer of this class")
    weights = [taken.take("weight")] if layer.scale else []
    weights += [taken.take("bias")] if layer.center else []
    if isinstance(layer, BatchNormalization):
        taken.drop("num_batches_tracked")
        weights += [taken.take("running_mean"), taken.take("running_var")]
    return weights


def _bias(layer: Any, taken: Taken) -> Array | None:
    return taken.take("bias", 1) if layer.use_bias else None


def _present(*arrays: Array | None) -> list[Array]:
    return [array for array in arrays if array is not None]


def _recurrent(layer: Any, taken: Taken, end: str) -> list[Array]:
    """Return kernel, recurrent kernel and bias of one direction, whose names have this end."""
    kind = KINDS[type(layer)]
    projection = getattr(layer, "projection", None)
    if kind == "LSTM" and projection is None and f"weight_hr{end}" in taken:
        size = taken.shape(f"weight_hr{end}")[0]
        raise layer.error("projection", f"{size}, which PyTorch's proj_size is", "None")
    kernels = [taken.take(f"weight_{of}{end}", 2) for of in ("ih", "hh")]
    for of, kernel in zip(("ih", "hh"), kernels, strict=True):
        if len(kernel) != len(ORDERS[kind]) * layer.units:
            wanted = f"{len(ORDERS[kind]) * layer.units} rows in {taken.prefix}weight_{of}{end}"
            raise layer.error("weights", wanted, len(kernel))
    weights = [np.ascontiguousarray(reorder(kind, kernel).T) for kernel in kernels]
    if layer.use_bias:
        biases = [reorder(kind, taken.take(f"bias_{of}{end}", 1)) for of in ("ih", "hh")]
        weights.append(np.stack(biases) if kind == "GRU" else biases[0] + biases[1])
    if projection is not None:
        weights.append(np.ascontiguousarray(taken.take(f"weight_hr{end}", 2).T))
    return weights


def reorder(kind: str, array: Array) -> Array:
    """Return the blocks along the first axis in the other library's order.

    A GRU's order exchanges two blocks, so that it serves both directions.
    """
    order = ORDERS[kind]
    if len(array) % len(order):
        raise ValueError(f"expected a multiple of {len(order)} rows for {kind}, got {len(array)}")
    blocks = np.split(array, len(order))
    return np.concatenate([blocks[place] for place in order])


def check_shapes(layer: Any, weights: list[Array], prefix: str) -> None:
    """Raise ValueError unless arrays have the shapes of a layer's weights."""
    for param, array in zip(layer.weights, weights, strict=True):
        if param.shape != array.shape:
            wanted = f"shape {param.shape}"
            got = f"{array.shape}, of the tensors under {prefix!r} in this library's order"
            raise layer.error(f"weight {param.name!r}", wanted, got)


# -- to PyTorch ----------------------------------------------------------------------------------


def weights_to_torch(layer: Any, level: int = 0) -> dict[str, Array]:
    """Return a layer's weights as PyTorch has them, by the names in its module.

    Parameters
    ----------
    layer : Layer
    level : int, default 0
        The place of a recurrent layer in a stack.
    """
    if isinstance(layer, Bidirectional):
        forward = _recurrent_to_torch(layer.forward_layer, f"_l{level}")
        return forward | _recurrent_to_torch(layer.backward_layer, f"_l{level}_reverse")
    if type(layer) in KINDS:
        return _recurrent_to_torch(layer, "" if isinstance(layer, CELLS) else f"_l{level}")
    own = {param.name: param.numpy() for param in layer.weights}
    if isinstance(layer, Dense):
        return _named(weight=own["kernel"].T, bias=own.get("bias"))
    if isinstance(layer, Conv1D):
        return _named(weight=own["kernel"].transpose(2, 1, 0), bias=own.get("bias"))
    if isinstance(layer, Embedding):
        return _named(weight=own["embeddings"])
    if isinstance(layer, PReLU):
        return _named(weight=own["alpha"].reshape(-1))
    gamma, beta = own.get("gamma"), own.get("beta")
    if isinstance(layer, BatchNormalization):
        mean, variance = own["moving_mean"], own["moving_variance"]
        if gamma is not None or beta is not None:  # PyTorch has both or none
            gamma = np.ones_like(mean) if gamma is None else gamma
            beta = np.zeros_like(mean) if beta is None else beta
        count = np.zeros((), np.int64)
        return _named(weight=gamma, bias=beta, running_mean=mean, running_var=variance) | {
            "num_batches_tracked": count
        }
    if gamma is None and beta is not None:
        gamma = np.ones_like(beta)
    return _named(weight=gamma, bias=beta)


def _named(**arrays: Array | None) -> dict[str, Array]:
    return {name: np.ascontiguousarray(a) for name, a in arrays.items() if a is not None}


def _recurrent_to_torch(layer: Any, end: str) -> dict[str, Array]:
    kind = KINDS[type(layer)]
    own = {param.name: param.numpy() for param in layer.weights}
    arrays = {
        f"weight_{of}": reorder(kind, own[name].T)
        for of, name in (("ih", "kernel"), ("hh", "recurrent_kernel"))
    }
    bias = own.get("bias")
    if bias is not None and kind == "GRU":
        arrays |= {f"bias_{of}": reorder(kind, b) for of, b in zip(("ih", "hh"), bias, strict=True)}
    elif bias is not None:
        arrays |= {"bias_ih": bias, "bias_hh": np.zeros_like(bias)}
    if "projection_kernel" in own:
        arrays["weight_hr"] = own["projection_kernel"].T
    return _named(**{f"{name}{end}": array for name, array in arrays.items()})
