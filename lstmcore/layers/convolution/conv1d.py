"""Conv1D, and layers that add steps to sequences, cut them off or repeat them."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np

from ... import _core
from ...validation import Array
from ..base import Back, Shape, registry
from ..weight_options import set_weight_options, weight_options
from .convolution import Convolution
from .window_layer import (
    WindowLayer,
    add_window_rows,
    check_sizes,
    pad_steps,
    window_rows,
)


@registry.add("Convolution1D")
class Conv1D(Convolution):
    """Convolution over time: ``activation(windows of x @ kernel + bias)``.

    Input ``(batch, time, features)``, output ``(batch, windows, filters)``. The weights are
    ``kernel (kernel_size, features / groups, filters)`` and ``bias (filters,)``.

    Parameters
    ----------
    filters : int
        The size of the output's last axis.
    kernel_size : int
        The number of steps in a window.
    strides : int, default 1
        The number of steps from one window to the next.
    padding : {"valid", "same", "causal"}
        ``"same"``: zeros at both ends, one window for every `strides` steps; ``"causal"``:
        zeros before the first step, each window ends at its step.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    dilation_rate : int, default 1
        The distance between the steps of a window; more than 1 only with `strides` 1.
    groups : int, default 1
        Split features and filters into this many groups, each convolved separately.
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
    >>> from lstmcore.layers import Conv1D
    >>> Conv1D(32, 3, activation="relu")(np.ones((4, 10, 8))).shape
    (4, 8, 32)
    """

    paddings: ClassVar[tuple[str, ...]] = ("valid", "same", "causal")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        use_mask: bool = False,
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
            use_mask=use_mask,
            **kwargs,
        )
        self.filters = self.check_size("filters", filters)
        self.groups = self.check_size("groups", groups)
        if self.filters % self.groups:
            wanted = f"a divisor of filters={self.filters}"
            raise self.error("groups", wanted, self.groups)
        set_weight_options(self, locals(), "kernel", "bias")

    def features_after(self, features: int | None) -> int:
        """Return `filters`."""
        return self.filters

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        features = self.read_features(input_shape)
        if features % self.groups:
            raise self.error("features of x", f"a multiple of groups={self.groups}", features)
        self.kernel = self.add_weight(
            (*self.kernel_size, features // self.groups, self.filters),
            name="kernel",
            **weight_options(self, "kernel"),
        )
        self.add_bias(self.filters)

    def convolve(self, wide: Array, count: int) -> tuple[Array, Back]:
        """Return the products of the windows with the kernel; see `Convolution.convolve`."""
        return self._convolve(wide, count), partial(self._convolve_back, wide)

    def _window_rows(self, wide: Array, count: int, group: int) -> Array:
        """Return a group's windows as rows, (batch, count, kernel_size * features)."""
        size, stride, dilation = self.kernel_size[0], self.strides[0], self.dilation_rate[0]
        return window_rows(wide[..., self._part(group)], count, size, stride, dilation)

    def _part(self, group: int) -> slice:
        """Return the features that belong to a group."""
        part = self._features // self.groups
        return slice(group * part, (group + 1) * part)

    def _convolve(self, wide: Array, count: int) -> Array:
        flat = self.kernel.value.reshape(-1, self.filters)
        bias = None if self.bias is None else self.bias.value
        if self.groups == 1:
            return _core.dense_forward(self._window_rows(wide, count, 0), flat, bias)
        z = np.empty((len(wide), count, self.filters), wide.dtype)
        for group, columns in enumerate(self._group_columns()):
            kernel = np.ascontiguousarray(flat[:, columns])
            own = None if bias is None else bias[columns]
            z[..., columns] = _core.dense_forward(
                self._window_rows(wide, count, group), kernel, own
            )
        return z

    def _group_columns(self) -> list[slice]:
        """Return the columns of the kernel that belong to each group."""
        part = self.filters // self.groups
        return [slice(g * part, (g + 1) * part) for g in range(self.groups)]

    def _convolve_back(self, wide: Array, dz: Array, need_dx: bool) -> Array | None:
        """Add the gradients of the weights; return the gradient of the padded input."""
        flat = self.kernel.value.reshape(-1, self.filters)
        dflat = self.kernel.grad.reshape(-1, self.filters)
        dbias = None if self.bias is None else self.bias.grad
        dwide = np.zeros_like(wide) if need_dx else None
        for group, columns in enumerate(self._group_columns()):
            alone = self.groups == 1
            kernel = np.ascontiguousarray(flat[:, columns])
            dkernel = dflat if alone else np.zeros_like(kernel)
            drows = _core.dense_backward(
                self._window_rows(wide, dz.shape[1], group),
                kernel,
                np.ascontiguousarray(dz[..., columns]),
                dkernel=dkernel,
                dbias=None if dbias is None else dbias[columns],
                need_dx=need_dx,
            )
            if not alone:
                dflat[:, columns] += dkernel
            if dwide is not None and drows is not None:
                size, stride, dilation = self.kernel_size[0], self.strides[0], self.dilation_rate[0]
                add_window_rows(dwide[..., self._part(group)], drows, size, stride, dilation)
        return dwide


