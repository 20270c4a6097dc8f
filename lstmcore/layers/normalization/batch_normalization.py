"""BatchNormalization: by batch statistics in training, by moving averages at inference."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import initializers
from ...context import in_training
from ...validation import Array
from ..base import Back, Shape, registry
from ..calls import zero_masked
from .layer_normalization import Rescaled, axes_of, check_axis, column_sums, from_rows, rows_of

SMALL = 1e-7  # Keras adds it to the number of unmasked steps


@registry.add()
class BatchNormalization(Rescaled):
    """For each feature, subtract the batch's mean and divide by its standard deviation.

    In training, ``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` with mean and variance
    over the batch and over time; masked steps do not count. At inference with ``moving_mean`` and
    ``moving_variance``, weights that no optimizer trains: each call in training updates them,
    ``moving * momentum + batch's * (1 - momentum)``. With ``trainable = False`` the layer
    behaves in training as at inference. Input and output have one shape.

    Parameters
    ----------
    axis : int, default -1
        The axis of the features.
    momentum : float, default 0.99
    epsilon : float, default 1e-3
    center, scale : bool, default True
        Add beta, multiply by gamma.
    beta_initializer, gamma_initializer : str or Initializer
        Default ``"zeros"``, ``"ones"``.
    moving_mean_initializer, moving_variance_initializer : str or Initializer
        Default ``"zeros"``, ``"ones"``.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    renorm : False
        Batch renormalization is not supported, nor its `renorm_clipping`, `renorm_momentum`.
    synchronized : False
        There are no other devices.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    uses_mask = True
    mixes_rows = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
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
        if isinstance(self.axis, list):
            raise self.error("axis", "a whole number", repr(axis))
        number = isinstance(momentum, int | float | np.number) and not isinstance(momentum, bool)
        if not number or not 0 <= momentum <= 1:
            raise self.error("momentum", "a number from 0 to 1", repr(momentum))
        self.momentum, self.epsilon = float(momentum), self._check_epsilon(epsilon)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        if renorm or renorm_clipping:
            raise self.error("renorm", "False: there is no batch renormalization", True)
        if synchronized:
            raise self.error("synchronized", "False: there are no other devices", True)
        self.renorm, self.renorm_clipping = bool(renorm), renorm_clipping
        self.renorm_momentum, self.synchronized = renorm_momentum, bool(synchronized)

    def build(self, input_shape: Shape) -> None:
        shape = self._build_for(self.axis, input_shape)
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, name="moving_mean", trainable=False
        )
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, name="moving_variance", trainable=False
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        axes_of(self, self.axis, input_shape)
        return input_shape

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute the output and the backward function; in training, update the averages."""
        self._check(x)
        if self.trainable and in_training(grad):
            return self._forward_by_batch(x, mask)
        return self._forward_by_averages(x, grad)

    def _forward_by_averages(self, x: Array, grad: bool) -> tuple[Array, Back | None]:
        axes, rows = self._axes, rows_of(x, self._axes)
        mean, inverse = (
            self.moving_mean.value,
            1 / np.sqrt(self.moving_variance.value + self.epsilon),
        )
        factor = inverse if self.gamma is None else inverse * self.gamma.value
        y = rows * factor
        y += (0 if self.beta is None else self.beta.value) - mean * factor

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            d = self._rescale_back(rows_of(dy, axes), (rows - mean) * inverse)
            return from_rows(d * inverse, axes, x.shape) if need_dx else None

        return from_rows(y, axes, x.shape), back if grad else None

    def _forward_by_batch(self, x: Array, mask: Array | None) -> tuple[Array, Back]:
        axes, rows = self._axes, rows_of(x, self._axes)
        row_mask = None if mask is None else self._row_mask(mask, x.shape)
        count: Any = len(rows)
        if row_mask is not None:
            count = np.maximum(row_mask.sum(0, dtype=rows.dtype), 1) + rows.dtype.type(SMALL)
        mean = column_sums(zero_masked(rows, row_mask)) / count
        centred = rows - mean
        counted = zero_masked(centred, row_mask)
        variance = column_sums(counted * counted) / count
        self._update_averages(mean, variance)
        inverse = 1 / np.sqrt(variance + self.epsilon)
        normal = centred * inverse
        y = from_rows(self._rescale(normal), axes, x.shape)

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            d = self._rescale_back(rows_of(dy, axes), normal)
            if not need_dx:
                return None
            # masked steps have outputs, and so contribute to the gradients of mean and variance,
            # but mean and variance do not depend on them
            along = column_sums(d * normal) / count
            shift = column_sums(d) / count
            if row_mask is not None:
                shift = shift - along * inverse * column_sums(counted) / count
            rest = normal * along
            rest += shift
            dx = d - zero_masked(rest, row_mask)
            dx *= inverse
            return from_rows(dx, axes, x.shape)

        return y, back

    def _update_averages(self, mean: Array, variance: Array) -> None:
        """Update the moving averages without `Param.assign`.

        The averages are never packed. So the flat array's version does not change, which would
        make all recurrent layers of the model repack their weights.
        """
        for param, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            assert param.flat is not None
            view = param.flat.view(param)
            view *= self.momentum
            view += now * (1 - self.momentum)
