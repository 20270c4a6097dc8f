"""`layers_from_torch`: layers with weights, made of the arrays of one of PyTorch's modules.

Each of `BUILDERS` makes the layers of a module of that class. What arrays cannot tell is an
option, whose default is PyTorch's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np

from ... import layers
from ...names import nearest
from .weights import ORDERS, Taken, check_shapes, dotted, weights_from_torch

Layers = list[Any]


def layers_from_torch(
    state: Mapping[str, Any], prefix: str = "", *, module: str | None = None, **options: Any
) -> Layers:
    """Make layers with the weights of one of PyTorch's modules, given its arrays.

    Parameters
    ----------
    state : mapping of str to array_like
        As `read_torch` returns it, or any arrays by PyTorch's names of them.
    prefix : str, default ""
        Which of them: ``"lstm."`` for ``"lstm.weight_ih_l0"`` and so on.
    module : str, optional
        The class in ``torch.nn``: LSTM, GRU, RNN, LSTMCell, GRUCell, RNNCell, Linear, Embedding,
        LayerNorm, BatchNorm1d or Conv1d. Needed where the names and shapes do not tell: a matrix
        without bias is of an Embedding or of a Linear.
    **options
        What the arrays do not tell, by PyTorch's names, with its defaults. Recurrent modules:
        `dropout` (0.0) between layers of a stack; `return_sequences` (True) of the last layer;
        `nonlinearity` (``"tanh"``) of RNN and RNNCell. LayerNorm: `eps` (1e-5). BatchNorm1d:
        `eps` (1e-5), `momentum` (0.1). Conv1d: `stride` (1), `padding` (0), `dilation` (1),
        `groups` (1). Embedding: `padding_idx` (None); given 0, steps of index 0 are masked for
        what follows, as ``pack_padded_sequence`` leaves them out.

    Returns
    -------
    list of Layer
        In their order, built; a layer each for `num_layers`, `Bidirectional` for both directions,
        `Dropout` between layers, `ZeroPadding1D` before a convolution. They take ``(batch, time,
        features)``, whatever ``batch_first`` was, and a convolution's channels are its features.
        The two biases of LSTM and RNN, which are added up, become one.

    Raises
    ------
    ValueError
        If a tensor under the prefix is lacking, has another shape, or is not read; if it is not
        clear of which class the module is.

    Examples
    --------
    >>> import numpy as np
    >>> import lstmcore
    >>> state = {"fc.weight": np.ones((3, 16)), "fc.bias": np.zeros(3)}
    >>> lstmcore.layers_from_torch(state, "fc.")[0].units
    3
    """
    taken = _taken(state, prefix)
    kind = module or _kind(taken)
    build = BUILDERS.get(kind)
    if build is None:
        raise ValueError(f"module: expected a class of torch.nn, got {kind!r}: {_known()}")
    names = list(signature(build).parameters)[1:]
    for name in options:
        if name not in names:
            raise ValueError(f"{kind} has no option {name!r}: {nearest(name, names)}")
    made = build(taken, **options)
    taken.finish()
    return made


def _known() -> str:
    return f"there is {', '.join(BUILDERS)}"


def _taken(state: Mapping[str, Any], prefix: str) -> Taken:
    """Return the arrays under a prefix; raise ValueError if there are none."""
    taken = Taken(state, dotted(state, prefix))
    if not taken.arrays:
        found = sorted({name.rpartition(".")[0] + "." for name in state if "." in name})
        there = nearest(prefix, found) if found else "it has " + ", ".join(list(state)[:5])
        raise ValueError(f"prefix: no tensor's name begins with {prefix!r}: {there}")
    return taken


def _kind(taken: Taken) -> str:
    """Return the class of the module that has these arrays, if only one has."""
    names, prefix = set(taken.arrays), taken.prefix
    if any(name.startswith("weight_hh") for name in names):
        if any(name.startswith("weight_hr_l") for name in names):
            return "LSTM"
        cell = "weight_hh" in names
        rows, units = _sizes(taken, "weight_hh" if cell else "weight_hh_l0", 2)
        kind = next((k for k, order in ORDERS.items() if rows == len(order) * units), None)
        if kind is None:
            raise ValueError(
                f"{prefix}weight_hh of shape {(rows, units)} is of no LSTM, GRU or RNN"
            )
        return f"{kind}Cell" if cell else kind
    if "running_mean" in names:
        return "BatchNorm1d"
    if any(name.startswith("weight_ih") for name in names):
        raise ValueError(f"there is {prefix}weight_ih, but no recurrent weight_hh beside it")
    if "weight" not in names:
        parts = sorted({n.partition(".")[0] for n in names if "." in n})
        several = ", ".join(f"{prefix}{part}." for part in parts[:8])
        raise ValueError(
            f"prefix {prefix!r}: expected that of one module, got several: {several}"
            if parts
            else f"prefix {prefix!r}: no module has the tensors {', '.join(sorted(names)[:5])}"
        )
    return _kind_by_weight(taken)


def _kind_by_weight(taken: Taken) -> str:
    """Return the class of a module that has a weight, and perhaps a bias, by their axes."""
    axes = len(taken.shape("weight"))
    bias = len(taken.shape("bias")) if "bias" in taken else None
    found = {(2, 1): "Linear", (3, 1): "Conv1d", (3, None): "Conv1d"}.get((axes, bias))
    if found is None and bias == axes:
        found = "LayerNorm"
    if found is None:
        of = {2: "an Embedding, or a Linear or LayerNorm without bias", 1: "a LayerNorm or a PReLU"}
        raise ValueError(
            f"{taken.prefix}weight of shape {taken.shape('weight')} may be of "
            f"{of.get(axes, 'no module that is known')}: say module='Embedding', for example"
        )
    return found


def fill(layer: Any, shape: tuple[int | None, ...], taken: Taken, level: int = 0) -> Any:
    """Build a layer for inputs of this shape, and set its weights from PyTorch's arrays."""
    layer.build(shape)
    weights = weights_from_torch(layer, taken, level)
    check_shapes(layer, weights, taken.prefix)
    layer.set_weights(weights)
    return layer


