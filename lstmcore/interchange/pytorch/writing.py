"""`to_torch`: the weights of layers as a state dict of PyTorch's, arrays of NumPy by its names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...activations import linear
from ...layers import (
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    Layer,
    LayerNormalization,
    PReLU,
)
from ...models import Model
from .checks import check_layer
from .reading import State
from .weights import CELLS, KINDS, holder, weights_to_torch


def to_torch(layers: Any) -> State:
    """Return the weights of layers by the names that PyTorch's modules give them.

    Parameters
    ----------
    layers : layer, list of layers, Model, or mapping of str to any of these
        A layer, or recurrent layers of the same class in a list, which are the stack of one
        module, get the names of one module: ``weight_ih_l0``, ``weight_ih_l1``. The layers of a
        model have their names for prefixes, ``lstm.weight_ih_l0``. A mapping says the prefixes:
        ``{"encoder.": [lstm, lstm_1], "fc.": dense}``.

    Returns
    -------
    State
        A dict of arrays for ``module.load_state_dict({k: torch.from_numpy(v) for k, v in
        state.items()})``. Its attribute `modules` has by prefix what to construct in PyTorch, with
        the options that are not its defaults: epsilon is 1e-3 here and 1e-5 there. The one bias of
        an LSTM becomes ``bias_ih``, and ``bias_hh`` is 0. Layers without weights have no entry.

    Raises
    ------
    ValueError
        For a layer that has no weights yet, or one that PyTorch does not have, or has without one
        of its options; the message names layer and option.

    Examples
    --------
    >>> import lstmcore
    >>> from lstmcore.layers import LSTM
    >>> lstm = LSTM(4)
    >>> lstm.build((None, None, 3))
    >>> state = lstmcore.to_torch({"lstm.": lstm})
    >>> {name: array.shape for name, array in state.items()}["lstm.weight_ih_l0"]
    (16, 3)
    >>> state.modules
    {'lstm.': 'nn.LSTM(3, 4, batch_first=True)'}
    """
    state = State()
    if isinstance(layers, Model):
        _add_model(state, layers, "")
    elif isinstance(layers, Mapping):
        for prefix, entry in layers.items():
            if not isinstance(prefix, str):
                raise ValueError(f"to_torch: expected str as prefixes, got {prefix!r:.80}")
            if isinstance(entry, Model):
                _add_model(state, entry, prefix)
            else:
                _add(state, entry, prefix)
    else:
        _add(state, layers, "")
    return state


def _add_model(state: State, model: Model, prefix: str) -> None:
    """Add the layers of a model, by their names."""
    if model.weights and not model.built:
        raise ValueError(f"to_torch: model {model.name!r} is not built: give it an Input")
    for layer in dict.fromkeys(model.layers):
        inside = f"{prefix}{layer.name}."
        if isinstance(layer, Model):
            _add_model(state, layer, inside)
        else:
            _add(state, layer, inside)


def _add(state: State, entry: Any, prefix: str) -> None:
    """Add the layers of one module."""
    given = list(entry) if isinstance(entry, list | tuple) else [entry]
    if not given or not all(isinstance(one, Layer) for one in given):
        raise ValueError(f"to_torch: {prefix!r}: expected layers, got {entry!r:.80}")
    found = [holder(one) for one in given if _has_weights(one)]
    for level, layer in enumerate(found):
        check_layer(layer)
        if len(found) > 1:
            _check_stack(found[0], layer)
        arrays = {f"{prefix}{n}": a for n, a in weights_to_torch(layer, level).items()}
        if twice := arrays.keys() & state.keys():
            raise ValueError(f"to_torch: there are two arrays of the name {min(twice)!r}")
        state.update(arrays)
    if found:
        state.modules[prefix] = _module(found)


def _has_weights(layer: Any) -> bool:
    """Return True if a layer has weights; raise ValueError if it lacks those that it will have."""
    if not layer.built and isinstance(holder(layer), _WITH_WEIGHTS):
        raise ValueError(f"to_torch: {layer.describe()} has no weights yet: build it first")
    return bool(layer.weights)


def _check_stack(first: Any, layer: Any) -> None:
    """Raise ValueError unless two layers can be of one stack."""
    one, other = _forward(first), _forward(layer)
    if type(first) is not type(layer) or type(one) is not type(other) or type(one) not in KINDS:
        wanted = "recurrent layers of one class, a stack (a mapping says a prefix for each layer)"
        raise layer.error("layers", wanted, f"{type(layer).__name__} beside {type(first).__name__}")
    for option in ("units", "use_bias", "activation", "projection"):
        mine, its = getattr(one, option, None), getattr(other, option, None)
        if mine != its:
            raise layer.error(option, f"{mine!r}, as the first layer of the stack has", repr(its))


def _forward(layer: Any) -> Any:
    return layer.forward_layer if isinstance(layer, Bidirectional) else layer


# -- what to construct in PyTorch ----------------------------------------------------------------


def _module(layers: Sequence[Any]) -> str:
    """Return the module that has these weights, as it is constructed."""
    layer = layers[0]
    if isinstance(layer, Bidirectional) or type(layer) in KINDS:
        return _recurrent(layers)
    cls = next(c for c in _MODULES if isinstance(layer, c))
    name, sizes, options, defaults = _MODULES[cls](layer)
    said = [str(n) for n in sizes]
    said += [f"{k}={v!r}" for k, v in options.items() if v != defaults.get(k)]
    activation = getattr(layer, "activation", linear)
    then = "" if activation is linear else f", then {activation.__name__}"
    return f"nn.{name}({', '.join(said)}){then}"


def _recurrent(layers: Sequence[Any]) -> str:
    forward = _forward(layers[0])
    name = KINDS[type(forward)]
    options: dict[str, Any] = {}
    if name == "RNN" and forward.activation.__name__ != "tanh":
        options["nonlinearity"] = forward.activation.__name__
    if not forward.use_bias:
        options["bias"] = False
    if getattr(forward, "projection", None) is not None:
        options["proj_size"] = forward.projection
    if isinstance(forward, CELLS):
        name += "Cell"
    else:
        options |= {"num_layers": len(layers)} if len(layers) > 1 else {}
        options |= {"bidirectional": True} if forward is not layers[0] else {}
        options["batch_first"] = True
    said = "".join(f", {k}={v!r}" for k, v in options.items())
    return f"nn.{name}({forward.kernel.shape[0]}, {forward.units}{said})"


_Described = tuple[str, tuple[Any, ...], dict[str, Any], dict[str, Any]]


def _conv(layer: Any) -> _Described:
    size, part, filters = layer.kernel.shape
    options = {
        "stride": layer.strides[0],
        "padding": "same" if layer.padding == "same" else 0,
        "dilation": layer.dilation_rate[0],
        "groups": layer.groups,
        "bias": layer.use_bias,
    }
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}
    return "Conv1d", (part * layer.groups, filters, size), options, defaults


def _embedding(layer: Any) -> _Described:
    options = {"padding_idx": 0 if layer.mask_zero else None}
    return "Embedding", layer.embeddings.shape, options, {"padding_idx": None}


def _layer_norm(layer: Any) -> _Described:
    shape = (layer.gamma if layer.scale else layer.beta).shape
    options = {"eps": layer.epsilon, "bias": layer.center}
    sizes = (shape[0] if len(shape) == 1 else tuple(shape),)
    return "LayerNorm", sizes, options, {"eps": 1e-5, "bias": True}


def _batch_norm(layer: Any) -> _Described:
    options = {
        "eps": layer.epsilon,
        "momentum": round(1 - layer.momentum, 12),
        "affine": layer.scale or layer.center,
    }
    defaults = {"eps": 1e-5, "momentum": 0.1, "affine": True}
    return "BatchNorm1d", layer.moving_mean.shape, options, defaults


_MODULES: dict[Any, Callable[[Any], _Described]] = {
    Dense: lambda d: ("Linear", d.kernel.shape, {"bias": d.use_bias}, {"bias": True}),
    Conv1D: _conv,
    Embedding: _embedding,
    PReLU: lambda p: ("PReLU", (p.alpha.size,), {}, {}),
    LayerNormalization: _layer_norm,
    BatchNormalization: _batch_norm,
}
_WITH_WEIGHTS = (Bidirectional, *KINDS, *_MODULES)
