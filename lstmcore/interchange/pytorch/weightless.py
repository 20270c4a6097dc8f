"""Layers for PyTorch's modules that have no arrays: activations, pooling, dropout, padding.

Each function takes the module and makes the layer that computes the same. An option that the
layer does not have is an error that names it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import activations, layers


def expect(module: Any, option: str, *values: Any) -> Any:
    """Return an option of a module; raise ValueError unless it has one of these values."""
    found = getattr(module, option)
    if not any(found == value for value in values):
        wanted = " or ".join(map(repr, values))
        raise ValueError(f"{option}: expected {wanted}, got {found!r}")
    return found


def single(module: Any, option: str) -> int:
    """Return an option along time: a whole number, or the only one in a tuple."""
    found = getattr(module, option)
    value = found[0] if isinstance(found, tuple | list) and len(found) == 1 else found
    if type(value) is not int or value < 0:
        raise ValueError(f"{option}: expected a whole number, got {found!r}")
    return value


# -- activations, element by element -----------------------------------------------------------


def _softplus(module: Any) -> Any:
    expect(module, "beta", 1)
    if not module.threshold >= 20:  # from there on softplus is x, in float32
        raise ValueError(f"threshold: expected 20 or more, got {module.threshold!r}")
    return activations.softplus


def _hardtanh(module: Any) -> Any:
    ends = (module.min_val, module.max_val)
    found = {(-1, 1): activations.hard_tanh, (0, 6): activations.relu6}.get(ends)
    if found is None:
        raise ValueError(f"expected min_val -1 and max_val 1, got {ends}")
    return found


def _gelu(module: Any) -> Any:
    tanh = expect(module, "approximate", "none", "tanh") == "tanh"
    return activations.gelu.using(approximate=True) if tanh else activations.gelu


def _threshold(module: Any) -> Any:
    options = {"threshold": float(module.threshold), "default_value": float(module.value)}
    return activations.threshold.using(**options)


_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "ReLU": lambda m: activations.relu,
    "ReLU6": lambda m: activations.relu6,
    "Tanh": lambda m: activations.tanh,
    "Sigmoid": lambda m: activations.sigmoid,
    "LogSigmoid": lambda m: activations.log_sigmoid,
    "SiLU": lambda m: activations.silu,
    "Mish": lambda m: activations.mish,
    "SELU": lambda m: activations.selu,
    "Softsign": lambda m: activations.softsign,
    "Hardsigmoid": lambda m: activations.hard_sigmoid,
    "Hardswish": lambda m: activations.hard_silu,
    "Tanhshrink": lambda m: activations.tanh_shrink,
    "Softplus": _softplus,
    "Hardtanh": _hardtanh,
    "GELU": _gelu,
    "Threshold": _threshold,
    "ELU": lambda m: activations.elu.using(alpha=float(m.alpha)),
    "CELU": lambda m: activations.celu.using(alpha=float(m.alpha)),
    "LeakyReLU": lambda m: activations.leaky_relu.using(negative_slope=float(m.negative_slope)),
    "Softshrink": lambda m: activations.soft_shrink.using(threshold=float(m.lambd)),
    "Hardshrink": lambda m: activations.hard_shrink.using(threshold=float(m.lambd)),
}


def _activation(name: str) -> Callable[[Any], Any]:
    return lambda module: layers.Activation(_ACTIVATIONS[name](module))


ELEMENTWISE: dict[str, Callable[[Any], Any]] = {
    **{name: _activation(name) for name in _ACTIVATIONS},
    "Identity": lambda m: layers.Identity(),
    "Dropout": lambda m: layers.Dropout(float(m.p)),
    "AlphaDropout": lambda m: layers.AlphaDropout(float(m.p)),
}


# -- along an axis -------------------------------------------------------------------------------

_ALONG: dict[str, Any] = {
    "Softmax": activations.softmax,
    "LogSoftmax": activations.log_softmax,
    "GLU": activations.glu,
}
ALONG_AXIS = tuple(_ALONG)


def along_axis(module: Any, channels_moved: bool) -> Any:
    """Return the layer of a softmax or glu, whose ``dim`` is an axis of PyTorch's tensor.

    With `channels_moved`, (batch, channels, time) there is (batch, time, channels) here.
    """
    name, dim = type(module).__name__, module.dim
    if type(dim) is not int or dim == 0:
        raise ValueError(f"dim: expected an axis but that of the batch, got {dim!r}")
    axis = {1: -1, -2: -1, 2: 1, -1: 1}.get(dim) if channels_moved else dim
    if axis is None:
        raise ValueError(f"dim: expected an axis of (batch, channels, time), got {dim!r}")
    return layers.Activation(_ALONG[name].using(axis=axis))


# -- windows of (batch, channels, time) ----------------------------------------------------------


def _max_pool(module: Any) -> list[Any]:
    expect(module, "ceil_mode", False)
    expect(module, "return_indices", False)
    if single(module, "dilation") != 1:
        raise ValueError(f"dilation: expected 1, got {module.dilation!r}")
    size, stride, steps = (single(module, n) for n in ("kernel_size", "stride", "padding"))
    if steps and not (stride == 1 and 2 * steps == size - 1):
        raise ValueError(f"padding: expected 0 where windows overlap, got {steps}")
    return [layers.MaxPooling1D(size, stride, padding="same" if steps else "valid")]


def _average_pool(module: Any) -> list[Any]:
    expect(module, "ceil_mode", False)
    size, stride, steps = (single(module, n) for n in ("kernel_size", "stride", "padding"))
    if steps and not module.count_include_pad:
        if not (stride == 1 and 2 * steps == size - 1):
            raise ValueError(f"padding: expected 0 without its zeros, got {steps}")
        return [layers.AveragePooling1D(size, stride, padding="same")]
    before = [layers.ZeroPadding1D(steps)] if steps else []
    return [*before, layers.AveragePooling1D(size, stride)]


WINDOWS: dict[str, Callable[[Any], list[Any]]] = {
    "MaxPool1d": _max_pool,
    "AvgPool1d": _average_pool,
    "AdaptiveAvgPool1d": lambda m: [layers.AdaptiveAveragePooling1D(single(m, "output_size"))],
    "AdaptiveMaxPool1d": lambda m: [layers.AdaptiveMaxPooling1D(single(m, "output_size"))],
    "ZeroPad1d": lambda m: [layers.ZeroPadding1D(tuple(m.padding))],
    "Dropout1d": lambda m: [layers.SpatialDropout1D(float(m.p))],
}
