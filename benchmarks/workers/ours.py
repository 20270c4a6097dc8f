"""lstmcore: the C core's LSTM, called as by the layers."""

from __future__ import annotations

from typing import Any

import numpy as np

import lstmcore
from benchmarks.harness.cases import Case, Weights
from benchmarks.workers.common import Task, precision, serve
from lstmcore import _core


class DirectedLSTM:
    """An LSTM in one direction, whose gradients are views into one flat array."""

    def __init__(
        self, weights: Weights, grads: np.ndarray, reverse: bool, training: bool, threads: int
    ):
        self.weights, self.reverse = weights, reverse
        self.training, self.threads = training, threads
        ends = np.cumsum([w.size for w in weights])[:-1]
        views = zip(np.split(grads, ends), weights, strict=True)
        self.grads = [view.reshape(w.shape) for view, w in views]
        self.packed = _core.pack(_core.Cell(), weights, backward=training, storage=precision())
        self.x: np.ndarray | None = None
        self.tape: _core.Tape | None = None

    def _oriented(self, sequence: np.ndarray) -> np.ndarray:
        return sequence[:, ::-1] if self.reverse else sequence

    def pack(self) -> None:
        _core.pack(self.packed.cell, self.weights, out=self.packed, storage=precision())

    def forward_call(self, x: np.ndarray) -> _core.ForwardCall:
        x = self._oriented(x)
        if self.training:
            self.x = x
        return _core.prepare_forward(
            self.packed, x, sequences=True, training=self.training, threads=self.threads
        )

    def take_forward(self, call: _core.ForwardCall) -> np.ndarray:
        y, _, self.tape = call.result()
        return self._oriented(y)

    def backward_call(self, dy: np.ndarray) -> _core.BackwardCall:
        x, tape, self.x, self.tape = self.x, self.tape, None, None
        assert x is not None
        assert tape is not None
        grads = tuple(self.grads)
        return _core.prepare_backward(
            self.packed, x, tape, self._oriented(dy), grads=grads, threads=self.threads
        )

    def take_backward(self, call: _core.BackwardCall) -> np.ndarray:
        dx, _ = call.result()
        assert dx is not None
        return self._oriented(dx)


def forward(layers: list[list[DirectedLSTM]], x: np.ndarray) -> np.ndarray:
    """The layers one after the other; both directions of a layer in one call, as Bidirectional."""
    for directions in layers:
        calls = [lstm.forward_call(x) for lstm in directions]
        _core.run_forward(*calls)
        outputs = [lstm.take_forward(call) for lstm, call in zip(directions, calls, strict=True)]
        x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
    return x


def backward(layers: list[list[DirectedLSTM]], dy: np.ndarray) -> np.ndarray:
    for directions in reversed(layers):
        parts = np.split(dy, len(directions), axis=-1) if len(directions) > 1 else [dy]
        calls = [lstm.backward_call(part) for lstm, part in zip(directions, parts, strict=True)]
        _core.run_backward(*calls)
        dxs = [lstm.take_backward(call) for lstm, call in zip(directions, calls, strict=True)]
        dy = dxs[0] if len(dxs) == 1 else dxs[0] + dxs[1]
    return dy


def set_up(case: Case, training: bool, threads: int) -> Task:
    weights = case.weights()
    sizes = [sum(array.size for array in one) for one in weights]
    flat = np.zeros(sum(sizes), np.float32)
    lstms = [
        DirectedLSTM(one, view, index % case.directions == 1, training, threads)
        for index, (one, view) in enumerate(
            zip(weights, np.split(flat, np.cumsum(sizes)[:-1]), strict=True)
        )
    ]
    layers = [lstms[i : i + case.directions] for i in range(0, len(lstms), case.directions)]
    x, dy = case.x(), case.dy()
    if not training:
        return Task(lambda: forward(layers, x), lambda y: [y])

    def train() -> np.ndarray:
        """Execute a training step without loss and optimizer, packing the weights anew."""
        flat.fill(0)
        for lstm in lstms:
            lstm.pack()
        forward(layers, x)
        return backward(layers, dy)

    def results(dx: Any) -> list[np.ndarray]:
        return [dx] + [grad.copy() for lstm in lstms for grad in lstm.grads]

    return Task(train, results)


if __name__ == "__main__":
    versions = {"lstmcore": lstmcore.__version__, "isa": _core.isa(), "numpy": np.__version__}
    if precision():
        versions["dot product"] = str(_core.dot_product(precision()))
    serve(versions, set_up)
