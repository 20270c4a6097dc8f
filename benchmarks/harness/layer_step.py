"""A recurrent layer as the models use it, ready to be measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.harness.cases import Case


class Step:
    """A layer on a case's data: a training step of it, and its inference.

    As in a real step, the gradients are cleared and the weights packed in each call: here they
    count as changed.
    """

    def __init__(self, layer: Any, case: Case, masked: bool = False):
        self.layer, self.x, self.dy = layer, case.x(), case.dy()
        self.masked = {"mask": case.mask()} if masked else {}
        layer(self.x[:, :1])  # builds it

    def set_weights(self, case: Case) -> Step:
        """Give the layer the case's weights; it must be an LSTM."""
        self.layer.set_weights(case.weights()[0])
        return self

    def train(self) -> np.ndarray:
        """Forward and backward: dx; the other gradients stand in the layer."""
        flat = self.layer.weights[0].flat
        flat.grad.fill(0)
        flat.version += 1
        _, back = self.layer.forward(self.x, training=True, **self.masked)
        dx: np.ndarray = back(self.dy)
        return dx

    def infer(self) -> np.ndarray:
        y: np.ndarray = self.layer.forward(self.x, training=False, **self.masked)[0]
        return y

    def results(self) -> list[np.ndarray]:
        """The numbers of a training step in the form the workers have: dx, then the weights'."""
        dx = self.train()
        return [dx, *(weight.grad.copy() for weight in self.layer.weights)]
