"""What PyTorch's modules cannot compute: the options of our layers that have no counterpart."""

from __future__ import annotations

from typing import Any

from ...layers import (
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    LayerNormalization,
    LSTMCell,
    PReLU,
)
from .weights import KINDS, RECURRENT

_OTHERS = (Dense, Conv1D, Embedding, LayerNormalization, BatchNormalization, PReLU)


def check_weights(layer: Any) -> None:
    """Raise ValueError, naming the option, if PyTorch's weights mean something else in a layer.

    What is done with inputs and outputs, such as the direction of time and the padding of a
    convolution, is left to the model around it.
    """
    if isinstance(layer, Bidirectional):
        for one in (layer.forward_layer, layer.backward_layer):
            if type(one) not in KINDS:
                wanted = "LSTM, GRU or SimpleRNN, as PyTorch has"
                raise one.error("class", wanted, type(one).__name__)
            _check_recurrent(one)
        first, second = layer.forward_layer, layer.backward_layer
        if type(first) is not type(second) or first.units != second.units:
            raise layer.error("backward_layer", "class and units of the layer", second.describe())
        for option in ("use_bias", "projection"):
            _expect(second, option, getattr(first, option, None))
    elif type(layer) in KINDS:
        _check_recurrent(layer)
    elif type(layer) not in _OTHERS:
        raise layer.error("class", "a layer that torch.nn has as well", type(layer).__name__)


def check_layer(layer: Any) -> None:
    """Raise ValueError, naming the option, for a layer that no module of PyTorch's computes.

    Options that act in training alone, such as dropout, and `return_sequences` do not matter.
    """
    check_weights(layer)
    if isinstance(layer, Bidirectional):
        _expect(layer, "merge_mode", "concat")
        _expect(layer.forward_layer, "go_backwards", False)
    elif isinstance(layer, RECURRENT):
        _expect(layer, "go_backwards", False)
    elif isinstance(layer, Conv1D):
        _expect(layer, "padding", "valid", "same")
        if layer.padding == "same":
            _expect(layer, "strides", (1,))
    elif isinstance(layer, LayerNormalization):
        _check_last_axes(layer)


def _expect(layer: Any, option: str, *values: Any) -> None:
    """Raise ValueError unless an option has one of these values."""
    found = getattr(layer, option, None)
    if found not in values:
        wanted = " or ".join(map(repr, values))
        raise layer.error(option, f"{wanted}, as PyTorch has", repr(found))


def _check_recurrent(layer: Any) -> None:
    kind = KINDS[type(layer)]
    allowed = ("tanh", "relu") if kind == "RNN" else ("tanh",)
    _expect_activation(layer, "activation", *allowed)
    if kind != "RNN":
        _expect_activation(layer, "recurrent_activation", "sigmoid")
    if kind == "GRU":
        _expect(layer, "reset_after", True)
    if kind == "LSTM":
        _expect(layer, "cell_clip", None)
        _expect(layer, "layer_norm", False)
        _check_projection(layer)
        if layer.output_activation is not None:
            _expect_activation(layer, "output_activation", "tanh")
        if layer.has_peepholes or layer.variant not in ("vanilla", "NP"):
            found = f"{layer.variant!r}, peephole={layer.has_peepholes}"
            raise layer.error("variant", "'vanilla' without peepholes, as PyTorch has", found)


def _check_projection(layer: Any) -> None:
    if isinstance(layer, LSTMCell):
        _expect(layer, "projection", None)
    elif layer.projection is not None and layer.projection >= layer.units:
        wanted = f"a number below units, {layer.units}, as PyTorch has"
        raise layer.error("projection", wanted, layer.projection)


def _expect_activation(layer: Any, option: str, *names: str) -> None:
    found = getattr(layer, option)
    if found.__name__ not in names or found.options:
        wanted = " or ".join(map(repr, names))
        raise layer.error(option, f"{wanted}, as PyTorch has", repr(found.__name__))


def _check_last_axes(layer: Any) -> None:
    axes = layer.axis if isinstance(layer.axis, list) else [layer.axis]
    rank = len(layer._built_for or ())
    counted = sorted(axis + rank if axis < 0 else axis for axis in axes)
    if rank and counted != list(range(rank - len(axes), rank)):
        raise layer.error("axis", "the last axes, as PyTorch has", layer.axis)