@registry.add()
class ZeroPadding1D(WindowLayer):
    """Add steps of zeros before and after the sequence.

    Input ``(batch, time, features)``, output ``(batch, before + time + after, features)``.

    Parameters
    ----------
    padding : int or (int, int), default 1
        The number of steps, the same at both ends or one for each.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: the mask is passed on, and the
        new steps are masked.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    takes_whole: ClassVar[bool] = True

    def __init__(self, padding: Any = 1, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.padding = check_sizes(self, "padding", padding, 2, least=0)

    def steps_after(self, steps: int) -> int:
        """Return the number of steps with the padding."""
        return self.padding[0] + steps + self.padding[1]

    def mask_after(self, mask: Array) -> Array:
        """Return the mask with the new steps, which are masked."""
        return pad_steps(mask, self.padding[0], self.padding[1], False)

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        start, end = self.padding[0], self.padding[0] + x.shape[1]

        def back(dy: Array, need_dx: bool = True) -> Array:
            return np.ascontiguousarray(dy[:, start:end])

        return pad_steps(x, self.padding[0], self.padding[1]), back if grad else None


@registry.add()
class Cropping1D(WindowLayer):
    """Remove steps at the beginning and the end of the sequence.

    The end is that of the array: of a padded sequence the last steps are padding.

    Input ``(batch, time, features)``, output ``(batch, time - before - after, features)``.

    Parameters
    ----------
    cropping : int or (int, int), default (1, 1)
        The number of steps, the same at both ends or one for each.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: the mask is passed on.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    takes_whole: ClassVar[bool] = True

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = check_sizes(self, "cropping", cropping, 2, least=0)

    def steps_after(self, steps: int) -> int:
        """Return the number of steps that are left."""
        return steps - sum(self.cropping)

    def mask_after(self, mask: Array) -> Array:
        """Return the mask of the steps that are left."""
        return np.ascontiguousarray(self._inside(mask))

    def _inside(self, x: Array) -> Array:
        return x[:, self.cropping[0] : x.shape[1] - self.cropping[1]]

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        def back(dy: Array, need_dx: bool = True) -> Array:
            return pad_steps(dy, self.cropping[0], self.cropping[1])

        return np.ascontiguousarray(self._inside(x)), back if grad else None


@registry.add()
class UpSampling1D(WindowLayer):
    """Repeat every step.

    Input ``(batch, time, features)``, output ``(batch, size * time, features)``.

    Parameters
    ----------
    size : int, default 2
        The number of repetitions.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: the mask is passed on,
        repeated as well.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    takes_whole: ClassVar[bool] = True

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = self.check_size("size", size)

    def steps_after(self, steps: int) -> int:
        """Return the number of steps after repetition."""
        return self.size * steps

    def mask_after(self, mask: Array) -> Array:
        """Return the mask, repeated."""
        return mask.repeat(self.size, axis=1)

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        shape = (x.shape[0], x.shape[1], self.size, x.shape[2])

        def back(dy: Array, need_dx: bool = True) -> Array:
            dx: Array = dy.reshape(shape).sum(axis=2)
            return dx

        return x.repeat(self.size, axis=1), back if grad else None
