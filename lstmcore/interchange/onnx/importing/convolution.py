"""Handlers of convolutions and pools along time; channels come first in ONNX."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..recurrent_node import text
from .dense import constant
from .dims import Dim
from .graph_reader import GraphReader, handler
from .plan import check_size
from .reductions import reduced
from .views import Atom, Source, View, is_one, size


class _Steps(NamedTuple):
    """The windows of a node along its only axis of more than one step."""

    time: tuple[Atom, ...]
    width: int
    stride: int
    dilation: int
    before: int
    after: int
    same: bool  # auto_pad=SAME_UPPER: padding that depends on the length

    @property
    def span(self) -> int:
        return self.dilation * (self.width - 1) + 1


def _steps(reader: GraphReader, node: Any, x: View, widths: list[int]) -> _Steps:
    """Return the windows along time; further axes of space must be of one step."""
    count = x.ndim - 2
    reader.note_batch(x.axes[0])
    if count < 1 or len(widths) != count:
        raise ValueError(f"windows {widths} of an array {x.shape}")
    strides = list(reader.attribute(node, "strides") or [1] * count)
    dilations = list(reader.attribute(node, "dilations") or [1] * count)
    kind = text(reader.attribute(node, "auto_pad", "NOTSET"))
    pads = list(reader.attribute(node, "pads") or [0] * (2 * count))
    if kind not in ("NOTSET", "VALID", "SAME_UPPER") or min(pads) < 0:
        raise ValueError(f"auto_pad={kind} and pads={pads}")
    along = [k for k in range(count) if not is_one(x.shape[2 + k]) or widths[k] != 1]
    if len(along) > 1 or any(pads[k] or pads[count + k] for k in range(count) if k not in along):
        raise ValueError(f"windows over {len(along)} axes of an array {x.shape}")
    k = along[0] if along else count - 1
    if kind == "VALID":
        pads = [0] * (2 * count)
    return _Steps(
        x.axes[2 + k],
        widths[k],
        strides[k],
        dilations[k],
        pads[k],
        pads[count + k],
        kind == "SAME_UPPER",
    )


def _padding(steps: _Steps) -> str | None:
    """Return the padding that layers have by name; None for any other."""
    whole = steps.span - 1
    if steps.same:
        return "same"
    if not steps.before and not steps.after:
        return "valid"
    halves = (whole // 2, whole - whole // 2)
    return "same" if steps.stride == 1 and (steps.before, steps.after) == halves else None


def _length(reader: GraphReader, steps: _Steps) -> Any:
    """Return the number of windows."""
    n = size(steps.time)
    if steps.same:
        return reader.free_size("windows") if isinstance(n, Dim) else -(-n // steps.stride)
    rest = n + steps.before + steps.after - steps.span
    if steps.stride == 1:
        return rest + 1
    return reader.free_size("windows") if isinstance(rest, Dim) else rest // steps.stride + 1


def _time_and_features(x: View, steps: _Steps) -> tuple[Any, Any, Any]:
    return (x.axes[0], steps.time, x.axes[1])


def _view(x: View, steps: _Steps, made: Any, length: Any, channels: Any) -> View:
    """Return the view of an output (batch, windows, channels)."""
    new = (Atom(length),)
    source = Source(lambda: made, (x.axes[0], new, channels))
    others = [new if axis is steps.time else axis for axis in x.axes[2:]]
    return x.on(source, (x.axes[0], channels, *others))


@handler("Conv")
def conv(reader: GraphReader, node: Any, x: View, w: Any, b: Any = None) -> list[Any]:
    """Read a Conv along one axis as a Conv1D."""
    w = constant(w, "W")
    if not isinstance(x, View) or w.ndim != x.ndim:
        raise ValueError(f"W: expected a kernel for an array, got {w.shape}")
    steps = _steps(reader, node, x, list(w.shape[2:]))
    groups = int(reader.attribute(node, "group", 1))
    if x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise ValueError(f"W: expected a kernel for an array {x.shape}, got {w.shape}")
    filters = w.shape[0]
    kernel = np.ascontiguousarray(w.reshape(filters, w.shape[1], -1).transpose(2, 1, 0))
    weights = [kernel] if b is None else [kernel, constant(b, "B")]
    tensor = reader.materialized(x, _time_and_features(x, steps))
    named = _padding(steps)
    causal = steps.before == steps.span - 1 and not steps.after and steps.stride == 1
    named = "causal" if named is None and causal else named
    if named is None:
        tensor = reader.call(_zeros(steps.before, steps.after), tensor, kind="zero_padding")

    def make(**options: Any) -> Any:
        from ....layers import Conv1D

        return Conv1D(
            filters,
            steps.width,
            strides=steps.stride,
            dilation_rate=steps.dilation,
            padding=named or "valid",
            groups=groups,
            use_bias=b is not None,
            **options,
        )

    made = reader.call(make, tensor, kind="conv", weights=weights)
    return [_view(x, steps, made, _length(reader, steps), (Atom(filters),))]


def _zeros(before: int, after: int) -> Any:
    def make(**options: Any) -> Any:
        from ....layers import ZeroPadding1D

        return ZeroPadding1D((before, after), **options)

    return make


@handler("MaxPool", "AveragePool")
def pool(reader: GraphReader, node: Any, x: View) -> list[Any]:
    """Read a pool along one axis."""
    average = node.op_type == "AveragePool"
    if len([name for name in node.output if name]) > 1:
        raise ValueError("its second output, Indices")
    steps = _steps(reader, node, x, list(reader.attribute(node, "kernel_shape")))
    if steps.dilation != 1:
        raise ValueError("dilations: expected 1")
    if reader.attribute(node, "ceil_mode", 0):
        _check_whole_windows(steps)
    tensor = reader.materialized(x, _time_and_features(x, steps))
    named = _padding(steps)
    counted = average and reader.attribute(node, "count_include_pad", 0)
    if named == "same" and counted and not steps.same:
        named = None
    if named is None and average and not counted:
        raise ValueError(f"pads: expected none, or the same at both ends, got {steps[4:6]}")
    if named is None:
        check_size([Atom(max(steps.before + steps.after, 1)), *x.axes[1]])
        ends = ((0, 0), (steps.before, steps.after), (0, 0))
        value = 0.0 if average else -float(np.finfo(reader.dtype).max)
        tensor = reader.op("pad", tensor, ends, "constant", value)

    def make(**options: Any) -> Any:
        from ....layers import AveragePooling1D, MaxPooling1D

        kind = AveragePooling1D if average else MaxPooling1D
        return kind(steps.width, steps.stride, named or "valid", **options)

    made = reader.call(make, tensor, kind="average_pooling" if average else "max_pooling")
    return [_view(x, steps, made, _length(reader, steps), x.axes[1])]


def _check_whole_windows(steps: _Steps) -> None:
    n = size(steps.time)
    if isinstance(n, Dim) or (n + steps.before + steps.after - steps.span) % steps.stride:
        raise ValueError("ceil_mode: expected 0, for a window may lie over the end")


@handler("GlobalAveragePool", "GlobalMaxPool")
def global_pool(reader: GraphReader, node: Any, x: View) -> list[Any]:
    """Read the mean or maximum over time."""
    reader.note_batch(x.axes[0])
    name = "mean" if node.op_type == "GlobalAveragePool" else "max"
    layer = {"mean": "GlobalAveragePooling1D", "max": "GlobalMaxPooling1D"}[name]
    if x.ndim == 3:
        wanted = (x.axes[0], x.axes[2], x.axes[1])
        tensor = reader.materialized(x, wanted)
        x = x.on(Source(lambda: tensor, wanted), x.axes)
    return [reduced(reader, x, list(range(2, x.ndim)), True, name, layer)]


@handler("Pad")
def pad(
    reader: GraphReader, node: Any, x: View, pads: Any = None, value: Any = None, axes: Any = None
) -> list[Any]:
    """Add numbers, or repeat or mirror some, at the ends of axes."""
    given = reader.attribute(node, "pads") if pads is None else constant(pads, "pads").tolist()
    number = reader.attribute(node, "value", 0.0)
    number = float(number if value is None else constant(value, "value").item())
    mode = text(reader.attribute(node, "mode", "constant"))
    which = list(range(x.ndim)) if axes is None else [int(k) % x.ndim for k in axes]
    if len(given) != 2 * len(which) or min(given) < 0 or mode not in ("constant", "reflect"):
        raise ValueError(f"pads={given}, mode={mode!r}")
    ends = {k: (given[i], given[len(which) + i]) for i, k in enumerate(which)}
    if any(sum(ends.get(k, (0, 0))) and reader.is_batch(x, a) for k, a in enumerate(x.axes)):
        raise ValueError("pads the batch")
    check_size([Atom(max(sum(ends.get(k, (0, 0))), 1)) for k in range(x.ndim)])
    check_size([(Atom(size(a) + sum(ends.get(k, (0, 0)))),) for k, a in enumerate(x.axes)])
    tensor, order, _ = reader.standard(x)
    widths = tuple(ends.get(k, (0, 0)) for k in order)
    options = (number,) if mode == "constant" else ()
    made = reader.op("pad", tensor, widths, mode, *options)
    new = [
        (Atom(size(x.axes[k]) + sum(ends.get(k, (0, 0)))),) if sum(ends.get(k, (0, 0))) else a
        for k, a in enumerate(x.axes)
    ]
    return [x.on(Source(lambda: made, tuple(new[k] for k in order)), new)]
