"""Pooling into a given number of windows, whatever the number of steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array
from ..base import Back, registry
from .window_layer import WindowLayer, check_sizes


def window_bounds(steps: int, count: int) -> list[tuple[int, int]]:
    """Return the first step of each of `count` windows and the one after its last.

    Window i begins at ``floor(i * steps / count)`` and ends before ``ceil((i + 1) * steps /
    count)``: neighbours share a step where `count` does not divide `steps`.
    """
    return [(i * steps // count, -(-(i + 1) * steps // count)) for i in range(count)]


class _AdaptivePooling(WindowLayer):
    """Base of the layers that reduce each of a given number of windows to one number a feature."""

    def __init__(
        self,
        output_size: Any,
        data_format: Any = None,
        *,
        use_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, use_mask=use_mask, **kwargs)
        self.output_size = check_sizes(self, "output_size", output_size, 1)

    def pool(self, x: Array, bounds: list[tuple[int, int]]) -> tuple[Array, Back]:
        """Return the pooled windows of (batch, time, features), and ``back(dy) -> dx``."""
        raise NotImplementedError

    def steps_after(self, steps: int) -> int:
        """Return the number of windows."""
        return self.output_size[0]

    def mask_after(self, mask: Array) -> None:
        """Return None: every window has unmasked steps, if its sequence has any."""
        return None

    def over_steps(self, x: Array, grad: bool, mask: Array | None) -> tuple[Array, Back | None]:
        (count,), shape = self.output_size, x.shape
        # rows of their own length, or all rows together
        parts: list[Any] = [...] if mask is None else [(i, row) for i, row in enumerate(mask)]
        y = np.zeros((shape[0], count, shape[2]), x.dtype)
        backs: list[tuple[Any, Back]] = []
        for part in parts:
            steps = x if part is ... else x[part][None]
            if steps.shape[1]:  # otherwise all is masked, and the output 0
                into = ... if part is ... else slice(part[0], part[0] + 1)
                y[into], part_back = self.pool(steps, window_bounds(steps.shape[1], count))
                backs.append((part, part_back))
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            if not need_dx:
                return None
            dx = np.zeros(shape, dy.dtype)
            for part, part_back in backs:
                if part is ...:
                    dx[...] = part_back(dy)
                else:
                    dx[part] = part_back(dy[part[0]][None])[0]
            return dx

        return y, back


@registry.add()
class AdaptiveAveragePooling1D(_AdaptivePooling):
    """Average pooling into a given number of windows, which share the steps evenly.

    Input ``(batch, time, features)``, output ``(batch, output_size, features)``. Where the steps
    cannot be shared evenly, a step may count in two windows.

    Parameters
    ----------
    output_size : int
        The number of windows.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: the windows share the unmasked
        steps of each row; see `WindowLayer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import AdaptiveAveragePooling1D
    >>> AdaptiveAveragePooling1D(2)([[[1], [2], [3], [5], [7]]])[0, :, 0]
    array([2., 5.], dtype=float32)
    """

    def pool(self, x: Array, bounds: list[tuple[int, int]]) -> tuple[Array, Back]:
        """Return the means of the windows, and ``back(dy) -> dx``."""
        y = np.stack([x[:, start:end].mean(axis=1) for start, end in bounds], axis=1)

        def back(dy: Array) -> Array:
            dx = np.zeros_like(x)
            for i, (start, end) in enumerate(bounds):
                dx[:, start:end] += dy[:, i, None] / x.dtype.type(end - start)
            return dx

        return y, back


@registry.add()
class AdaptiveMaxPooling1D(_AdaptivePooling):
    """Max pooling into a given number of windows, which share the steps evenly.

    Input ``(batch, time, features)``, output ``(batch, output_size, features)``. Where the steps
    cannot be shared evenly, a step may count in two windows. If several values of a window are
    largest, the first one gets the gradient.

    Parameters
    ----------
    output_size : int
        The number of windows.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` for inputs ``(batch, features, time)``.
    use_mask : bool, default False
        False, as in Keras: masked steps count like any others. True: the windows share the unmasked
        steps of each row; see `WindowLayer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import AdaptiveMaxPooling1D
    >>> AdaptiveMaxPooling1D(2)([[[1], [2], [3], [5], [7]]])[0, :, 0]
    array([3., 7.], dtype=float32)
    """

    def pool(self, x: Array, bounds: list[tuple[int, int]]) -> tuple[Array, Back]:
        """Return the largest values of the windows, and ``back(dy) -> dx``."""
        y = np.stack([x[:, start:end].max(axis=1) for start, end in bounds], axis=1)

        def back(dy: Array) -> Array:
            dx = np.zeros_like(x)
            for i, (start, end) in enumerate(bounds):
                first = x[:, start:end].argmax(axis=1)[:, None]
                taken = np.arange(end - start)[:, None] == first
                dx[:, start:end] += taken * dy[:, i, None]
            return dx

        return y, back
