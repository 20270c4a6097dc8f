"""WindowLayer, base of the layers over windows of the time axis: sizes, padding, masks.

padded   (batch, left + time + right, features)
windows  (batch, steps, size, features): a strided view of it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...validation import Array
from ..base import Back, Layer, Shape

FORMATS = ("channels_last", "channels_first")


# -- checks of arguments ---------------------------------------------------------------------------


def check_sizes(
    layer: Layer, argument: str, value: Any, count: int, least: int = 1
) -> tuple[int, ...]:
    """Return `count` sizes as a tuple, given one for all or `count` of them."""
    values = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,) * count
    if len(values) != count or isinstance(value, str):
        wanted = "a whole number" if count == 1 else f"a whole number or {count} of them"
        raise layer.error(argument, wanted, repr(value))
    return tuple(0 if n == least == 0 else layer.check_size(argument, n) for n in values)


def check_padding(layer: Layer, padding: Any, *kinds: str) -> str:
    """Return the kind of padding in lower case."""
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind not in kinds:
        raise layer.error("padding", " or ".join(map(repr, kinds)), repr(padding))
    return str(kind)


def check_format(layer: Layer, data_format: Any) -> str:
    """Return the position of the feature axis, last by default."""
    found = FORMATS[0] if data_format is None else str(data_format).lower()
    if found not in FORMATS:
        raise layer.error("data_format", " or ".join(FORMATS), repr(data_format))
    return found


# -- the base --------------------------------------------------------------------------------------


class WindowLayer(Layer):
    """A layer over the time axis of (batch, time, features), or of (batch, features, time).

    A subclass writes `over_steps` and `steps_after`, for channels last, and may write `mask_after`.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        The position of the feature axis; default last.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others, and the mask is dropped with a
        warning. True: masked steps are ignored and the mask is passed on, so that a padded
        sequence gives the same output as the sequence alone. (The exception is
        ``padding="same"`` with strides: the first window's position depends on the length.)
    **kwargs
        See `Layer`.
    """

    uses_mask = True

    def __init__(self, *, data_format: Any = None, use_mask: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = check_format(self, data_format)
        self.use_mask = bool(use_mask)

    # -- what a subclass writes ------------------------------------------------------------

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        """Compute `forward` for (batch, time, features); mask is None without `use_mask`."""
        raise NotImplementedError

    def steps_after(self, steps: int) -> int:
        """Return the number of output steps; less than 1 if the input has too few."""
        raise NotImplementedError

    def features_after(self, features: int | None) -> int | None:
        """Return the number of output features."""
        return features

    def mask_after(self, mask: Array) -> Array | None:
        """Return the mask of the output's steps."""
        raise NotImplementedError

    # -- the rest --------------------------------------------------------------------------

    @property
    def _channels_first(self) -> bool:
        return bool(self.data_format == "channels_first")

    def _check(self, shape: Shape) -> None:
        if len(shape) != 3:
            last = ("features, time" if self._channels_first else "time, features").split(", ")
            hint = " (a recurrent layer before it needs return_sequences=True)"
            wanted = f"an array of shape (batch, {', '.join(last)})"
            raise self.error("x", wanted, f"shape {shape}{hint if len(shape) == 2 else ''}")
        steps = shape[2 if self._channels_first else 1]
        if steps is not None and self.steps_after(steps) < 1:
            least = next((n for n in range(steps, 1 << 22) if self.steps_after(n) >= 1), None)
            raise self.error("x", f"at least {least} steps", f"{steps}, shape {shape}")

    def build(self, input_shape: Shape) -> None:
        self._check(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with the output's number of steps and features."""
        self._check(input_shape)
        batch, steps, features = input_shape
        if self._channels_first:
            steps, features = features, steps
        steps = None if steps is None else self.steps_after(steps)
        features = self.features_after(features)
        return (batch, features, steps) if self._channels_first else (batch, steps, features)

    def compute_mask(self, x: Any, mask: Array | None = None) -> Array | None:
        """Return the mask of the output's steps; None without `use_mask`."""
        if mask is None:
            return None
        if self.use_mask:
            return self.mask_after(mask)
        self.warn_of_lost_mask("use_mask=True keeps it")
        return None

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        self._check(x.shape)
        mask = mask if self.use_mask else None
        if not self._channels_first:
            return self.over_steps(x, grad, mask)
        y, inner = self.over_steps(_swap_time_and_features(x), grad, mask)
        if inner is None:
            return _swap_time_and_features(y), None
        inner_back = inner

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dx = inner_back(_swap_time_and_features(dy), need_dx=need_dx)
            return None if dx is None else _swap_time_and_features(dx)

        return _swap_time_and_features(y), back


def _swap_time_and_features(x: Array) -> Array:
    """Swap the axes of time and features, if the array has both."""
    return np.ascontiguousarray(x.swapaxes(1, 2)) if x.ndim == 3 else x


def padding_sizes(steps: int, size: int, stride: int, padding: str) -> tuple[int, int]:
    """Return the steps of padding before and after; `size` is a window's, dilation included."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return size - 1, 0
    total = max((-(-steps // stride) - 1) * stride + size - steps, 0)
    return total // 2, total - total // 2


def count_windows(steps: int, size: int, stride: int, padding: str) -> int:
    """Return the number of windows; less than 1 if the sequence is too short."""
    return (steps - size) // stride + 1 if padding == "valid" else (steps - 1) // stride + 1


def pad_steps(x: Array, before: int, after: int, value: Any = 0) -> Array:
    """Pad (batch, time, ...) with steps of one value before and after."""
    if not before and not after:
        return x
    shape = (x.shape[0], before + x.shape[1] + after, *x.shape[2:])
    out = np.empty(shape, x.dtype)
    out[:, :before], out[:, before + x.shape[1] :] = value, value
    out[:, before : before + x.shape[1]] = x
    return out


def sliding_windows(x: Array, count: int, size: int, stride: int, dilation: int = 1) -> Array:
    """Return a strided view of (batch, time, ...) as (batch, count, size, ...)."""
    batch, time = x.strides[:2]
    return np.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], count, size, *x.shape[2:]),
        (batch, stride * time, dilation * time, *x.strides[2:]),
        writeable=False,
    )


def window_rows(x: Array, count: int, size: int, stride: int, dilation: int = 1) -> Array:
    """Return the windows of (batch, time, features) as rows, (batch, count, size * features).

    A view where each window is contiguous in memory.
    """
    batch, _, features = x.shape
    if dilation == 1 and x.flags.c_contiguous:
        return sliding_windows(x.reshape(batch, -1), count, size * features, stride * features)
    windows = sliding_windows(x, count, size, stride, dilation)
    return windows.reshape(batch, count, size * features)


def add_window_rows(steps: Array, rows: Array, size: int, stride: int, dilation: int = 1) -> None:
    """Add the gradients of `window_rows` to the gradients of the steps, (batch, time, features)."""
    features = steps.shape[2]
    for k in range(size):
        into = steps[:, kth_steps(k, rows.shape[1], stride, dilation)]
        into += rows[..., k * features : (k + 1) * features]


def kth_steps(k: int, count: int, stride: int, dilation: int = 1) -> slice:
    """Return the slice of the steps that are the k-th of their windows."""
    start = k * dilation
    return slice(start, start + (count - 1) * stride + 1, stride)


def mask_of_windows(mask: Array, count: int, size: int, stride: int, padding: str) -> Array:
    """Return the mask of the windows: those that the sequence has without its masked end.

    With ``"valid"``, windows in which no step is masked; with padding of the layer's own, windows
    whose own step is unmasked.
    """
    if padding == "valid":
        return np.asarray(sliding_windows(mask, count, size, stride).all(axis=2))
    return np.ascontiguousarray(mask[:, kth_steps(0, count, stride)])
