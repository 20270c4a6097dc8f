"""LayerNormalization, UnitNormalization, and the base shared with BatchNormalization."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...validation import Array
from ..base import Back, Layer, Shape, registry
from ..calls import expand_mask, zero_masked
from ..parameters import Param
from ..weight_options import set_weight_options, weight_options

SUM_BLOCK = 64  # rows that are summed before the sums are: errors grow with the square root
TINY = 1e-12  # Keras's lower bound of a norm


# -- axes ----------------------------------------------------------------------------------------


def check_axis(layer: Layer, axis: Any) -> int | list[int]:
    """Return an axis as an int, or several as a list of int; raise ValueError otherwise."""
    several = isinstance(axis, tuple | list)
    listed = axis if several else [axis]
    if not listed or not all(
        isinstance(a, int | np.integer) and not isinstance(a, bool) for a in listed
    ):
        raise layer.error("axis", "a whole number or a list of them", repr(axis))
    return [int(a) for a in listed] if several else int(axis)


def axes_of(layer: Layer, axis: int | list[int], shape: Shape, least: int = 1) -> tuple[int, ...]:
    """Return the axes, counted from the front, in rising order, for inputs of this shape."""
    rank, listed = len(shape), axis if isinstance(axis, list) else [axis]
    counted = sorted({a + rank if a < 0 else a for a in listed})
    if len(counted) != len(listed) or counted[0] < least or counted[-1] >= rank:
        wanted = f"different axes of x, whose shape is {shape}"
        raise layer.error("axis", wanted + (", but not the first" if least else ""), repr(axis))
    return tuple(counted)


def rows_of(x: Array, axes: tuple[int, ...]) -> Array:
    """Return x as a matrix (other axes, these axes); a copy only if these are not the last."""
    ends = tuple(range(x.ndim - len(axes), x.ndim))
    n = math.prod(x.shape[a] for a in axes)
    return np.moveaxis(x, axes, ends).reshape(-1, n)


def from_rows(rows: Array, axes: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Invert `rows_of`: return the rows as an array of this shape."""
    rank = len(shape)
    ends = tuple(range(rank - len(axes), rank))
    if axes == ends:
        return rows.reshape(shape)
    others = [shape[a] for a in range(rank) if a not in axes]
    moved = rows.reshape(*others, *(shape[a] for a in axes))
    return np.ascontiguousarray(np.moveaxis(moved, ends, axes))


def column_sums(x: Array) -> Array:
    """Return ``x.sum(0)`` with little rounding error, in an order that is always the same."""
    whole = len(x) - len(x) % SUM_BLOCK
    sums: Array = x[:whole].reshape(-1, SUM_BLOCK, x.shape[1]).sum(1).sum(0)
    sums += x[whole:].sum(0)
    return sums


# -- scale and shift after normalization ---------------------------------------------------------


