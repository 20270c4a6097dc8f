"""lstmcore: the compiled core's LSTM, as the layers call it."""

from __future__ import annotations

from typing import Any

import numpy as np

import lstmcore
from benchmarks.harness.cases import Case, Weights
from benchmarks.workers.common import Task, serve
from lstmcore import _core


class Walk:
    """One LSTM over the sequence in one direction, with windows on the flat gradient array."""

    def __init__(
        self, weights: Weights, grads: np.ndarray, reverse: bool, training: bool, threads: int
    ):
        self.weights, self.reverse = weights, reverse
        self.training, self.threads = training, threads
        ends = np.cumsum([w.size for w in weights])[:-1]
        windows = zip(np.split(grads, ends), weights, strict=True)
        self.grads = [window.reshape(w.shape) for window, w in windows]
        self.packed = _core.pack(_core.Cell(), weights, backward=training)
        self.x: np.ndarray | None = None
        self.tape: _core.Tape | None = None

    def _turn(self, sequence: np.ndarray) -> np.ndarray:
        return sequence[:, ::-1] if self.reverse else sequence

    def pack(self) -> None:
        _core.pack(self.packed.cell, self.weights, out=self.packed)

    def forward(self, x: np.ndarray) -> np.ndarray:
        x = self._turn(x)
        y, _, tape = _core.forward(
            self.packed, x, sequences=True, training=self.training, threads=self.threads
        )
        if self.training:
            self.x, self.tape = x, tape
        return self._turn(y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx, _ = _core.backward(
            self.packed,
            self.x,
            self.tape,
            self._turn(dy),
            grads=tuple(self.grads),
            threads=self.threads,
        )
        self.x = self.tape = None
        return self._turn(dx)


def forward(layers: list[list[Walk]], x: np.ndarray) -> np.ndarray:
    for walks in layers:
        outputs = [walk.forward(x) for walk in walks]
        x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
    return x


def backward(layers: list[list[Walk]], dy: np.ndarray) -> np.ndarray:
    for walks in reversed(layers):
        parts = np.split(dy, len(walks), axis=-1) if len(walks) > 1 else [dy]
        dxs = [walk.backward(part) for walk, part in zip(walks, parts, strict=True)]
        dy = dxs[0] if len(dxs) == 1 else dxs[0] + dxs[1]
    return dy


def prepare(case: Case, training: bool, threads: int) -> Task:
    weights = case.weights()
    sizes = [sum(array.size for array in one) for one in weights]
    flat = np.zeros(sum(sizes), np.float32)
    walks = [
        Walk(one, window, index % case.directions == 1, training, threads)
        for index, (one, window) in enumerate(
            zip(weights, np.split(flat, np.cumsum(sizes)[:-1]), strict=True)
        )
    ]
    layers = [walks[i : i + case.directions] for i in range(0, len(walks), case.directions)]
    x, dy = case.x(), case.dy()
    if not training:
        return Task(lambda: forward(layers, x), lambda y: [y])

    def train() -> np.ndarray:
        """A step without loss and optimizer: weights have changed, so they are packed again."""
        flat.fill(0)
        for walk in walks:
            walk.pack()
        forward(layers, x)
        return backward(layers, dy)

    def results(dx: Any) -> list[np.ndarray]:
        return [dx] + [grad.copy() for walk in walks for grad in walk.grads]

    return Task(train, results)


if __name__ == "__main__":
    serve({"lstmcore": lstmcore.__version__, "isa": _core.isa(), "numpy": np.__version__}, prepare)
