"""Convolutions of each feature by itself: DepthwiseConv1D, and SeparableConv1D, which mixes them.

A depthwise kernel (kernel_size, features, depth_multiplier) makes `depth_multiplier` outputs of
each feature; they stand side by side, (batch, windows, features * depth_multiplier).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _core
from ...validation import Array
from ..base import Back, Shape, registry
from ..normalization.layer_normalization import column_sums
from ..weight_options import set_weight_options, weight_options
from .convolution import Convolution
from .window_layer import kth_steps


class _Depthwise(Convolution):
    """Base of the layers with a depthwise kernel."""

    def __init__(self, *, depth_multiplier: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.depth_multiplier = self.check_size("depth_multiplier", depth_multiplier)

    def _add_depthwise_kernel(self, name: str, input_shape: Shape) -> int:
        """Declare the depthwise kernel; return the number of outputs that it makes."""
        features = self.read_features(input_shape)
        self._depthwise = self.add_weight(
            (*self.kernel_size, features, self.depth_multiplier),
            name=name,
            **weight_options(self, "depthwise"),
        )
        return features * self.depth_multiplier

    def _convolve_features(self, wide: Array, count: int) -> tuple[Array, Back]:
        """Return the products of windows and depthwise kernel, and their backward function."""
        stride, dilation = self.strides[0], self.dilation_rate[0]
        taps = [
            (kth_steps(k, count, stride, dilation), kernel)
            for k, kernel in enumerate(self._depthwise.value)
        ]
        z = np.zeros((len(wide), count, self._features, self.depth_multiplier), wide.dtype)
        for steps, kernel in taps:
            z += wide[:, steps, :, None] * kernel
        size = self._features * self.depth_multiplier

        def back(dz: Array, need_dx: bool) -> Array | None:
            dz = dz.reshape(z.shape)
            dwide = np.zeros_like(wide) if need_dx else None
            for (steps, kernel), dkernel in zip(taps, self._depthwise.grad, strict=True):
                products = wide[:, steps, :, None] * dz
                dkernel += column_sums(products.reshape(-1, size)).reshape(kernel.shape)
                if dwide is not None:
                    dwide[:, steps] += (dz * kernel).sum(axis=-1)
            return dwide

        return z.reshape(len(wide), count, size), back


@registry.add()
class DepthwiseConv1D(_Depthwise):
    """Convolution of each feature over time by itself: no output mixes two features.

    Input ``(batch, time, features)``, output ``(batch, windows, features * depth_multiplier)``.
    The weights are ``kernel (kernel_size, features, depth_multiplier)`` and ``bias (features *
    depth_multiplier,)``.

    Parameters
    ----------
    kernel_size : int
        The number of steps in a window.
    strides : int, default 1
        The number of steps from one window to the next.
    padding : {"valid", "same"}
        ``"same"``: zeros at both ends, one window for every `strides` steps.
    depth_multiplier : int, default 1
        The number of outputs of each feature.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    dilation_rate : int, default 1
        The distance between the steps of a window; more than 1 only with `strides` 1.
    activation : str or Activation, optional
        Default none.
    use_bias : bool, default True
    depthwise_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"zeros"``.
    depthwise_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
        Penalties on the weights, or on the output, added to the loss in training.
    depthwise_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: masked steps count as zeros,
        and the mask is passed on; see `WindowLayer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import DepthwiseConv1D
    >>> DepthwiseConv1D(3, depth_multiplier=2)(np.ones((4, 10, 8))).shape
    (4, 8, 16)
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: Any = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            depth_multiplier=depth_multiplier,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        set_weight_options(self, locals(), "depthwise", "bias")

    def features_after(self, features: int | None) -> int | None:
        """Return the number of features times `depth_multiplier`."""
        return None if features is None else features * self.depth_multiplier

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        size = self._add_depthwise_kernel("kernel", input_shape)
        self.kernel = self._depthwise
        self.add_bias(size)

    def convolve(self, wide: Array, count: int) -> tuple[Array, Back]:
        """Return the windows' products with the kernel; see `Convolution.convolve`."""
        z, products_back = self._convolve_features(wide, count)
        bias = self.bias
        if bias is None:
            return z, products_back
        z += bias.value

        def back(dz: Array, need_dx: bool) -> Array | None:
            bias.grad[...] += column_sums(dz.reshape(-1, len(bias.grad)))
            dwide: Array | None = products_back(dz, need_dx)
            return dwide

        return z, back


@registry.add("SeparableConvolution1D")
class SeparableConv1D(_Depthwise):
    """Depthwise convolution over time, then a dense product that mixes the features of a step.

    Input ``(batch, time, features)``, output ``(batch, windows, filters)``. The weights are
    ``depthwise_kernel (kernel_size, features, depth_multiplier)``, ``pointwise_kernel (1, features
    * depth_multiplier, filters)`` and ``bias (filters,)``: far fewer than those of a `Conv1D`.

    Parameters
    ----------
    filters : int
        The size of the output's last axis.
    kernel_size : int
        The number of steps in a window.
    strides : int, default 1
        The number of steps from one window to the next.
    padding : {"valid", "same"}
        ``"same"``: zeros at both ends, one window for every `strides` steps.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    dilation_rate : int, default 1
        The distance between the steps of a window; more than 1 only with `strides` 1.
    depth_multiplier : int, default 1
        The number of outputs of each feature between the two products.
    activation : str or Activation, optional
        Default none.
    use_bias : bool, default True
    depthwise_initializer, pointwise_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"glorot_uniform"``, ``"zeros"``.
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the weights, added to the loss in training.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output; divided by the number of samples, it is added to the loss.
    depthwise_constraint, pointwise_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: masked steps count as zeros,
        and the mask is passed on; see `WindowLayer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import SeparableConv1D
    >>> SeparableConv1D(32, 3, padding="same")(np.ones((4, 10, 8))).shape
    (4, 10, 32)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            depth_multiplier=depth_multiplier,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = self.check_size("filters", filters)
        set_weight_options(self, locals(), "depthwise", "pointwise", "bias")

    def features_after(self, features: int | None) -> int:
        """Return `filters`."""
        return self.filters

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        size = self._add_depthwise_kernel("depthwise_kernel", input_shape)
        self.depthwise_kernel = self._depthwise
        self.pointwise_kernel = self.add_weight(
            (1, size, self.filters), name="pointwise_kernel", **weight_options(self, "pointwise")
        )
        self.add_bias(self.filters)

    def convolve(self, wide: Array, count: int) -> tuple[Array, Back]:
        """Return both products, one after the other; see `Convolution.convolve`."""
        between, products_back = self._convolve_features(wide, count)
        kernel, bias = self.pointwise_kernel, self.bias
        z = _core.dense_forward(between, kernel.value[0], None if bias is None else bias.value)

        def back(dz: Array, need_dx: bool) -> Array | None:
            dbetween = _core.dense_backward(
                between,
                kernel.value[0],
                dz,
                dkernel=kernel.grad[0],
                dbias=None if bias is None else bias.grad,
            )
            dwide: Array | None = products_back(dbetween, need_dx)
            return dwide

        return z, back
