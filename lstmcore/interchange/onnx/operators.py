"""Operators for the onnx package's reference evaluator: recurrent ones, and some that it lacks.

Each is a function ``(op, *inputs, **attributes)`` that returns a tuple of outputs. `op` is the
evaluator's object for the node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...validation import Array
from . import time_loops
from .recurrent_node import INPUTS, RecurrentNode, described
from .windows import conv, global_max_pool, max_pool

_REAL = (np.dtype(np.float32), np.dtype(np.float64))
Outputs = tuple[Any, ...]


def new_operators(version: int) -> list[Any]:
    """Return the classes that take the place of the evaluator's for a version of the standard."""
    from onnx.reference.ops.op_loop import Loop
    from onnx.reference.ops.op_scatter_elements import ScatterElements

    made: dict[str, Callable[..., Outputs]]
    made = {"LSTM": recurrent, "GRU": recurrent, "RNN": recurrent, "LRN": lrn}
    made |= {"Conv": conv, "MaxPool": max_pool, "GlobalMaxPool": global_max_pool, "Gather": gather}
    if version < 12:
        made["Dropout"] = dropout
    if version < 13:
        made |= {"Softmax": softmax, "LogSoftmax": log_softmax, "Hardmax": hardmax}
    if version < 14:
        made["BatchNormalization"] = batch_normalization
    scatter = type("Scatter", (ScatterElements,), {"op_domain": ""})  # its name before opset 11
    return [_class(name, f) for name, f in made.items()] + [_class("Loop", loop, Loop), scatter]


def _class(name: str, function: Callable[..., Outputs], base: Any = None) -> Any:
    """Return the evaluator's class of an operator that a function computes."""
    from onnx.reference.op_run import OpRun

    def _run(self: Any, *inputs: Any, **attributes: Any) -> Outputs:
        return function(self, *inputs, **attributes)

    return type(name, (base or OpRun,), {"op_domain": "", "_run": _run})


# -- recurrent operators ---------------------------------------------------------------------------


def recurrent(op: Any, *arrays: Any, **attributes: Any) -> Outputs:
    """Compute LSTM, GRU or RNN with the kernels."""
    if not hasattr(op, "recurrent"):
        op.recurrent, op.packed = RecurrentNode.of(op.onnx_node), None
    node: RecurrentNode = op.recurrent
    given = dict(zip(INPUTS[node.kind], arrays, strict=False))
    node.check({name: a.shape for name, a in given.items() if a is not None})
    x = given["X"]
    dtype = x.dtype if x.dtype in _REAL else np.dtype(np.float32)
    weights = time_loops.Weights(given["W"], given["R"], given.get("B"), given.get("P"))
    lengths = given.get("sequence_lens")
    found = time_loops.run(
        node,
        _directions(op, weights, dtype),
        x.astype(dtype, copy=False),
        None if lengths is None else lengths.astype(np.int64),
        [given.get(n) for n in ("initial_h", "initial_c") if n in INPUTS[node.kind]],
        weights.r.shape[2],
    )
    return tuple(a.astype(x.dtype, copy=False) for a in found)


def _directions(
    op: Any, weights: time_loops.Weights, dtype: np.dtype[Any]
) -> list[time_loops.Direction]:
    """Return what computes each direction, packed once for weights that cannot change."""
    key = (*weights, dtype)
    if op.packed is not None and all(a is b for a, b in zip(op.packed[0], key, strict=True)):
        packed: list[time_loops.Direction] = op.packed[1]
        return packed
    real = time_loops.Weights(*(None if a is None else a.astype(dtype) for a in weights))  # type: ignore[arg-type]
    made = [
        time_loops.direction_of(op.recurrent, k, real) for k in range(len(op.recurrent.reverse))
    ]
    if all(a is None or is_constant(a) for a in weights):
        op.packed = key, made
    return made


def is_constant(a: Any) -> bool:
    """Return True if nobody can write to an array, nor to the memory that it is a view of."""
    while isinstance(a, np.ndarray):
        if a.flags.writeable:
            return False
        a = a.base
    return a is None or isinstance(a, bytes)


# -- what the evaluator lacks, or computes otherwise than the standard says ------------------------


