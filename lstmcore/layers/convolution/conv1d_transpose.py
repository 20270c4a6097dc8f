"""Conv1DTranspose: the backward function of a convolution as a layer, which adds steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _core
from ...validation import Array
from ..base import Back, Shape, registry
from ..normalization.layer_normalization import column_sums
from ..weight_options import set_weight_options, weight_options
from .convolution import Convolution
from .window_layer import (
    add_window_rows,
    check_sizes,
    window_rows,
)


@registry.add("Convolution1DTranspose")
class Conv1DTranspose(Convolution):
    """Transposed convolution over time: each step is spread over a window of output steps.

    Input ``(batch, time, features)``, output ``(batch, new time, filters)``. Step t adds ``x[t] @
    kernel[k].T`` to the output step ``t * strides + k * dilation_rate``, counted from the
    beginning before `padding` cuts. The weights are ``kernel (kernel_size, filters, features)``
    and ``bias (filters,)``.

    Parameters
    ----------
    filters : int
        The size of the output's last axis.
    kernel_size : int
        The number of output steps over which a step is spread.
    strides : int, default 1
        The number of output steps from one step to the next.
    padding : {"valid", "same"}
        ``"valid"``: all output steps, at least ``time * strides``. ``"same"``: ``time * strides``
        of them, cut off at both ends.
    output_padding : int, optional
        The number of output steps after the last: with ``"valid"`` added to ``(time - 1) * strides
        + extent``, where the extent is that of the dilated kernel; with ``"same"`` to ``(time - 1)
        * strides + extent % 2``. Less than `strides`.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    dilation_rate : int, default 1
        The distance between the output steps of one step; more than 1 only with `strides` 1.
    activation : str or Activation, optional
        Default none.
    use_bias : bool, default True
    kernel_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"zeros"``.
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
        Penalties on the weights, or on the output, added to the loss in training.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Applied to the weights after each optimizer step.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: masked steps count as zeros,
        and the mask is passed on; see `WindowLayer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import Conv1DTranspose
    >>> Conv1DTranspose(32, 3, strides=2, padding="same")(np.ones((4, 10, 8))).shape
    (4, 20, 32)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: Any = None,
        dilation_rate: Any = 1,
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
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = self.check_size("filters", filters)
        self.output_padding = output_padding
        if output_padding is not None:
            self.output_padding = check_sizes(self, "output_padding", output_padding, 1, least=0)
            if self.output_padding[0] >= self.strides[0]:
                wanted = f"less than strides={self.strides[0]}"
                raise self.error("output_padding", wanted, self.output_padding[0])
        set_weight_options(self, locals(), "kernel", "bias")

    @property
    def _cut(self) -> tuple[int, int]:
        """The steps cut off in front, and the number of steps that are left of a single step."""
        extent, stride = self._extent, self.strides[0]
        more = None if self.output_padding is None else self.output_padding[0]
        if self.padding == "valid":
            return 0, max(extent, stride) if more is None else extent + more
        left = stride if more is None else extent % 2 + more
        # Keras's rule: steps too many are cut off at both ends, an odd one behind
        return max(extent - left, 0) // 2, left

    def steps_after(self, steps: int) -> int:
        """Return the number of output steps."""
        return (steps - 1) * self.strides[0] + self._cut[1]

    def features_after(self, features: int | None) -> int:
        """Return `filters`."""
        return self.filters

    def mask_after(self, mask: Array) -> Array:
        """Return the mask of the output steps that an unmasked step begins, or is spread over.

        Steps after the last unmasked one are those that the sequence has without its masked end.
        """
        steps, stride = mask.shape[1], self.strides[0]
        new = np.zeros((len(mask), self.steps_after(steps)), bool)
        for k in range(max(self._cut[1], stride)):
            own = new[:, k : k + (steps - 1) * stride + 1 : stride]
            own |= mask[:, : own.shape[1]]
        last = steps - mask[:, ::-1].argmax(axis=1)
        new &= np.arange(new.shape[1]) < ((last - 1) * stride + self._cut[1])[:, None]
        return new

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, self.filters, self.read_features(input_shape)),
            name="kernel",
            **weight_options(self, "kernel"),
        )
        self.add_bias(self.filters)

    def _pre_activations(self, x: Array) -> tuple[Array, Back]:
        """Return the pre-activations of (batch, time, features) and their backward function."""
        size, stride, dilation = self.kernel_size[0], self.strides[0], self.dilation_rate[0]
        batch, steps = x.shape[:2]
        front, count = self._cut[0], self.steps_after(steps)
        whole = max((steps - 1) * stride + self._extent, front + count)
        flat = np.ascontiguousarray(self.kernel.value.reshape(-1, self._features).T)
        spread = _core.dense_forward(x, flat, None)
        wide = np.zeros((batch, whole, self.filters), x.dtype)
        add_window_rows(wide, spread, size, stride, dilation)
        z = wide[:, front : front + count]
        if self.bias is not None:
            z += self.bias.value

        def back(dz: Array, need_dx: bool) -> Array | None:
            if self.bias is not None:
                self.bias.grad[...] += column_sums(dz.reshape(-1, self.filters))
            dwide = np.zeros_like(wide)
            dwide[:, front : front + count] = dz
            dspread = window_rows(dwide, steps, size, stride, dilation)
            dflat = np.zeros_like(flat)
            dx = _core.dense_backward(x, flat, dspread, dkernel=dflat, need_dx=need_dx)
            self.kernel.grad[...] += dflat.T.reshape(self.kernel.shape)
            return dx

        return np.ascontiguousarray(z), back
