"""Training step and inference of a recurrent layer, as models call it."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.harness.cases import Case


class Step:
    """A layer with a case's data, for calls of a training step or of inference.

    As in training, each step clears the gradients and packs the weights, which are marked as
    changed.
    """

    def __init__(self, layer: Any, case: Case, masked: bool = False):
        self.layer, self.x, self.dy = layer, case.x(), case.dy()
        self.masked = {"mask": case.mask()} if masked else {}
        layer(self.x[:, :1])  # builds the layer

    def set_weights(self, case: Case) -> Step:
        """Set the case's weights; the layer must be an LSTM."""
        self.layer.set_weights(case.weights()[0])
        return self

    def train(self) -> np.ndarray:
        """Call forward and backward; return dx, with the other gradients in the layer."""
        flat = self.layer.weights[0].flat
        flat.grad.fill(0)
        flat.version += 1
        _, back = self.layer.forward(self.x, grad=True, **self.masked)
        dx: np.ndarray = back(self.dy)
        return dx

    def infer(self) -> np.ndarray:
        y: np.ndarray = self.layer.forward(self.x, grad=False, **self.masked)[0]
        return y

    def results(self) -> list[np.ndarray]:
        """Return the gradients of a training step as workers do: dx, then those of the weights."""
        dx = self.train()
        return [dx, *(weight.grad.copy() for weight in self.layer.weights)]