def _matrix(op: Any, x: Array, axis: int | None) -> Array:
    """Return an array as the matrix that Softmax and its like compute on before opset 13.

    All axes from `axis` on are one; its default was 1, where the evaluator has the newest's, -1.
    """
    given = any(a.name == "axis" for a in op.onnx_node.attribute)
    at = (axis if given and axis is not None else 1) % max(x.ndim, 1)
    return x.reshape(int(np.prod(x.shape[:at])), -1)


def softmax(op: Any, x: Array, axis: int | None = None) -> Outputs:
    """Compute Softmax as before opset 13."""
    z = _matrix(op, x, axis)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return ((e / e.sum(axis=1, keepdims=True)).reshape(x.shape),)


def log_softmax(op: Any, x: Array, axis: int | None = None) -> Outputs:
    """Compute LogSoftmax as before opset 13."""
    z = _matrix(op, x, axis)
    z = z - z.max(axis=1, keepdims=True)
    return ((z - np.log(np.exp(z).sum(axis=1, keepdims=True))).reshape(x.shape),)


def hardmax(op: Any, x: Array, axis: int | None = None) -> Outputs:
    """Compute Hardmax as before opset 13."""
    z = _matrix(op, x, axis)
    y = np.zeros_like(z)
    y[np.arange(len(z)), z.argmax(axis=1)] = 1
    return (y.reshape(x.shape),)


def batch_normalization(
    op: Any, x: Array, scale: Array, bias: Array, mean: Array, var: Array, **options: Any
) -> Outputs:
    """Compute BatchNormalization as before opset 14, where one output means inference."""
    outputs = [name for name in op.onnx_node.output if name]
    if len(outputs) > 1 or options.get("spatial", 1) != 1:
        raise ValueError(f"{described(op.onnx_node)}: only inference is computed, with spatial=1")
    shape = (-1, *[1] * (x.ndim - 2))
    factor = (scale / np.sqrt(var + options.get("epsilon", 1e-5))).reshape(shape)
    y = (x - mean.reshape(shape)) * factor + bias.reshape(shape)
    return (y.astype(x.dtype, copy=False),)


def dropout(op: Any, x: Array, **options: Any) -> Outputs:
    """Return the input: before opset 12 Dropout has an effect in training alone."""
    kind = bool if op.run_params["opsets"].get("", 0) >= 10 else x.dtype
    return (x, np.zeros(x.shape, kind))[: len(op.onnx_node.output)]


def gather(op: Any, x: Array, indices: Any, axis: int | None = None) -> Outputs:
    """Compute Gather; until onnx 1.22 the evaluator's fails for indices that are a transpose."""
    return (np.take(x, indices, axis=axis or 0),)


def lrn(op: Any, x: Array, alpha: Any, beta: Any, bias: Any, size: Any) -> Outputs:
    """Compute local response normalization, Krizhevsky et al. 2012."""
    before = (size - 1) // 2
    padding = [(0, 0), (before, size - 1 - before), *[(0, 0)] * (x.ndim - 2)]
    squares = np.lib.stride_tricks.sliding_window_view(np.pad(x * x, padding), size, 1)
    y = x / (bias + alpha / size * squares.sum(axis=-1)) ** beta
    return (y.astype(x.dtype, copy=False),)


def loop(
    op: Any,
    limit: Any,
    condition: Any,
    *initial: Any,
    context: Any = None,
    attributes: Any = None,
    **others: Any,
) -> Outputs:
    """Compute Loop, whose scan outputs get a new first axis; its condition may be left out."""
    count = len(initial)
    carried = list(initial)
    scans: list[list[Any]] = [[] for _ in op.body.output_names[1 + count :]]
    if limit is None and condition is None:
        raise ValueError(f"{described(op.onnx_node)}: it has neither a limit nor a condition")
    steps = None if limit is None else int(np.ravel(limit)[0])
    go_on, step = condition is None or bool(np.ravel(condition)[0]), 0
    while go_on and (steps is None or step < steps):
        inside = [np.array(step, np.int64), np.array(True), *carried]
        values = {**(context or {}), **dict(zip(op.body.input_names, inside, strict=True))}
        go_on, *made = op._run_body(values, attributes=attributes)
        go_on, carried, step = bool(np.ravel(go_on)[0]), made[:count], step + 1
        for scan, part in zip(scans, made[count:], strict=True):
            scan.append(part)
    if not step and scans:
        raise ValueError(f"{described(op.onnx_node)}: no steps, so its outputs have no shape")
    return (*carried, *(np.stack(scan) for scan in scans))
