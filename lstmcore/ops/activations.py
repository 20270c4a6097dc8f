"""The activation functions of `lstmcore.activations`, with their gradients, as ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp

from .. import activations
from ..activations import Activation
from ..autodiff.derivatives import primitive, where
from .operation import op
from .types import floating, tensor


def derivable(activation: Activation) -> Callable[..., Any]:
    """Return the function of an activation as one that autograd derives by its gradient."""

    def compute(x: Any, **options: Any) -> Any:
        f = activation.using(**options) if options else activation
        return f.forward(numpy.asarray(x))

    def vjp(y: Any, x: Any, **options: Any) -> Callable[[Any], Any]:
        f = activation.using(**options) if options else activation
        return lambda g: f.gradient(g, numpy.asarray(x), y)

    compute.__name__ = activation.__name__
    function: Callable[..., Any] = primitive(compute)
    defvjp(function, vjp)
    return function


def _plain(activation: Activation) -> Callable[[Any], Any]:
    """Make the op of an activation without options."""
    function = derivable(activation)

    def of_x(x: Any) -> Any:
        return function(floating(x))

    of_x.__name__ = of_x.__qualname__ = activation.__name__
    of_x.__doc__ = f"Return {activation.__doc__}"
    return op(of_x)


tanh = _plain(activations.tanh)
sigmoid = _plain(activations.sigmoid)
relu6 = _plain(activations.relu6)
selu = _plain(activations.selu)
softplus = _plain(activations.softplus)
softsign = _plain(activations.softsign)
silu = swish = _plain(activations.silu)
hard_sigmoid = _plain(activations.hard_sigmoid)
hard_silu = hard_swish = _plain(activations.hard_silu)
hard_tanh = _plain(activations.hard_tanh)
log_sigmoid = _plain(activations.log_sigmoid)
sparse_plus = _plain(activations.sparse_plus)
sparse_sigmoid = _plain(activations.sparse_sigmoid)
tanh_shrink = _plain(activations.tanh_shrink)

_celu, _elu, _gelu = map(derivable, (activations.celu, activations.elu, activations.gelu))
_leaky_relu, _squareplus = derivable(activations.leaky_relu), derivable(activations.squareplus)
_hard_shrink, _soft_shrink = derivable(activations.hard_shrink), derivable(activations.soft_shrink)
_softmax, _log_softmax = derivable(activations.softmax), derivable(activations.log_softmax)
_sparsemax, _relu = derivable(activations.sparsemax), derivable(activations.relu)


@op
def relu(x: Any) -> Any:
    """Return max(x, 0); its derivative at 0 is 0."""
    x = tensor(x)
    return _relu(x) if x.dtype.kind == "f" else np.maximum(x, 0)


@op
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return x for x >= 0, `negative_slope` x below."""
    return _leaky_relu(floating(x), negative_slope=negative_slope)


@op
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x for x > 0, `alpha` (exp(x) - 1) below."""
    return _elu(floating(x), alpha=alpha)


@op
def celu(x: Any, alpha: float = 1.0) -> Any:
    """Return x for x > 0, `alpha` (exp(x / `alpha`) - 1) below."""
    return _celu(floating(x), alpha=alpha)


@op
def gelu(x: Any, approximate: bool = True) -> Any:
    """Return x times the normal distribution function of x, by default approximated by tanh."""
    return _gelu(floating(x), approximate=approximate)


@op
def squareplus(x: Any, b: float = 4) -> Any:
    """Return (x + sqrt(x**2 + `b`)) / 2."""
    return _squareplus(floating(x), b=b)


@op
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x where abs(x) > `threshold`, otherwise 0."""
    return _hard_shrink(floating(x), threshold=threshold)


@op
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x moved towards 0 by `threshold`, but not past 0."""
    return _soft_shrink(floating(x), threshold=threshold)


@op
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """Return x where it is > `threshold`, else `default_value`."""
    x = tensor(x)
    return where(x > threshold, x, default_value)


@op
def glu(x: Any, axis: int = -1) -> Any:
    """Return the first half along an axis times the sigmoid of the second."""
    x = floating(x)
    size = np.shape(x)[axis]
    if size % 2:
        raise ValueError(f"glu: x: expected an even size along axis {axis}, got {np.shape(x)}")
    before = (slice(None),) * (axis % np.ndim(x))
    value, gate = x[(*before, slice(None, size // 2))], x[(*before, slice(size // 2, None))]
    return value * sigmoid(gate)


@op
def softmax(x: Any, axis: Any = -1) -> Any:
    """Return exp(x) divided by its sum over an axis, or several; None for all numbers."""
    return _over_axis(_softmax, floating(x), axis)


@op
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Return the logarithm of softmax, without loss of precision."""
    return _over_axis(_log_softmax, floating(x), axis)


def _over_axis(function: Any, x: Any, axis: Any) -> Any:
    if axis is None:
        return np.reshape(function(np.ravel(x), axis=-1), np.shape(x))
    return function(x, axis=tuple(axis) if isinstance(axis, list) else axis)


@op
def sparsemax(x: Any, axis: int = -1) -> Any:
    """Return the Euclidean projection of x on the probability simplex; many entries are 0."""
    return _sparsemax(floating(x), axis=axis)
