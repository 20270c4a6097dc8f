"""Dense, Identity and Masking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ... import _core, activations
from ...quantization.storage import Product
from ...validation import Array
from ..base import Back, Layer, Shape, registry, unstreamable
from ..calls import expand_mask
from ..stored import dense_gradients, dense_product, packed_kernel
from ..weight_options import set_weight_options, weight_options


@registry.add()
class Dense(Layer):
    """``activation(x @ kernel + bias)`` over the last axis.

    Input ``(batch, ..., features)``; output ``(batch, ..., units)``. The weights are ``kernel
    (features, units)`` and ``bias (units,)``.

    Parameters
    ----------
    units : int
        The size of the output's last axis.
    activation : str or Activation, optional
        Default none.
    use_bias : bool, default True
    kernel_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"zeros"``.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training: ``"l2"``, ``L1L2(1e-4, 1e-3)``.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output; divided by the number of samples, it is added to the loss.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step: ``MaxNorm(3)``.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = self.check_size("units", units)
        self.activation = self.check_activation("activation", activation)
        self.use_bias = bool(use_bias)
        set_weight_options(self, locals(), "kernel", "bias")

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1] if len(input_shape) >= 2 else None
        if features is None:
            raise self._shape_error("features", input_shape)
        self._features = self.check_size("features of x", features)
        self.kernel = self.add_weight(
            (self._features, self.units), name="kernel", **weight_options(self, "kernel")
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight((self.units,), name="bias", **weight_options(self, "bias"))

    def stored_products(self) -> Sequence[Product]:
        """Return the kernel."""
        return (Product((self.kernel,)),)

    def _shape_error(self, features: object, shape: Shape) -> ValueError:
        return self.error("x", f"an array of shape (batch, ..., {features})", f"shape {shape}")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape with `units` as its last axis."""
        return (*input_shape[:-1], self.units)

    def stream_part(self) -> tuple[Any, ...]:
        """Return the weights and the activation as the kernels take it."""
        bias = None if self.bias is None else self.bias.value
        form = activations.core_form(self.activation)
        if form is None:
            name = self.activation.__name__
            raise unstreamable(self, f"the kernels do not have its activation {name!r}")
        if self.storage is not None:
            return packed_kernel(self, self.kernel.value, bias), None, form
        return _core.pack_dense(self.kernel.value, bias, self.product_storage), None, form

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output (batch, ..., units) and the backward function."""
        if x.ndim < 2 or x.shape[-1] != self._features:
            raise self._shape_error(self._features, x.shape)
        bias = self.bias
        z = dense_product(self, x, self.kernel.value, None if bias is None else bias.value, grad)
        activation = self.activation
        y = z if activation is activations.linear else activation.forward(z)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dz = dy if activation is activations.linear else activation.gradient(dy, z, y)
            dbias = None if bias is None else bias.grad
            kernel = self.kernel
            return dense_gradients(self, x, kernel.value, dz, kernel.grad, dbias, need_dx)

        return y, back


@registry.add()
class Identity(Layer):
    """Return the input, of any shape, unchanged.

    Parameters
    ----------
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    takes_whole: ClassVar[bool] = True

    def stream_part(self) -> None:
        """Return None: the layer does nothing."""

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Return x."""
        return x, (lambda dy, need_dx=True: dy) if grad else None


@registry.add()
class Masking(Layer):
    """Mask the steps whose features all equal a value, and set them to 0.

    Input and output ``(batch, time, features)``, or ``(batch, ..., features)`` with any axes
    before the features, as the mask then has. The following layers skip these steps, and losses
    and metrics ignore them.

    Parameters
    ----------
    mask_value : float, default 0.0
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Masking
    >>> Masking(-1.0)([[[2, -1], [-1, -1]]])
    array([[[ 2., -1.],
            [ 0.,  0.]]], dtype=float32)
    """

    takes_whole: ClassVar[bool] = True

    uses_mask = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        number = isinstance(mask_value, int | float | np.integer | np.floating)
        if not number or isinstance(mask_value, bool) or not np.isfinite(mask_value):
            raise self.error("mask_value", "a finite number", repr(mask_value))
        self.mask_value = float(mask_value)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 2:
            wanted = "an array of shape (batch, ..., features)"
            raise self.error("x", wanted, f"shape {input_shape}")

    def stream_part(self) -> None:
        """Raise ValueError: a stream has no padding."""
        raise unstreamable(self, "a stream has no padding")

    def compute_mask(self, x: Any, mask: Array | None = None) -> Array:
        """Return the mask of the steps that differ from `mask_value`, combined with `mask`."""
        unmasked: Array = (x != self.mask_value).any(axis=-1)
        return unmasked if mask is None else unmasked & expand_mask(mask, unmasked.ndim)

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Return x with masked steps set to 0."""
        return self.forward_with_mask(x, grad, mask)[:2]

    def forward_with_mask(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Return x with masked steps set to 0, the backward function, and the mask."""
        self.build(x.shape)
        mask = self.compute_mask(x, mask)
        unmasked = mask[..., None]
        # not a product with the mask: a masked step may hold NaN
        y = np.where(unmasked, x, x.dtype.type(0))
        return y, (lambda dy, need_dx=True: np.where(unmasked, dy, 0)) if grad else None, mask
