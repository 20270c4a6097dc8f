"""CRF: a conditional random field over the tags of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import constraints, context, initializers, losses, regularizers
from ...losses.crf import viterbi
from ...validation import Array
from ..base import Back, Layer, Shape, registry


@registry.add()
class CRF(Layer):
    """A conditional random field: tags of a sequence, each likely or not behind the one before.

    Input ``(batch, time, features)``; output ``(batch, time, units)``, the best sequence of tags as
    one-hot vectors, found by Viterbi's algorithm: ``np.argmax(model.predict(x), axis=-1)``. It is
    the last layer of a model, with a loss of its own, ``model.compile("adam", crf.loss,
    metrics=[crf.accuracy])``. In training, and where a loss or metrics are computed, the output is
    what they take: the potentials of tags and transitions, see `lstmcore.losses.CRF`.

    The weights are ``kernel (features, units)``, ``bias (units,)``, ``chain_kernel (units,
    units)``, row before column, and with `use_boundary` ``left_boundary`` and ``right_boundary
    (units,)``, added at the first and the last unmasked step.

    Parameters
    ----------
    units : int
        Number of tags.
    use_kernel : bool, default True
        False takes the inputs themselves as potentials of the tags.
    use_boundary : bool, default True
    kernel_initializer, chain_initializer, boundary_initializer, bias_initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``, ``"zeros"``.
    kernel_regularizer, chain_regularizer : str or Regularizer, optional
    kernel_constraint, chain_constraint : str or Constraint, optional
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    References
    ----------
    J. Lafferty, A. McCallum and F. Pereira. Conditional random fields. ICML 2001.
    """

    uses_mask = True

    def __init__(
        self,
        units: int,
        use_kernel: bool = True,
        use_boundary: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        chain_initializer: Any = "orthogonal",
        boundary_initializer: Any = "zeros",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        chain_regularizer: Any = None,
        kernel_constraint: Any = None,
        chain_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if self.activity_regularizer is not None:
            raise self.error("activity_regularizer", "None", repr(self.activity_regularizer))
        self.units = self.check_size("units", units)
        self.use_kernel, self.use_boundary = bool(use_kernel), bool(use_boundary)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.chain_initializer = initializers.get(chain_initializer)
        self.boundary_initializer = initializers.get(boundary_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.chain_regularizer = regularizers.get(chain_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.chain_constraint = constraints.get(chain_constraint)

    @property
    def loss(self) -> losses.CRF:
        """The loss that the layer is trained with."""
        return losses.CRF()

    @property
    def accuracy(self) -> str:
        """The metric for `compile`: with `loss` it is `lstmcore.metrics.CRFAccuracy`."""
        return "accuracy"

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 3 or input_shape[-1] is None:
            raise self.sequence_error("features", input_shape)
        self._features = self.check_size("features of x", input_shape[-1])
        if self.use_kernel:
            self.kernel = self.add_weight(
                (self._features, self.units),
                self.kernel_initializer,
                name="kernel",
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )
            self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")
        elif self._features != self.units:
            raise self.sequence_error(self.units, input_shape)
        self.chain_kernel = self.add_weight(
            (self.units, self.units),
            self.chain_initializer,
            name="chain_kernel",
            regularizer=self.chain_regularizer,
            constraint=self.chain_constraint,
        )
        if self.use_boundary:
            left = self.add_weight((self.units,), self.boundary_initializer, name="left_boundary")
            right = self.add_weight((self.units,), self.boundary_initializer, name="right_boundary")
            self.left_boundary, self.right_boundary = left, right

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape with the number of tags as its last axis."""
        return (*input_shape[:-1], self.units)

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute the best tags; the potentials, where a loss is to have them."""
        if x.ndim != 3 or x.shape[-1] != self._features:
            raise self.sequence_error(self._features, x.shape)
        if mask is not None:
            x = np.where(mask[..., None], x, 0)
        ends = _ends(mask, x.shape[:2])
        chain = np.broadcast_to(self.chain_kernel.value.ravel(), (*x.shape[:2], self.units**2))
        y = np.concatenate([self._unary(x, ends), chain], axis=-1)
        if not (context.in_training(grad) or context.current().for_loss):
            return self._one_hot(viterbi(y, mask), mask), None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            n = self.units
            self.chain_kernel.grad += dy[..., n:].sum(axis=(0, 1)).reshape(n, n)
            return self._back_unary(x, np.ascontiguousarray(dy[..., :n]), ends)

        return y, back if grad else None

    def _unary(self, x: Array, ends: tuple[Array, Array]) -> Array:
        """Return the potentials of the tags."""
        z: Array = x @ self.kernel.value + self.bias.value if self.use_kernel else x
        if self.use_boundary:
            first, last = ends
            z = z + first[..., None] * self.left_boundary.value
            z += last[..., None] * self.right_boundary.value
        return z

    def _back_unary(self, x: Array, dz: Array, ends: tuple[Array, Array]) -> Array:
        """Add to the gradients of the weights; return that of x."""
        if self.use_boundary:
            self.left_boundary.grad += dz[ends[0]].sum(axis=0)
            self.right_boundary.grad += dz[ends[1]].sum(axis=0)
        if not self.use_kernel:
            return dz
        flat = dz.reshape(-1, self.units)
        self.kernel.grad += x.reshape(-1, self._features).T @ flat
        self.bias.grad += flat.sum(axis=0)
        return dz @ self.kernel.value.T

    def _one_hot(self, tags: Array, mask: Array | None) -> Array:
        y = np.eye(self.units, dtype=self.dtype)[tags]
        return y if mask is None else y * mask[..., None]


def _ends(mask: Array | None, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return where the first and the last unmasked step of each row are, (batch, time) each."""
    unmasked = np.ones(shape, np.bool_) if mask is None else mask
    count = np.cumsum(unmasked, axis=1)
    return unmasked & (count == 1), unmasked & (count == count[:, -1:])
