"""Convolution, base of the convolutions over time: sizes, masks, bias and activation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ... import activations
from ...validation import Array
from ..base import Back, Shape
from ..parameters import Param
from ..weight_options import weight_options
from .window_layer import (
    WindowLayer,
    check_padding,
    check_sizes,
    count_windows,
    mask_of_windows,
    pad_steps,
    padding_sizes,
)


class Convolution(WindowLayer):
    """A layer with a kernel over windows of time, a bias and an activation.

    A subclass declares its weights in `build` and writes `convolve`.

    Parameters
    ----------
    kernel_size : int
        The number of steps in a window.
    strides : int, default 1
        The number of steps from one window to the next.
    padding : str
        One of the class's `paddings`.
    dilation_rate : int, default 1
        The distance between the steps of a window; more than 1 only with `strides` 1.
    activation : str or Activation, optional
        Default none.
    use_bias : bool, default True
    **kwargs
        See `WindowLayer`.
    """

    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    bias: Param | None

    def __init__(
        self,
        *,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = check_sizes(self, "kernel_size", kernel_size, 1)
        self.strides = check_sizes(self, "strides", strides, 1)
        self.padding = check_padding(self, padding, *self.paddings)
        self.dilation_rate = check_sizes(self, "dilation_rate", dilation_rate, 1)
        if self.strides[0] > 1 and self.dilation_rate[0] > 1:
            raise self.error("dilation_rate", "1 where strides > 1", self.dilation_rate[0])
        self.activation = self.check_activation("activation", activation)
        self.use_bias = bool(use_bias)

    # -- what a subclass writes ------------------------------------------------------------

    def convolve(self, wide: Array, count: int) -> tuple[Array, Back]:
        """Return the pre-activations and their backward function, given the padded steps.

        Parameters
        ----------
        wide : ndarray, (batch, before + time + after, features)
        count : int
            The number of windows.

        Returns
        -------
        z : ndarray, (batch, count, features of the output)
        back : callable
            ``back(dz, need_dx)`` adds to the gradients of the weights and returns that of `wide`.
        """
        raise NotImplementedError

    # -- what a subclass uses --------------------------------------------------------------

    def read_features(self, input_shape: Shape) -> int:
        """Return the number of features of inputs of this shape, and keep it for later calls."""
        features = input_shape[1 if self.data_format == "channels_first" else 2]
        if features is None:
            raise self.error("x", "a known number of features", f"shape {input_shape}")
        self._features = self.check_size("features of x", features)
        return self._features

    def add_bias(self, size: int) -> None:
        """Declare the bias, if the layer has one."""
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight((size,), name="bias", **weight_options(self, "bias"))

    # -- the rest --------------------------------------------------------------------------

    @property
    def _extent(self) -> int:
        """The steps from the first to the last of a window."""
        return (self.kernel_size[0] - 1) * self.dilation_rate[0] + 1

    @property
    def _window(self) -> tuple[int, int, str]:
        """The extent of a window in steps, the stride, and the padding."""
        return self._extent, self.strides[0], self.padding

    def steps_after(self, steps: int) -> int:
        """Return the number of windows."""
        return count_windows(steps, *self._window)

    def mask_after(self, mask: Array) -> Array:
        """Return the mask of the windows; see `mask_of_windows`."""
        return mask_of_windows(mask, self.steps_after(mask.shape[1]), *self._window)

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        if x.shape[2] != self._features:
            raise self.error("features of x", self._features, x.shape[2])
        if mask is not None:
            x = np.where(mask[..., None], x, x.dtype.type(0))
        z, z_back = self._pre_activations(x)
        plain = self.activation is activations.linear
        y = z if plain else self.activation.forward(z)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dz = dy if plain else self.activation.gradient(dy, z, y)
            dx: Array | None = z_back(np.ascontiguousarray(dz), need_dx)
            if dx is None or mask is None:
                return dx
            return np.where(mask[..., None], dx, dx.dtype.type(0))

        return y, back

    def _pre_activations(self, x: Array) -> tuple[Array, Back]:
        """Return the pre-activations of (batch, time, features) and their backward function."""
        length = x.shape[1]
        before, after = padding_sizes(length, *self._window)
        z, wide_back = self.convolve(pad_steps(x, before, after), self.steps_after(length))

        def back(dz: Array, need_dx: bool) -> Array | None:
            dwide = wide_back(dz, need_dx)
            if dwide is None:
                return None
            return np.ascontiguousarray(dwide[:, before : before + length])

        return z, back
