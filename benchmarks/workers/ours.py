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

    def forward(self, x: np.ndarray) -> np.ndarray:
        x = self._oriented(x)
        y, _, tape = _core.forward(
            self.packed, x, sequences=True, training=self.training, threads=self.threads
        )
        if self.training:
            self.x, self.tape = x, tape
        return self._oriented(y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx, _ = _core.backward(
            self.packed,
            self.x,
            self.tape,
            self._oriented(dy),
            grads=tuple(self.grads),
            threads=self.threads,
        )
        self.x = self.tape = None
        return self._oriented(dx)


def forward(layers: list[list[DirectedLSTM]], x: np.ndarray) -> np.ndarray:
    for directions in layers:
        outputs = [lstm.forward(x) for lstm in directions]
        x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
    return x


def backward(layers: list[list[DirectedLSTM]], dy: np.ndarray) -> np.ndarray:
    for directions in reversed(layers):
        parts = np.split(dy, len(directions), axis=-1) if len(directions) > 1 else [dy]
        dxs = [lstm.backward(part) for lstm, part in zip(directions, parts, strict=True)]
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