class Rescaled(Layer):
    """Base of the layers that end in ``gamma * normalized + beta``, both of them optional."""

    axis: int | list[int]

    def __init__(
        self,
        *,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale = bool(center), bool(scale)
        set_weight_options(self, locals(), "beta", "gamma")

    def _check_epsilon(self, epsilon: Any) -> float:
        number = isinstance(epsilon, int | float | np.number) and not isinstance(epsilon, bool)
        if not number or not 0 <= epsilon < math.inf:
            raise self.error("epsilon", "a number >= 0, finite", repr(epsilon))
        return float(epsilon)

    def _build_for(self, axis: int | list[int], input_shape: Shape) -> tuple[int, ...]:
        """Declare gamma and beta; return the shape of each."""
        self._axes = axes_of(self, axis, input_shape)
        self._rank = len(input_shape)
        sizes = [self.check_size(f"size of axis {a} of x", input_shape[a]) for a in self._axes]
        self._sizes = tuple(sizes)
        self.gamma = self._weight("gamma") if self.scale else None
        self.beta = self._weight("beta") if self.center else None
        return self._sizes

    def _check_fits(self, input_shape: Any, dtype: str) -> None:
        """Take inputs of more or fewer axes, in a model, if the weights keep their shapes."""
        super()._check_fits(input_shape, dtype)
        self._axes = axes_of(self, self.axis, input_shape)
        self._rank = len(input_shape)

    def _weight(self, name: str) -> Param:
        return self.add_weight(self._sizes, name=name, **weight_options(self, name))

    def _check(self, x: Array) -> None:
        if x.ndim != self._rank or any(
            x.shape[a] != n for a, n in zip(self._axes, self._sizes, strict=True)
        ):
            sizes = dict(zip(self._axes, self._sizes, strict=True))
            wanted = ", ".join(str(sizes.get(a, "any")) for a in range(1, self._rank))
            raise self.error("x", f"an array of shape (batch, {wanted})", f"shape {x.shape}")

    def _row_mask(self, mask: Array, shape: tuple[int, ...]) -> Array:
        """Return the mask in the form of `rows_of`."""
        if mask.shape != shape[: mask.ndim]:
            raise self.error("mask", f"shape {shape[:2]}, as x has", mask.shape)
        return rows_of(np.broadcast_to(expand_mask(mask, len(shape)), shape), self._axes)

    def _rescale(self, normal: Array) -> Array:
        """Return ``gamma * normal + beta`` for rows, as a new array."""
        y = normal if self.gamma is None else normal * self.gamma.value.reshape(-1)
        if self.beta is None:
            return y.copy() if y is normal else y
        if y is normal:
            return y + self.beta.value.reshape(-1)
        y += self.beta.value.reshape(-1)
        return y

    def _rescale_back(self, dy: Array, normal: Array) -> Array:
        """Add to the gradients of gamma and beta; return the gradient of `normal`."""
        if self.beta is not None:
            self.beta.grad[...] += column_sums(dy).reshape(self._sizes)
        if self.gamma is None:
            return dy
        self.gamma.grad[...] += column_sums(dy * normal).reshape(self._sizes)
        return dy * self.gamma.value.reshape(-1)


@registry.add()
class LayerNormalization(Rescaled):
    """Over some axes of each sample, subtract the mean and divide by the standard deviation.

    ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``. The weights ``gamma`` and ``beta``
    have the shape of these axes. Over an axis of time, which then has one size, masked steps count
    like any others.

    Parameters
    ----------
    axis : int or list of int, default -1
    epsilon : float, default 1e-3
    center, scale : bool, default True
        Add beta, multiply by gamma.
    beta_initializer, gamma_initializer : str or Initializer
        Default ``"zeros"``, ``"ones"``.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import LayerNormalization
    >>> LayerNormalization(epsilon=0)([[1, 2, 3, 4, 5]]).round(2)
    array([[-1.41, -0.71,  0.  ,  0.71,  1.41]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            **kwargs,
        )
        self.axis = check_axis(self, axis)
        self.epsilon = self._check_epsilon(epsilon)

    def build(self, input_shape: Shape) -> None:
        self._build_for(self.axis, input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        axes_of(self, self.axis, input_shape)
        return input_shape

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        self._check(x)
        axes, rows = self._axes, rows_of(x, self._axes)
        n = rows.shape[1]
        normal = rows - rows.mean(1, keepdims=True)
        variance = np.einsum("ij,ij->i", normal, normal) / n
        inverse = (1 / np.sqrt(variance + self.epsilon))[:, None]
        normal *= inverse
        y = from_rows(self._rescale(normal), axes, x.shape)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            d = self._rescale_back(rows_of(dy, axes), normal)
            if not need_dx:
                return None
            along = np.einsum("ij,ij->i", d, normal)[:, None]
            along /= n
            dx = d - d.mean(1, keepdims=True)
            dx -= normal * along
            dx *= inverse
            return from_rows(dx, axes, x.shape)

        return y, back


@registry.add()
class UnitNormalization(Layer):
    """Divide by the Euclidean norm over some axes, which makes the norm 1.

    Input and output have one shape. Vectors of 0 stay 0, with a gradient of 0. Over an axis of
    time masked steps do not count, and become 0.

    Parameters
    ----------
    axis : int or list of int, default -1
    **kwargs
        `name`, `dtype`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import UnitNormalization
    >>> UnitNormalization()([[3, 4]])
    array([[0.6, 0.8]], dtype=float32)
    """

    uses_mask = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = check_axis(self, axis)

    @property
    def mixes_rows(self) -> bool:  # type: ignore[override]
        """True if one of the axes is the batch."""
        ndim = len(self._built_for or ())
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        return any(axis in (0, -ndim) for axis in axes)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        axes_of(self, self.axis, input_shape, least=0)
        return input_shape

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        axes = axes_of(self, self.axis, x.shape, least=0)
        if mask is not None and not any(0 < axis < mask.ndim for axis in axes):
            mask = None
        x = zero_masked(x, mask)
        norm = np.sqrt(np.sum(x * x, axes, keepdims=True))
        inverse = 1 / np.maximum(norm, x.dtype.type(TINY))
        y = x * inverse
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            if not need_dx:
                return None
            dx: Array = dy - y * np.sum(dy * y, axes, keepdims=True)
            dx *= np.where(norm > TINY, inverse, x.dtype.type(0))
            return zero_masked(dx, mask)

        return y, back
