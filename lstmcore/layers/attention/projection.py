"""Projection: a dense product over several input and output axes, for attention heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...activations import Activation
from ...quantization.storage import Product
from ...validation import Array
from ..base import Back, Layer, Shape
from ..stored import dense_gradients, dense_product


class Projection(Layer):
    """``x @ kernel + bias`` over the last axes of x, into any number of axes.

    A part of `MultiHeadAttention`, which has four or five; Keras's is an EinsumDense.

    Parameters
    ----------
    inputs, outputs : tuple of int
        The sizes of the axes that are contracted, and of those that replace them.
    use_bias : bool
    weight_options : dict
        The initializers, regularizers and constraints, by Keras's names.
    activation : Activation
    **kwargs
        See `Layer`.
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        use_bias: bool,
        weight_options: dict[str, Any],
        activation: Activation,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.inputs, self.outputs, self.use_bias, self.weight_options = (
            inputs,
            outputs,
            use_bias,
            weight_options,
        )
        self.activation = activation

    def build(self, input_shape: Shape) -> None:
        self.kernel = self._weight("kernel", (*self.inputs, *self.outputs))
        self.bias = self._weight("bias", self.outputs) if self.use_bias else None

    def _weight(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            shape,
            self.weight_options[f"{name}_initializer"],
            name=name,
            regularizer=self.weight_options[f"{name}_regularizer"],
            constraint=self.weight_options[f"{name}_constraint"],
        )

    def stored_products(self) -> Sequence[Product]:
        """Return the kernel."""
        return (Product((self.kernel,), tuple(range(len(self.inputs)))),)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with the new last axes."""
        return (*input_shape[: -len(self.inputs)], *self.outputs)

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        n, m = math.prod(self.inputs), math.prod(self.outputs)
        rows = x.reshape(-1, n)
        kernel, bias = self.kernel.value.reshape(n, m), self.bias
        y = dense_product(self, rows, kernel, None if bias is None else bias.value.reshape(m), grad)
        shape = (*x.shape[: x.ndim - len(self.inputs)], *self.outputs)
        z, y = y, self.activation.forward(y)
        if not grad:
            return y.reshape(shape), None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dy = self.activation.gradient(np.ascontiguousarray(dy).reshape(-1, m), z, y)
            dkernel = self.kernel.grad.reshape(n, m)
            dbias = None if bias is None else bias.grad.reshape(m)
            dx = dense_gradients(self, rows, kernel, dy, dkernel, dbias, need_dx)
            return None if dx is None else dx.reshape(x.shape)

        return y.reshape(shape), back
