"""GroupNormalization: mean and variance over all steps and a group of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array
from ..base import Back, Shape, registry
from ..calls import zero_masked
from .layer_normalization import Rescaled, check_axis, from_rows, rows_of


@registry.add()
class GroupNormalization(Rescaled):
    """In each sample, normalize groups of features over all steps (Wu and He 2018).

    ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, with one mean and one variance for
    each sample and group. Input and output have one shape, ``(batch, time, features)`` or any
    other. The weights ``gamma`` and ``beta`` are ``(features,)``.

    Masked steps do not count (in Keras they do), so that a padded sequence gives what the sequence
    alone gives; their output is ``beta``.

    Parameters
    ----------
    groups : int, default 32
        The number of groups, which divides the number of features; -1 for as many as features.
        One group normalizes a whole sample.
    axis : int, default -1
        The axis of the features.
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
    >>> from lstmcore.layers import GroupNormalization
    >>> GroupNormalization(2)([[[1, 2, 10, 30], [3, 4, 20, 40]]]).round(1)[0]
    array([[-1.3, -0.4, -1.3,  0.4],
           [ 0.4,  1.3, -0.4,  1.3]], dtype=float32)
    """

    uses_mask = True

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
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
        self.groups = -1 if groups == -1 else self.check_size("groups", groups)
        self.axis = check_axis(self, axis)
        if isinstance(self.axis, list):
            raise self.error("axis", "a whole number", repr(axis))
        self.epsilon = self._check_epsilon(epsilon)

    def build(self, input_shape: Shape) -> None:
        (size,) = self._build_for(self.axis, input_shape)
        self._groups = size if self.groups == -1 else self.groups
        if size % self._groups:
            raise self.error("groups", f"a divisor of the {size} features", self.groups)

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        self._check(x)
        unmasked = None if mask is None else self._grouped(self._row_mask(mask, x.shape), len(x))
        rows = self._grouped(rows_of(x, self._axes), len(x))
        count: Any = rows.shape[1] if unmasked is None else unmasked.sum(1, keepdims=True)
        count = np.maximum(count, 1).astype(x.dtype)
        mean = zero_masked(rows, unmasked).sum(1, keepdims=True) / count
        normal = zero_masked(rows - mean, unmasked)
        variance = np.einsum("ij,ij->i", normal, normal)[:, None] / count
        inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normal *= inverse
        features = self._features(normal, len(x))
        y = from_rows(self._rescale(features), self._axes, x.shape)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            d = self._rescale_back(rows_of(dy, self._axes), features)
            if not need_dx:
                return None
            d = zero_masked(self._grouped(d, len(x)), unmasked)
            along = np.einsum("ij,ij->i", d, normal)[:, None] / count
            dx = zero_masked(d - d.sum(1, keepdims=True) / count, unmasked)
            dx -= normal * along
            dx *= inverse
            return from_rows(self._features(dx, len(x)), self._axes, x.shape)

        return y, back

    def _grouped(self, rows: Array, batch: int) -> Array:
        """Return a row for each sample and group, given one for each place of a sample."""
        parts = rows.reshape(batch, -1, self._groups, rows.shape[1] // self._groups)
        return np.ascontiguousarray(parts.swapaxes(1, 2)).reshape(batch * self._groups, -1)

    def _features(self, grouped: Array, batch: int) -> Array:
        """Invert `_grouped`: return a row of features for each place of a sample."""
        size = self._sizes[0]
        parts = grouped.reshape(batch, self._groups, -1, size // self._groups)
        return np.ascontiguousarray(parts.swapaxes(1, 2)).reshape(-1, size)
