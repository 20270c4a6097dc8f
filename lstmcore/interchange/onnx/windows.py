"""Conv and MaxPool for the reference evaluator: windows of an array, over any number of axes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...validation import Array
from .recurrent_node import described, text


class Windows(NamedTuple):
    """Where the windows of a node lie: a number for each axis of time or space."""

    sizes: list[int]
    strides: list[int]
    dilations: list[int]
    pads: list[tuple[int, int]]

    @property
    def spans(self) -> list[int]:
        """The steps that a window reaches over."""
        return [d * (n - 1) + 1 for n, d in zip(self.sizes, self.dilations, strict=True)]

    @classmethod
    def of(cls, node: Any, sizes: list[int], shape: Any, options: dict[str, Any]) -> Windows:
        """Read the attributes of a node for an input whose axes of time or space have this shape.

        Raises
        ------
        ValueError
            If they do not fit each other.
        """
        axes = len(shape)
        strides = list(options.get("strides") or [1] * axes)
        dilations = list(options.get("dilations") or [1] * axes)
        if {len(sizes), len(strides), len(dilations)} != {axes}:
            raise ValueError(f"{described(node)}: kernel_shape: expected {axes} sizes, got {sizes}")
        if min(*sizes, *strides, *dilations) < 1:
            raise ValueError(f"{described(node)}: expected sizes, strides and dilations >= 1")
        made = cls(sizes, strides, dilations, [(0, 0)] * axes)
        return made._replace(pads=made._padding(node, shape, options))

    def _padding(self, node: Any, shape: Any, options: dict[str, Any]) -> list[tuple[int, int]]:
        kind, given = text(options.get("auto_pad") or "NOTSET"), options.get("pads")
        if kind in ("SAME_UPPER", "SAME_LOWER"):
            sums = [
                max((-(-n // s) - 1) * s + span - n, 0)
                for n, span, s in zip(shape, self.spans, self.strides, strict=True)
            ]
            pairs = [(n // 2, n - n // 2) for n in sums]
            return pairs if kind == "SAME_UPPER" else [(b, a) for a, b in pairs]
        if kind == "VALID" or (kind == "NOTSET" and not given):
            return [(0, 0)] * len(shape)
        if kind != "NOTSET" or given is None or len(given) != 2 * len(shape) or min(given) < 0:
            raise ValueError(f"{described(node)}: pads: cannot be read: {given}, auto_pad={kind}")
        return list(zip(given[: len(shape)], given[len(shape) :], strict=True))

    def view(self, x: Array, value: Any, more: list[int] | None = None) -> Array:
        """Return the windows of (B, C, ...), padded with a value: (B, C, places, window).

        `more` are steps to pad with at each end besides.
        """
        more = more or [0] * len(self.sizes)
        pads = [(a, b + extra) for (a, b), extra in zip(self.pads, more, strict=True)]
        padded = np.pad(x, [(0, 0), (0, 0), *pads], constant_values=value)
        for size, span in zip(padded.shape[2:], self.spans, strict=True):
            if size < span:
                raise ValueError(f"a window of {span} steps does not fit into {size}")
        where = tuple(range(2, x.ndim))
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.spans, where)
        places = (slice(None, None, s) for s in self.strides)
        inside = (slice(None, None, d) for d in self.dilations)
        return windows[(slice(None), slice(None), *places, *inside)]


def conv(op: Any, x: Array, w: Array, b: Array | None = None, **options: Any) -> tuple[Array]:
    """Compute Conv as one matrix product, which is faster than the evaluator's."""
    groups = options.get("group") or 1
    if w.ndim != x.ndim or x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise ValueError(
            f"{described(op.onnx_node)}: W: expected a kernel for inputs {x.shape} in {groups} "
            f"group(s), got {w.shape}"
        )
    made = Windows.of(op.onnx_node, list(w.shape[2:]), x.shape[2:], options)
    windows = made.view(x, 0)
    axes = x.ndim - 2
    sums = (1, *range(x.ndim, x.ndim + axes)), tuple(range(1, w.ndim))
    parts = [
        np.moveaxis(np.tensordot(own, kernel, sums), -1, 1)
        for own, kernel in zip(np.split(windows, groups, axis=1), np.split(w, groups), strict=True)
    ]
    y = parts[0] if groups == 1 else np.concatenate(parts, axis=1)
    if b is not None:
        y = y + b.reshape(-1, *[1] * axes)
    return (np.ascontiguousarray(y, x.dtype),)


def max_pool(op: Any, x: Array, **options: Any) -> tuple[Array]:
    """Compute MaxPool, without the places of the maxima."""
    label = described(op.onnx_node)
    if len([name for name in op.onnx_node.output if name]) > 1:
        raise ValueError(f"{label}: its second output, Indices, is not computed")
    made = Windows.of(op.onnx_node, list(options["kernel_shape"]), x.shape[2:], options)
    if text(options.get("auto_pad") or "").startswith("SAME") and max(made.dilations) > 1:
        raise ValueError(f"{label}: dilations: expected 1 beside auto_pad")
    more = [0] * len(made.sizes)
    if options.get("ceil_mode"):
        sizes = zip(x.shape[2:], made.pads, made.spans, made.strides, strict=True)
        for k, (n, (a, b), span, stride) in enumerate(sizes):
            places = -(-(n + a + b - span) // stride) + 1
            places -= (places - 1) * stride >= n + a  # the last begins within the input
            more[k] = max((places - 1) * stride + span - (n + a + b), 0)
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    windows = made.view(x, least, more)
    return (windows.max(axis=tuple(range(x.ndim, windows.ndim))),)


def global_max_pool(op: Any, x: Array) -> tuple[Array]:
    """Return the maximum over all axes but batch and channels."""
    return (x.max(axis=tuple(range(2, x.ndim)), keepdims=True),)