def _type(taken: Taken) -> str:
    """Return the type of the layers: float64 if an array has it."""
    kinds = (getattr(a, "dtype", None) for a in taken.arrays.values())
    return "float64" if any(kind == np.float64 for kind in kinds) else "float32"


# -- recurrent modules -----------------------------------------------------------------------------

_CLASSES = {"LSTM": layers.LSTM, "GRU": layers.GRU, "RNN": layers.SimpleRNN}
_CELLS = {"LSTM": layers.LSTMCell, "GRU": layers.GRUCell, "RNN": layers.SimpleRNNCell}


def _stack(
    kind: str, taken: Taken, dropout: float, return_sequences: bool, activation: str = "tanh"
) -> Layers:
    """Make the layers of a recurrent module, with what stands between them."""
    count = 1 + max(
        (int(n[11:]) for n in taken.arrays if re.fullmatch(r"weight_hh_l\d{1,4}", n)), default=-1
    )
    reverse = "weight_hh_l0_reverse" in taken
    options: dict[str, Any] = {}
    if kind == "LSTM" and "weight_hr_l0" in taken:
        options["projection"] = _sizes(taken, "weight_hr_l0", 2)[0]
    made: Layers = []
    for level in range(count):
        rows, features = _sizes(taken, f"weight_ih_l{level}", 2)
        units = rows // len(ORDERS[kind])
        layer: Any = _CLASSES[kind](
            units,
            activation=activation,
            use_bias=f"bias_ih_l{level}" in taken,
            return_sequences=return_sequences or level < count - 1,
            dtype=_type(taken),
            **options,
        )
        if reverse:
            layer = layers.Bidirectional(layer)
        made.append(fill(layer, (None, None, features), taken, level))
        if dropout and level < count - 1:
            made.append(layers.Dropout(dropout))
    if not made:
        taken.shape("weight_hh_l0")  # raises ValueError
    return made


def _sizes(taken: Taken, name: str, axes: int) -> tuple[int, ...]:
    """Return the shape of an array that must have this many axes."""
    shape = taken.shape(name)
    if len(shape) != axes or 0 in shape:
        wanted = f"an array of {axes} axes"
        raise ValueError(f"{taken.prefix + name!r}: expected {wanted}, got shape {shape}")
    return shape


def _lstm(taken: Taken, dropout: float = 0.0, return_sequences: bool = True) -> Layers:
    return _stack("LSTM", taken, dropout, return_sequences)


def _gru(taken: Taken, dropout: float = 0.0, return_sequences: bool = True) -> Layers:
    return _stack("GRU", taken, dropout, return_sequences)


def _rnn(
    taken: Taken, dropout: float = 0.0, return_sequences: bool = True, nonlinearity: str = "tanh"
) -> Layers:
    return _stack("RNN", taken, dropout, return_sequences, _nonlinearity(nonlinearity))


