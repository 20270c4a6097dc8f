"""Recurrent nodes computed: by the kernels, or in NumPy what these do not have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ... import _core
from ...validation import Array
from .recurrent_node import RecurrentNode

_CORE_KINDS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}
# (x (B, T, I), mask (B, T) or None, states) -> y (B, T, H), with 0 at masked steps, and states
Direction = Callable[[Array, Array | None, list[Array]], tuple[Array, list[Array]]]


class Weights(NamedTuple):
    """The arrays of a recurrent node that are the same for all calls, as the standard has them."""

    w: Array
    r: Array
    b: Array | None
    p: Array | None


def direction_of(node: RecurrentNode, k: int, weights: Weights) -> Direction:
    """Return what computes one direction of a node, with its weights packed."""
    cell = core_cell(node, k, weights.p is not None)
    if cell is None:
        return _NumPyLoop(node, k, weights)
    arrays = node.keras_weights(k, *weights)
    shapes = cell.shapes(weights.w.shape[2], weights.r.shape[2])
    if arrays[3] is None and shapes[3] is not None:  # the kernels' coupled cell always has some
        arrays[3] = np.zeros(shapes[3], weights.w.dtype)
    arrays.append(None)
    packed = _core.pack(cell, tuple(arrays[: len(shapes)]), backward=False)

    def kernels(x: Array, mask: Array | None, states: list[Array]) -> tuple[Array, list[Array]]:
        y, ends, _ = _core.forward(
            packed, x, tuple(states), mask=mask, sequences=True, zero_masked=True
        )
        return y, list(ends)

    return kernels


def core_cell(node: RecurrentNode, k: int, peephole: bool) -> _core.Cell | None:
    """Return the kernels' cell of one direction; None if they do not have it."""
    forms = [function.kernel_form for function in node.functions[k]]
    if node.clip is not None or None in forms:
        return None
    kind = _CORE_KINDS[node.kind]
    if kind == "rnn":
        return _core.Cell(kind, activation=forms[0])
    gates, candidate = forms[:2]
    if kind == "gru":
        return _core.Cell(
            kind,
            activation=candidate,
            recurrent_activation=gates,
            reset_after=node.reset_after,
        )
    return _core.Cell(
        kind,
        variant="CIFG" if node.coupled else "vanilla",
        peephole=peephole,
        activation=candidate,
        recurrent_activation=gates,
        output_activation=forms[2],
    )


class _NumPyLoop:
    """The time loop of one direction in NumPy, step by step, as the standard writes it."""

    def __init__(self, node: RecurrentNode, k: int, weights: Weights) -> None:
        self.node, self.functions = node, node.functions[k]
        self.w, self.r = (np.ascontiguousarray(a[k].T) for a in (weights.w, weights.r))
        b = weights.b
        zeros = np.zeros((2, self.w.shape[1]), self.w.dtype)
        self.bias, self.recurrent_bias = zeros if b is None else b[k].reshape(zeros.shape)
        units = len(self.r)
        self.p = np.zeros((3, units), self.w.dtype)
        if weights.p is not None:
            self.p = weights.p[k].reshape(3, units)
        self.step = {"LSTM": self._lstm, "GRU": self._gru, "RNN": self._rnn}[node.kind]

    def __call__(
        self, x: Array, mask: Array | None, states: list[Array]
    ) -> tuple[Array, list[Array]]:
        """Compute all steps."""
        y = np.zeros((*x.shape[:2], len(self.r)), x.dtype)
        projected = x @ self.w + self.bias
        for t in range(x.shape[1]):
            rows = slice(None) if mask is None else mask[:, t]
            after = self.step(projected[rows, t], [state[rows] for state in states])
            for state, new in zip(states, after, strict=True):
                state[rows] = new
            y[rows, t] = after[0]
        return y, states

    def _clip(self, z: Array) -> Array:
        limit = self.node.clip
        return z if limit is None else np.clip(z, -limit, limit)

    def _lstm(self, z: Array, states: list[Array]) -> list[Array]:
        h, c = states
        f, g, output = self.functions
        zi, zo, zf, zc = np.split(z + h @ self.r + self.recurrent_bias, 4, axis=1)
        i = f(self._clip(zi + self.p[0] * c))
        forget = 1 - i if self.node.coupled else f(self._clip(zf + self.p[2] * c))
        c = forget * c + i * g(self._clip(zc))
        return [f(self._clip(zo + self.p[1] * c)) * output(c), c]

    def _gru(self, z: Array, states: list[Array]) -> list[Array]:
        (h,) = states
        f, g = self.functions
        n = 2 * len(self.r)
        gates = z[:, :n] + h @ self.r[:, :n] + self.recurrent_bias[:n]
        update, reset = np.split(f(self._clip(gates)), 2, axis=1)
        if self.node.reset_after:
            recurrence = reset * (h @ self.r[:, n:] + self.recurrent_bias[n:])
        else:
            recurrence = (reset * h) @ self.r[:, n:] + self.recurrent_bias[n:]
        new = g(self._clip(z[:, n:] + recurrence))
        return [(1 - update) * new + update * h]

    def _rnn(self, z: Array, states: list[Array]) -> list[Array]:
        (h,) = states
        return [self.functions[0](self._clip(z + h @ self.r + self.recurrent_bias))]


