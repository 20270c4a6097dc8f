"""Point-wise functions with their gradients, by name.

Each is an `Activation`: call it on an array for the value; layers use `gradient` to go back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from .registry import Registry

Array = NDArray[Any]
registry: Registry = Registry("activation")

# Keras's constants of selu
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


_KERNELS = {*_core.activations, "softmax"}


def _in_the_core(formula: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function by the kernels, which layers run and streams too; other types by the formula."""

    @functools.wraps(formula)
    def forward(x: Array) -> Array:
        if x.dtype not in (np.float32, np.float64):
            return formula(x)
        y = np.array(x, order="C")
        _core.activate(formula.__name__, y)
        return y

    return forward


class Activation:
    """A function on arrays and its gradient.

    Parameters
    ----------
    name : str
        What configs and `get` call it.
    forward : callable
        ``forward(x) -> y``, of the shape and type of x.
    gradient : callable
        ``gradient(dy, x, y) -> dx``: the gradient of the loss with respect to x, given that
        with respect to y.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.activations import Activation
    >>> square = Activation("square", lambda x: x * x, lambda dy, x, y: 2 * x * dy)
    >>> square(np.array([3.0]))
    array([9.])
    """

    def __init__(
        self,
        name: str,
        forward: Callable[[Array], Array],
        gradient: Callable[[Array, Array, Array], Array],
    ) -> None:
        self.__name__ = name
        self.__doc__ = forward.__doc__
        self.forward = forward
        self.gradient = gradient

    def __call__(self, x: Any) -> Array:
        return self.forward(np.asarray(x))

    def __repr__(self) -> str:
        return f"<activation {self.__name__}>"


def _with_gradient(
    gradient: Callable[[Array, Array, Array], Array], *aliases: str
) -> Callable[[Callable[[Array], Array]], Activation]:
    """Make an `Activation` of the decorated function and put it on the list."""

    def make(forward: Callable[[Array], Array]) -> Activation:
        ours = forward.__name__ in _KERNELS - {"linear"}
        run = _in_the_core(forward) if ours else forward
        return registry.add(*aliases)(Activation(forward.__name__, run, gradient))

    return make


@_with_gradient(lambda dy, x, y: dy)
def linear(x: Array) -> Array:
    """x"""
    return x


@_with_gradient(lambda dy, x, y: dy * (1 - y * y))
def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return np.tanh(x)


@_with_gradient(lambda dy, x, y: dy * y * (1 - y))
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, 1, e) / (1 + e)
    return y


@_with_gradient(lambda dy, x, y: dy * ((x > -3) & (x < 3)) * (1 / 6))
def hard_sigmoid(x: Array) -> Array:
    """x / 6 + 1/2, cut at 0 and 1."""
    return np.clip(x / 6 + 0.5, 0, 1)


@_with_gradient(lambda dy, x, y: dy * (y > 0))
def relu(x: Array) -> Array:
    """max(x, 0)"""
    return np.maximum(x, 0)


@_with_gradient(lambda dy, x, y: np.where(x >= 0, dy, 0.2 * dy))
def leaky_relu(x: Array) -> Array:
    """x for x >= 0, 0.2 x below."""
    return np.where(x >= 0, x, 0.2 * x)


@_with_gradient(lambda dy, x, y: np.where(x > 0, dy, dy * (y + 1)))
def elu(x: Array) -> Array:
    """x for x > 0, exp(x) - 1 below."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


@_with_gradient(
    lambda dy, x, y: np.where(x > 0, _SELU_SCALE * dy, dy * (y + _SELU_SCALE * _SELU_ALPHA))
)
def selu(x: Array) -> Array:
    """elu, scaled so that it keeps mean 0 and variance 1."""
    return _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))


@_with_gradient(lambda dy, x, y: dy * -np.expm1(-y))
def softplus(x: Array) -> Array:
    """log(exp(x) + 1)"""
    return np.logaddexp(x, np.zeros((), x.dtype))


@_with_gradient(lambda dy, x, y: dy * (1 - np.abs(y)) ** 2)
def softsign(x: Array) -> Array:
    """x / (1 + abs(x))"""
    y: Array = x / (1 + np.abs(x))
    return y


@_with_gradient(lambda dy, x, y: dy * y)
def exponential(x: Array) -> Array:
    """exp(x)"""
    return np.exp(x)


def _silu_gradient(dy: Array, x: Array, y: Array) -> Array:
    s = sigmoid(x)
    dx: Array = dy * (s + y * (1 - s))
    return dx


@_with_gradient(_silu_gradient, "swish")
def silu(x: Array) -> Array:
    """x sigmoid(x)"""
    return x * sigmoid(x)


@_with_gradient(lambda dy, x, y: y * (dy - (dy * y).sum(axis=-1, keepdims=True)))
def softmax(x: Array) -> Array:
    """exp(x) divided by its sum over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    e /= e.sum(axis=-1, keepdims=True)
    y: Array = e
    return y


def get(identifier: Any) -> Activation:
    """Return the activation that a name or an `Activation` stands for; None is ``linear``.

    Raises
    ------
    ValueError
        If there is no activation of this name.
    TypeError
        For a plain function: without its gradient no layer could be trained through it.
    """
    if identifier is None:
        return linear
    if callable(identifier) and not isinstance(identifier, Activation):
        raise TypeError(
            f"activation {identifier!r}: a function needs its gradient beside it; "
            "wrap both: lstmcore.activations.Activation(name, forward, gradient)"
        )
    return registry.get(identifier, Activation)


def in_the_core(activation: Activation) -> bool:
    """Whether the kernels compute this function, softmax included, and no namesake of it."""
    name = activation.__name__
    return name in _KERNELS and globals()[name] is activation