def _nonlinearity(name: Any) -> str:
    if name not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity: expected 'tanh' or 'relu', got {name!r}")
    return str(name)


def _cell(kind: str, taken: Taken, activation: str = "tanh") -> Layers:
    rows, features = _sizes(taken, "weight_ih", 2)
    cell: Any = _CELLS[kind](
        rows // len(ORDERS[kind]),
        activation=activation,
        use_bias="bias_ih" in taken,
        dtype=_type(taken),
    )
    return [fill(cell, (None, features), taken)]


def _lstm_cell(taken: Taken) -> Layers:
    return _cell("LSTM", taken)


def _gru_cell(taken: Taken) -> Layers:
    return _cell("GRU", taken)


def _rnn_cell(taken: Taken, nonlinearity: str = "tanh") -> Layers:
    return _cell("RNN", taken, _nonlinearity(nonlinearity))


# -- the others ------------------------------------------------------------------------------------


def _linear(taken: Taken) -> Layers:
    units, features = _sizes(taken, "weight", 2)
    layer = layers.Dense(units, use_bias="bias" in taken, dtype=_type(taken))
    return [fill(layer, (None, features), taken)]


def _embedding(taken: Taken, padding_idx: int | None = None) -> Layers:
    rows, units = _sizes(taken, "weight", 2)
    if padding_idx not in (None, 0):
        raise ValueError(
            f"padding_idx: expected None or 0, the only index that is masked, got {padding_idx!r}"
        )
    layer = layers.Embedding(rows, units, mask_zero=padding_idx == 0, dtype=_type(taken))
    return [fill(layer, (None, None), taken)]


def _layer_norm(taken: Taken, eps: float = 1e-5, normalized_shape: Any = None) -> Layers:
    shape = tuple(taken.shape("weight") if normalized_shape is None else normalized_shape)
    layer = layers.LayerNormalization(
        axis=-1 if len(shape) == 1 else list(range(-len(shape), 0)),
        epsilon=eps,
        scale="weight" in taken,
        center="bias" in taken,
        dtype=_type(taken),
    )
    return [fill(layer, (None, *((None,) if len(shape) == 1 else ()), *shape), taken)]


def _batch_norm(taken: Taken, eps: float = 1e-5, momentum: float = 0.1, axis: int = -1) -> Layers:
    if type(momentum) not in (int, float):
        raise ValueError(f"momentum: expected a number, got {momentum!r}, which has none here")
    affine = "weight" in taken
    layer = layers.BatchNormalization(
        axis=axis,
        momentum=1 - momentum,
        epsilon=eps,
        center=affine,
        scale=affine,
        dtype=_type(taken),
    )
    (features,) = _sizes(taken, "running_mean", 1)
    return [fill(layer, (None, features) if axis == 1 else (None, None, features), taken)]


def _conv(
    taken: Taken, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Layers:
    filters, part, size = _sizes(taken, "weight", 3)
    stride, dilation = _one("stride", stride), _one("dilation", dilation)
    before: Layers = []
    if padding not in ("same", "valid"):
        steps = _one("padding", padding)
        padding = "valid"
        if steps and stride == 1 and 2 * steps == dilation * (size - 1):
            padding = "same"  # as many steps at both ends
        elif steps:
            before = [layers.ZeroPadding1D(steps, dtype=_type(taken))]
    layer = layers.Conv1D(
        filters,
        size,
        strides=stride,
        padding=padding,
        dilation_rate=dilation,
        groups=groups,
        use_bias="bias" in taken,
        dtype=_type(taken),
    )
    return [*before, fill(layer, (None, None, part * groups), taken)]


def _one(name: str, value: Any) -> int:
    """Return the size along time: a whole number, or a tuple of one."""
    found = value[0] if isinstance(value, tuple | list) and len(value) == 1 else value
    if type(found) is not int or found < 0:
        raise ValueError(f"{name}: expected a whole number, got {value!r}")
    return found


BUILDERS: dict[str, Callable[..., Layers]] = {
    "LSTM": _lstm,
    "GRU": _gru,
    "RNN": _rnn,
    "LSTMCell": _lstm_cell,
    "GRUCell": _gru_cell,
    "RNNCell": _rnn_cell,
    "Linear": _linear,
    "Embedding": _embedding,
    "LayerNorm": _layer_norm,
    "BatchNorm1d": _batch_norm,
    "Conv1d": _conv,
}
