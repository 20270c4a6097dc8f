"""RMSNormalization: division by the root of the mean square, without a mean and a shift."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...validation import Array, number
from ..base import Back, Layer, Shape, registry
from .layer_normalization import axes_of, check_axis, column_sums, from_rows, rows_of


@registry.add()
class RMSNormalization(Layer):
    """Over some axes of each sample, divide by the root of the mean square.

    ``scale * x / sqrt(mean(x * x) + epsilon)`` (Zhang and Sennrich 2019). The weight ``scale`` has
    the shape of these axes. Over an axis of time, which then has one size, masked steps count like
    any others.

    Parameters
    ----------
    axis : int or list of int, default -1
    epsilon : float, default 1e-6
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import RMSNormalization
    >>> RMSNormalization()([[3, 4]]).round(2)
    array([[0.85, 1.13]], dtype=float32)
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = check_axis(self, axis)
        self.epsilon = number(f"layer {self.name!r} (RMSNormalization): epsilon", epsilon)

    def build(self, input_shape: Shape) -> None:
        self._axes = axes_of(self, self.axis, input_shape)
        sizes = [self.check_size(f"size of axis {a} of x", input_shape[a]) for a in self._axes]
        self._shape = tuple(n if a in self._axes else None for a, n in enumerate(input_shape))
        self.scale = self.add_weight(tuple(sizes), "ones", name="scale")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        axes_of(self, self.axis, input_shape)
        return input_shape

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        fits = x.ndim == len(self._shape) and all(
            n in (None, size) for n, size in zip(self._shape, x.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if n is None else str(n) for n in self._shape[1:])
            raise self.error("x", f"an array of shape (batch, {wanted})", f"shape {x.shape}")
        axes, rows = self._axes, rows_of(x, self._axes)
        scale, n = self.scale.value.reshape(-1), math.prod(self.scale.shape)
        square = np.einsum("ij,ij->i", rows, rows) / n
        inverse = (1 / np.sqrt(square + x.dtype.type(self.epsilon)))[:, None]
        normal = rows * inverse
        y = from_rows(normal * scale, axes, x.shape)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            d = rows_of(dy, axes)
            self.scale.grad[...] += column_sums(d * normal).reshape(self.scale.shape)
            if not need_dx:
                return None
            d = d * scale
            along = np.einsum("ij,ij->i", d, normal)[:, None]
            along /= n
            d -= normal * along
            d *= inverse
            return from_rows(d, axes, x.shape)

        return y, back
