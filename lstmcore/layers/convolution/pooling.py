"""Pooling over time: by windows, and over all steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array
from ..base import Back, Shape, registry
from .window_layer import (
    WindowLayer,
    check_padding,
    check_sizes,
    count_windows,
    kth_steps,
    mask_of_windows,
    pad_steps,
    padding_sizes,
    sliding_windows,
)


class _Pooling(WindowLayer):
    """Base of the layers that reduce each window to one number a feature."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: Any = None,
        name: str | None = None,
        *,
        use_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, use_mask=use_mask, name=name, **kwargs)
        self.pool_size = check_sizes(self, "pool_size", pool_size, 1)
        strides = self.pool_size if strides is None else strides
        self.strides = check_sizes(self, "strides", strides, 1)
        self.padding = check_padding(self, padding, "valid", "same")

    @property
    def _window(self) -> tuple[int, int, str]:
        return self.pool_size[0], self.strides[0], self.padding

    def steps_after(self, steps: int) -> int:
        """Return the number of windows."""
        return count_windows(steps, *self._window)

    def mask_after(self, mask: Array) -> Array:
        """Return the mask of the windows; see `mask_of_windows`."""
        return mask_of_windows(mask, self.steps_after(mask.shape[1]), *self._window)

    def _pad_and_window(self, x: Array, value: Any) -> tuple[Array, Array, int]:
        """Return the padded steps, their windows, and the number of steps padded in front."""
        size, stride, _ = self._window
        before, after = padding_sizes(x.shape[1], *self._window)
        wide = pad_steps(x, before, after, value)
        return wide, sliding_windows(wide, self.steps_after(x.shape[1]), size, stride), before


@registry.add("MaxPool1D")
class MaxPooling1D(_Pooling):
    """Max pooling: the largest value of each window of time, for each feature.

    Input ``(batch, time, features)``, output ``(batch, windows, features)``. If several values
    of a window are largest, the first one gets the gradient.

    Parameters
    ----------
    pool_size : int, default 2
        The number of steps in a window.
    strides : int, optional
        The number of steps from one window to the next; the default is `pool_size`.
    padding : {"valid", "same"}
        ``"same"``: one window for every `strides` steps, cut off at both ends.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: masked steps are ignored, and
        the mask is passed on; see `WindowLayer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import MaxPooling1D
    >>> MaxPooling1D(2)([[[1], [5], [2], [3]]])[0, :, 0]
    array([5., 3.], dtype=float32)
    """

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        if mask is not None:
            x = np.where(mask[..., None], x, x.dtype.type(-np.inf))
        wide, windows, before = self._pad_and_window(x, -np.inf)
        y = windows.max(axis=2)
        if mask is not None:  # 0 for windows in which every step is masked
            y[~self._pad_and_window(mask, False)[1].any(axis=2)] = 0
        if not grad:
            return y, None
        first, length, stride = windows.argmax(axis=2), x.shape[1], self.strides[0]

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            if not need_dx:
                return None
            dwide = np.zeros_like(wide)
            for k in range(self.pool_size[0]):
                dwide[:, kth_steps(k, y.shape[1], stride)] += dy * (first == k)
            dx = np.ascontiguousarray(dwide[:, before : before + length])
            return dx if mask is None else np.where(mask[..., None], dx, dx.dtype.type(0))

        return y, back