def run(
    node: RecurrentNode,
    directions: Sequence[Direction],
    x: Array,
    lengths: Array | None,
    initial: Sequence[Array | None],
    units: int,
) -> list[Array]:
    """Compute a node on (T, B, I), or (B, T, I) with layout 1.

    Parameters
    ----------
    node : RecurrentNode
    directions : sequence of Direction
    x : ndarray
        Of float32 or float64.
    lengths : ndarray of int or None, (B,)
        The steps of each row that count: after them Y is 0, and the reverse direction begins with
        a row's own last step. The states of a row without steps are 0, as ONNX Runtime has it.
    initial : sequence of ndarray or None
        initial_h and, for an LSTM, initial_c.
    units : int

    Returns
    -------
    list of ndarray
        Y (T, D, B, H), Y_h (D, B, H) and, for an LSTM, Y_c; with layout 1 (B, T, D, H), (B, D, H).
    """
    rows = np.ascontiguousarray(x if node.batch_first else x.swapaxes(0, 1))
    batch, steps = rows.shape[:2]
    mask = None
    if lengths is not None:
        if len(lengths) and not 0 <= lengths.min() <= lengths.max() <= steps:
            raise ValueError(
                f"{node.label}: sequence_lens: expected lengths from 0 to {steps}, got "
                f"{lengths.tolist()[:20]}"
            )
        mask = np.arange(steps) < lengths[:, None]
        mask = None if mask.all() else mask
    ys, ends = [], []
    for k, (compute, reverse) in enumerate(zip(directions, node.reverse, strict=True)):
        states = [_state(node, state, k, (batch, units), x.dtype) for state in initial]
        y, last = np.zeros((batch, steps, units), x.dtype), states
        if batch and steps:
            y, last = compute(*_in_order(rows, mask, reverse), states)
        if lengths is not None:
            last = [np.where(lengths[:, None] > 0, state, state.dtype.type(0)) for state in last]
        ys.append(y[:, ::-1] if reverse else y)
        ends.append(last)
    axis = 1 if node.batch_first else 0
    first = np.stack(ys, axis=2)  # (B, T, D, H)
    first = first if node.batch_first else first.transpose(1, 2, 0, 3)
    pairs = zip(*ends, strict=True)
    return [np.ascontiguousarray(first), *(np.stack(part, axis=axis) for part in pairs)]


def _state(
    node: RecurrentNode, given: Array | None, k: int, shape: tuple[int, int], dtype: np.dtype
) -> Array:
    if given is None:
        return np.zeros(shape, dtype)
    return np.array(given[:, k] if node.batch_first else given[k], dtype, order="C")


def _in_order(rows: Array, mask: Array | None, reverse: bool) -> tuple[Array, Array | None]:
    """Return inputs and mask in the order of computation."""
    if not reverse:
        return rows, mask
    turned = np.ascontiguousarray(rows[:, ::-1])
    return turned, None if mask is None else np.ascontiguousarray(mask[:, ::-1])
