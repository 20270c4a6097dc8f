"""The time loop of a ConvLSTM and its backward function, channels last.

x     (batch, time, positions, features)
z     (batch, time, windows, 4 filters), the pre-activations of the gates i f c o
h, c  (batch, windows, filters)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import _core
from ...random.masks import Draws
from ...validation import Array
from ..convolution.window_layer import (
    add_window_rows,
    count_windows,
    pad_steps,
    padding_sizes,
    window_rows,
)

if TYPE_CHECKING:
    from .conv_lstm1d import ConvLSTM1D


class Window(NamedTuple):
    """How windows lie along an axis: steps in a window, stride, dilation, padding."""

    size: int
    stride: int
    dilation: int
    padding: str

    @property
    def extent(self) -> tuple[int, int, str]:
        """The steps from the first to the last of a window, the stride, the padding."""
        return (self.size - 1) * self.dilation + 1, self.stride, self.padding

    def count(self, steps: int) -> int:
        """Return the number of windows."""
        return count_windows(steps, *self.extent)


def _convolve(x: Array, kernel: Array, bias: Array | None, window: Window) -> tuple[Array, Array]:
    """Return the convolution of (rows, steps, features), and the windows for `_convolve_back`."""
    count, spacing = window.count(x.shape[1]), (window.size, window.stride, window.dilation)
    rows = window_rows(pad_steps(x, *padding_sizes(x.shape[1], *window.extent)), count, *spacing)
    return _core.dense_forward(rows, kernel, bias), rows


def _convolve_back(
    dz: Array, rows: Array, shape: tuple[int, ...], kernel: Array, window: Window, **grads: Any
) -> Array | None:
    """Return the gradient of an x of this shape; add those of kernel and bias to `grads`."""
    drows = _core.dense_backward(rows, kernel, dz, **grads)
    if drows is None:
        return None
    before, after = padding_sizes(shape[1], *window.extent)
    dx = np.zeros((shape[0], before + shape[1] + after, shape[2]), dz.dtype)
    add_window_rows(dx, drows, window.size, window.stride, window.dilation)
    return dx[:, before : before + shape[1]]


class TimeLoop:
    """All steps of one call of a `ConvLSTM1D`, channels last.

    Parameters
    ----------
    layer : ConvLSTM1D
    x : ndarray, (batch, time, positions, features)
    mask : ndarray of bool, (batch, time), or None
    training : bool
        Draw dropout masks.
    """

    def __init__(self, layer: ConvLSTM1D, x: Array, mask: Array | None, training: bool) -> None:
        self.layer, self.mask = layer, mask
        if mask is not None:  # what stands at a masked step gets no further
            x = np.where(mask[:, :, None, None], x, x.dtype.type(0))
        self.scale_x, self.scale_h = self._draw(x) if training else (None, None)
        if self.scale_x is not None:
            x = x * self.scale_x[:, None]
        order = slice(None, None, -1 if layer.go_backwards else 1)
        self.order, self.shape = order, x.shape
        self.unmasked = None if mask is None else mask[:, order]
        self.kernel = layer.kernel.value.reshape(-1, 4 * layer.filters)
        self.recurrent = layer.recurrent_kernel.value.reshape(-1, 4 * layer.filters)
        steps = np.ascontiguousarray(x[:, order]).reshape(-1, *x.shape[2:])
        bias = None if layer.bias is None else layer.bias.value
        z, self.rows = _convolve(steps, self.kernel, bias, layer.window)
        self.z = z.reshape(*x.shape[:2], *z.shape[1:])  # the input's part of the pre-activations
        self.tape: list[tuple[Any, Array, Array | None] | None] = []

    def _draw(self, x: Array) -> tuple[Array | None, Array | None]:
        """Draw the multipliers of x and of h, the same at all steps."""
        layer, (batch, _, positions, features) = self.layer, x.shape
        if not (layer.dropout or layer.recurrent_dropout):
            return None, None
        draws = Draws(layer.generator)
        shapes = (
            ((batch, positions, features), layer.dropout),
            ((batch, layer.window.count(positions), layer.filters), layer.recurrent_dropout),
        )
        drawn = [draws.scale(s, rate, x.dtype) if rate else None for s, rate in shapes]
        return drawn[0], drawn[1]

    def run(self, h: Array, c: Array, grad: bool) -> tuple[Array, Array, Array]:
        """Compute all steps; return the output and the last states."""
        layer, steps = self.layer, self.shape[1]
        ys = np.empty((len(h), steps, *h.shape[1:]), h.dtype) if layer.return_sequences else None
        for t in range(steps):
            row_mask = None if self.unmasked is None else self.unmasked[:, t]
            unmasked = None if row_mask is None or row_mask.all() else row_mask[:, None, None]
            entry = None
            if unmasked is None or unmasked.any():
                scaled = h if self.scale_h is None else h * self.scale_h
                z, rows = _convolve(scaled, self.recurrent, None, layer.state_window)
                z += self.z[:, t]
                new_h, new_c, gates_back = self._gates(z, c)
                h = new_h if unmasked is None else np.where(unmasked, new_h, h)
                c = new_c if unmasked is None else np.where(unmasked, new_c, c)
                entry = (gates_back, rows, unmasked)
            if ys is not None:
                ys[:, t] = h
                if layer.zero_output_for_mask and row_mask is not None:
                    ys[~row_mask, t] = 0
            if grad:
                self.tape.append(entry)
        return h if ys is None else ys, h, c

    def _gates(self, z: Array, c0: Array) -> tuple[Array, Array, Any]:
        """Return the new states, and the backward function ``back(dh, dc) -> dz, dc0``."""
        act, gate = self.layer.activation, self.layer.recurrent_activation
        zi, zf, zg, zo = (np.ascontiguousarray(part) for part in np.split(z, 4, axis=-1))
        i, f, g, o = gate.forward(zi), gate.forward(zf), act.forward(zg), gate.forward(zo)
        c = f * c0 + i * g
        a = act.forward(c)

        def back(dh: Array, dc: Array) -> tuple[Array, Array]:
            dc = dc + act.gradient(dh * o, c, a)
            parts = (
                gate.gradient(dc * g, zi, i),
                gate.gradient(dc * c0, zf, f),
                act.gradient(dc * i, zg, g),
                gate.gradient(dh * a, zo, o),
            )
            return np.concatenate(parts, axis=-1), dc * f

        return o * a, c, back

    def run_back(
        self, dy: Array | None, dh: Array | None, dc: Array | None, need_dx: bool
    ) -> tuple[Array | None, Array, Array]:
        """Add to the gradients of the weights; return those of x and of the initial states."""
        layer, z = self.layer, self.z
        shape = (len(z), z.shape[2], layer.filters)
        dh = np.zeros(shape, z.dtype) if dh is None else dh
        dc = np.zeros(shape, z.dtype) if dc is None else dc
        if dy is not None and not layer.return_sequences:
            dh, dy = dh + dy, None
        dz = np.zeros_like(z)
        drecurrent = layer.recurrent_kernel.grad.reshape(self.recurrent.shape)
        for t in range(z.shape[1] - 1, -1, -1):
            if dy is not None:
                dh = dh + self._output_gradient(dy, t)
            entry = self.tape[t]
            if entry is None:
                continue
            gates_back, rows, unmasked = entry
            now = (dh, dc) if unmasked is None else (dh * unmasked, dc * unmasked)
            dz[:, t], dc_before = gates_back(*now)
            before = _convolve_back(
                dz[:, t], rows, shape, self.recurrent, layer.state_window, dkernel=drecurrent
            )
            assert before is not None
            dh_before = before if self.scale_h is None else before * self.scale_h
            # a masked row's states are those of the step before
            dh = dh_before if unmasked is None else np.where(unmasked, dh_before, dh)
            dc = dc_before if unmasked is None else np.where(unmasked, dc_before, dc)
        return self._input_gradient(dz, need_dx), np.ascontiguousarray(dh), dc

    def _output_gradient(self, dy: Array, t: int) -> Array:
        """Return the gradient of the state that is the output of a step."""
        if self.layer.zero_output_for_mask and self.unmasked is not None:
            return np.where(self.unmasked[:, t, None, None], dy[:, t], dy.dtype.type(0))
        return np.asarray(dy[:, t])

    def _input_gradient(self, dz: Array, need_dx: bool) -> Array | None:
        """Add to the gradients of kernel and bias; return the gradient of x."""
        layer, (batch, steps, positions, features) = self.layer, self.shape
        dx = _convolve_back(
            dz.reshape(batch * steps, *dz.shape[2:]),
            self.rows,
            (batch * steps, positions, features),
            self.kernel,
            layer.window,
            dkernel=layer.kernel.grad.reshape(self.kernel.shape),
            dbias=None if layer.bias is None else layer.bias.grad,
            need_dx=need_dx,
        )
        if dx is None:
            return None
        dx = dx.reshape(self.shape)[:, self.order]
        if self.scale_x is not None:
            dx = dx * self.scale_x[:, None]
        if self.mask is not None:
            dx = np.where(self.mask[:, :, None, None], dx, dx.dtype.type(0))
        return np.ascontiguousarray(dx)
