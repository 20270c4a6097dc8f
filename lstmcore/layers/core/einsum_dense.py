"""EinsumDense: a dense product whose axes an equation names."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import activations
from ...quantization.storage import Product
from ...validation import Array
from ..base import Back, Layer, Shape, registry
from ..stored import dense_gradients, dense_product
from ..weight_options import set_weight_options, weight_options

# Equations as in Keras: "ab,bc->ac", "...ab,bc->...ac" and "ab...,bc->ac...".
_EQUATION = r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?"


class _Axes:
    """The letters of an equation for inputs of one rank, an axis each, those of "..." included.

    Attributes
    ----------
    x, kernel, y : str
        The letters of the input, the kernel and the output.
    own : str
        The letters of the output that the equation itself names.
    """

    def __init__(self, layer: Layer, equation: str, rank: int) -> None:
        match = re.fullmatch(_EQUATION, equation)
        assert match is not None  # the constructor has seen to it
        front, x, behind, self.kernel, _, self.own, _ = match.groups()
        hidden = rank - len(x)
        if hidden < 0 or (hidden and not (front or behind)):
            wanted = f"an array of {len(x)} axes{' or more' if front or behind else ''}"
            raise layer.error("x", f"{wanted}, as in {equation!r}", f"{rank} axes")
        others = (chr(code) for code in range(ord("\u0391"), ord("\u0391") + hidden))
        elided = "".join(others)
        self.behind = len(elided) if behind else 0
        self.x = x + elided if behind else elided + x
        self.y = self.own + elided if behind else elided + self.own
        if self.x[0] != self.y[0] or self.x[0] in self.kernel:
            wanted = "the batch axis first in input and output, and not in the kernel"
            raise layer.error("equation", wanted, repr(equation))


@registry.add()
class EinsumDense(Layer):
    """``activation(einsum(equation, x, kernel) + bias)``.

    ``EinsumDense("abc,cd->abd", (None, 64), bias_axes="d")`` is a `Dense` of 64 units at every
    step. The weights are ``kernel``, with an axis for each of its letters, and ``bias``, with the
    axes of `bias_axes`.

    The mask is passed on if the output has the input's time axis at its place.

    Parameters
    ----------
    equation : str
        As in ``np.einsum``: the axes of the input, the kernel and the output. ``...`` before or
        after the letters of input and output stands for all other axes.
    output_shape : int or tuple of int or None
        The shape of the output without the batch axis and the axes of ``...``. None for an axis
        that the input has, too.
    activation : str or Activation, optional
        Default none.
    bias_axes : str, optional
        The letters of the output's axes that the bias has; by default there is no bias.
    kernel_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"zeros"``.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`, `activity_regularizer`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import EinsumDense
    >>> EinsumDense("...x,xy->...y", 64, bias_axes="y")(np.ones((4, 10, 8))).shape
    (4, 10, 64)
    """

    output_shape: tuple[int | None, ...] = ()  # the argument, and not the shape in a graph

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.equation, self.bias_axes = equation, bias_axes
        self._check_equation(equation, bias_axes)
        given = output_shape if isinstance(output_shape, list | tuple) else (output_shape,)
        self.output_shape = tuple(
            None if n is None else self.check_size("output_shape", n) for n in given
        )
        self.activation = self.check_activation("activation", activation)
        set_weight_options(self, locals(), "kernel", "bias")

    def _check_equation(self, equation: Any, bias_axes: Any) -> None:
        match = re.fullmatch(_EQUATION, equation) if isinstance(equation, str) else None
        wanted = "'ab,bc->ac', with '...' before or after the letters of input and output or not"
        if match is None:
            raise self.error("equation", wanted, repr(equation))
        front, x, behind, kernel, front_of_y, y, behind_y = match.groups()
        if (front, behind) != (front_of_y, behind_y) or (front and behind):
            raise self.error("equation", wanted, repr(equation))
        for part in (x, kernel, y):
            if len(set(part)) < len(part):
                raise self.error("equation", f"each letter once in {part!r}", repr(equation))
        for letter in y:
            if letter not in x + kernel:
                wanted = f"an axis {letter!r} of the input or the kernel"
                raise self.error("equation", wanted, repr(equation))
        for letter in kernel:
            if letter not in x + y:
                wanted = f"an axis {letter!r} of the input or the output"
                raise self.error("equation", wanted, repr(equation))
        given = bias_axes if isinstance(bias_axes, str) else None
        if bias_axes is not None and (not given or not set(given) <= set(y)):
            raise self.error("bias_axes", f"letters of the output {y!r}", repr(bias_axes))

    def _sizes(self, axes: _Axes, input_shape: Shape) -> dict[str, int | None]:
        """Return the size of each axis by its letter."""
        if len(self.output_shape) != len(axes.own) - (axes.own[0] == axes.y[0]):
            wanted = f"a size for each of {axes.own!r} but the batch axis"
            raise self.error("output_shape", wanted, self.output_shape)
        sizes = dict(zip(axes.x, input_shape, strict=True))
        named = axes.own[len(axes.own) - len(self.output_shape) :]
        for letter, size in zip(named, self.output_shape, strict=True):
            known = sizes.setdefault(letter, size)
            if size is not None and known not in (None, size):
                wanted = f"{size} for axis {letter!r} of {self.equation!r}, as output_shape has"
                raise self.error("x", wanted, f"{known}, shape {input_shape}")
            sizes[letter] = known if size is None else size
        return sizes

    def build(self, input_shape: Shape) -> None:
        axes = _Axes(self, self.equation, len(input_shape))
        sizes = self._sizes(axes, input_shape)
        shape = tuple(
            self.check_size(f"size of axis {letter!r} of {self.equation!r}", sizes[letter])
            for letter in axes.kernel
        )
        self.kernel = self.add_weight(shape, name="kernel", **weight_options(self, "kernel"))
        self.bias = None
        if self.bias_axes is not None:
            first = min(axes.own.index(letter) for letter in self.bias_axes)
            named = {letter: sizes[letter] for letter in self.bias_axes}
            bias_shape = [named.get(letter, 1) for letter in axes.own[first:]]
            self.bias = self.add_weight(
                tuple(self.check_size("size of an axis in bias_axes", n) for n in bias_shape)
                + (1,) * axes.behind,
                name="bias",
                **weight_options(self, "bias"),
            )

    def stored_products(self) -> Sequence[Product]:
        """Return the kernel."""
        match = re.fullmatch(_EQUATION, self.equation)
        assert match is not None
        y, letters = match.group(6), match.group(4)
        summed = tuple(axis for axis, letter in enumerate(letters) if letter not in y)
        return (Product((self.kernel,), summed),)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output's axes."""
        axes = _Axes(self, self.equation, len(input_shape))
        sizes = self._sizes(axes, input_shape)
        return tuple(sizes[letter] for letter in axes.y)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask if the output has the input's time axis at its place, else None."""
        if mask is None:
            return None
        axes = _Axes(self, self.equation, x.ndim)
        return mask if axes.y[1:2] == axes.x[1:2] and axes.x[1] not in axes.kernel else None

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        axes = _Axes(self, self.equation, x.ndim)
        sizes = self._sizes(axes, x.shape)
        for letter, size in zip(axes.kernel, self.kernel.shape, strict=True):
            if sizes[letter] != size:
                wanted = f"{size} for axis {letter!r} of {self.equation!r}"
                raise self.error("x", wanted, f"{sizes[letter]}, shape {x.shape}")
        z, z_back = _einsum(self, axes, sizes, x, grad)
        bias = self.bias
        if bias is not None:
            z += bias.value
        plain = self.activation is activations.linear
        y = z if plain else self.activation.forward(z)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dz = dy if plain else self.activation.gradient(dy, z, y)
            if bias is not None:
                bias.grad[...] += _sum_to(dz, bias.shape)
            dx: Array | None = z_back(dz, need_dx)
            return dx

        return y, back


def _sum_to(dz: Array, shape: tuple[int, ...]) -> Array:
    """Return the sums of an array over the axes along which this shape was broadcast."""
    sums: Array = dz.sum(axis=tuple(range(dz.ndim - len(shape))))
    over = tuple(axis for axis, n in enumerate(shape) if n == 1 and sums.shape[axis] > 1)
    return np.asarray(sums.sum(axis=over, keepdims=True))


def _einsum(layer: EinsumDense, axes: _Axes, sizes: Any, x: Array, grad: bool) -> tuple[Array, Any]:
    """Return ``einsum(equation, x, kernel)`` by dense products, and the backward function.

    Axes that input, kernel and output share are looped over, one product for each of their places;
    those of the input alone that the output lacks are summed over first.
    """
    kernel = layer.kernel
    kept = [a for a in axes.x if a in axes.y and a not in axes.kernel]
    shared = [a for a in axes.x if a in axes.y and a in axes.kernel]
    summed = [a for a in axes.x if a not in axes.y and a in axes.kernel]
    new = [a for a in axes.kernel if a not in axes.x]
    alone = tuple(k for k, a in enumerate(axes.x) if a not in axes.y and a not in axes.kernel)
    rest = [a for a in axes.x if a in kept + shared + summed]
    x_order = [rest.index(a) for a in [*shared, *kept, *summed]]
    k_order = [axes.kernel.index(a) for a in [*shared, *summed, *new]]
    found = [*shared, *kept, *new]

    def count(letters: list[str]) -> int:
        return math.prod(sizes[a] for a in letters)

    n, m = count(summed), count(new)
    x_shape = x.shape
    reduced = x.sum(axis=alone) if alone else x
    rows = np.ascontiguousarray(reduced.transpose(x_order)).reshape(count(shared), -1, n)
    flat = np.ascontiguousarray(kernel.value.transpose(k_order)).reshape(count(shared), n, m)
    parts = enumerate(zip(rows, flat, strict=True))
    z = np.stack([dense_product(layer, r, w, None, grad, k) for k, (r, w) in parts])
    z = z.reshape([sizes[a] for a in found]).transpose([found.index(a) for a in axes.y])

    def back(dz: Array, need_dx: bool) -> Array | None:
        order = [axes.y.index(a) for a in found]
        drows = np.ascontiguousarray(dz.transpose(order)).reshape(count(shared), -1, m)
        dflat = np.zeros_like(flat)
        parts = [
            dense_gradients(layer, r, w, d, dw, need_dx=need_dx)
            for r, w, d, dw in zip(rows, flat, drows, dflat, strict=True)
        ]
        dkernel = dflat.reshape([kernel.shape[k] for k in k_order])
        kernel.grad[...] += dkernel.transpose(np.argsort(k_order))
        if not need_dx:
            return None
        dx: Array = np.stack(parts).reshape(  # type: ignore[arg-type]
            [reduced.shape[k] for k in x_order]
        )
        dx = dx.transpose(np.argsort(x_order))
        if alone:
            dx = np.broadcast_to(np.expand_dims(dx, alone), x_shape)
        return np.ascontiguousarray(dx)

    return np.ascontiguousarray(z), back