@registry.add("AvgPool1D")
class AveragePooling1D(_Pooling):
    """Average pooling: the mean of each window of time, for each feature.

    Input ``(batch, time, features)``, output ``(batch, windows, features)``. Steps of a window
    that lie beyond the ends of the sequence do not count.

    Parameters
    ----------
    pool_size : int, default 2
        The number of steps in a window.
    strides : int, optional
        The number of steps from one window to the next; the default is `pool_size`.
    padding : {"valid", "same"}
        ``"same"``: one window for every `strides` steps, cut off at both ends.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: masked steps are ignored, and
        the mask is passed on; see `WindowLayer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        unmasked = np.ones((1, x.shape[1]), bool) if mask is None else mask
        if mask is not None:
            x = np.where(mask[..., None], x, x.dtype.type(0))
        wide, windows, before = self._pad_and_window(x, 0)
        counts = self._pad_and_window(unmasked, False)[1].sum(axis=2)
        share = (1 / np.maximum(counts, 1)).astype(x.dtype)[..., None]
        y = windows.sum(axis=2) * share
        if not grad:
            return y, None
        length, stride = x.shape[1], self.strides[0]

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            if not need_dx:
                return None
            dwide, part = np.zeros_like(wide), dy * share
            for k in range(self.pool_size[0]):
                dwide[:, kth_steps(k, y.shape[1], stride)] += part
            dx = np.ascontiguousarray(dwide[:, before : before + length])
            return dx if mask is None else np.where(mask[..., None], dx, dx.dtype.type(0))

        return y, back


class _GlobalPooling(WindowLayer):
    """Base of the layers that reduce all steps to one number a feature."""

    def __init__(
        self,
        data_format: Any = None,
        keepdims: bool = False,
        *,
        use_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, use_mask=use_mask, **kwargs)
        self.keepdims = bool(keepdims)

    def steps_after(self, steps: int) -> int:
        """Return 1."""
        return 1

    def mask_after(self, mask: Array) -> None:
        """Return None: the output has no time axis."""
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, features), with an axis of 1 for time if `keepdims`."""
        shape = super().compute_output_shape(input_shape)
        if self.keepdims:
            return shape
        return (shape[0], shape[1 if self.data_format == "channels_first" else 2])


@registry.add("GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over time of each feature; masked steps do not count.

    Input ``(batch, time, features)``, output ``(batch, features)``. A sequence whose steps are
    all masked gives 0 (NaN in Keras).

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    keepdims : bool, default False
        Keep an axis of size 1 for time.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import GlobalAveragePooling1D
    >>> GlobalAveragePooling1D()([[[1], [3]], [[4], [9]]], mask=[[1, 1], [1, 0]])
    array([[2.],
           [4.]], dtype=float32)
    """

    call_order = ("mask", "training")

    def __init__(self, data_format: Any = None, keepdims: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("use_mask", True)
        super().__init__(data_format=data_format, keepdims=keepdims, **kwargs)

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        batch, steps = x.shape[:2]
        counts = np.full((1, 1), steps) if mask is None else mask.sum(axis=1, keepdims=True)
        share = (1 / np.maximum(counts, 1)).astype(x.dtype)[..., None]
        if mask is not None:
            x = np.where(mask[..., None], x, x.dtype.type(0))
        y = x.sum(axis=1, keepdims=True) * share
        features = x.shape[2]

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            if not need_dx:
                return None
            dx = np.empty((batch, steps, features), x.dtype)
            dx[...] = dy.reshape(batch, 1, features) * share
            return dx if mask is None else np.where(mask[..., None], dx, dx.dtype.type(0))

        return y if self.keepdims else y[:, 0], back if grad else None


@registry.add("GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value over time of each feature.

    Input ``(batch, time, features)``, output ``(batch, features)``. If several steps have the
    largest value, they share the gradient.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    keepdims : bool, default False
        Keep an axis of size 1 for time.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: masked steps do not count; a
        sequence whose steps are all masked gives 0.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        if mask is not None:
            x = np.where(mask[..., None], x, x.dtype.type(-np.inf))
        y = x.max(axis=1, keepdims=True)
        largest = x == y if grad else None
        if mask is not None:
            y[~mask.any(axis=1)] = 0

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            assert largest is not None
            if not need_dx:
                return None
            share = largest / np.maximum(largest.sum(axis=1, keepdims=True), 1).astype(x.dtype)
            dx: Array = share.astype(x.dtype) * dy.reshape(y.shape)
            return dx if mask is None else np.where(mask[..., None], dx, dx.dtype.type(0))

        return y if self.keepdims else y[:, 0], back if grad else None
