"""Measured cases: shapes, weights and data, the same numbers for every library.

Weights are in Keras's format (gates i, f, c, o; kernel (I, 4H), recurrent kernel (H, 4H), bias
(4H,)); a worker converts them to its library's format, outside the timing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Weights = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A layer, or a stack of equal ones, on one float32 batch, returning all steps."""

    name: str
    batch: int
    steps: int
    inputs: int
    hidden: int
    layers: int = 1
    bidirectional: bool = False
    train: bool = True  # also measured in training
    ragged: bool = False  # rows of different lengths, padded and masked
    stateful: bool = False  # inference continues from the states of the previous call

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> int:
        """The number of output features."""
        return self.directions * self.hidden

    def layer_inputs(self) -> list[int]:
        """Return the number of input features of each layer."""
        return [self.inputs] + [self.width] * (self.layers - 1)

    def weights(self) -> list[Weights]:
        """Return (kernel, recurrent kernel, bias) per layer, and per direction within a layer."""
        rng = np.random.default_rng(1)
        gates, scale = 4 * self.hidden, self.hidden**-0.5

        def draw(*shape: int) -> np.ndarray:
            return rng.uniform(-scale, scale, shape).astype(np.float32)

        return [
            (draw(inputs, gates), draw(self.hidden, gates), draw(gates))
            for inputs in self.layer_inputs()
            for _ in range(self.directions)
        ]

    def x(self) -> np.ndarray:
        """Return the input, (batch, steps, inputs)."""
        shape = (self.batch, self.steps, self.inputs)
        return np.random.default_rng(2).standard_normal(shape, np.float32)

    def dy(self) -> np.ndarray:
        """Return the gradient of the loss with respect to the output, (batch, steps, width)."""
        shape = (self.batch, self.steps, self.width)
        dy = np.random.default_rng(3).standard_normal(shape, np.float32)
        return dy * self.mask()[..., None]

    def lengths(self) -> np.ndarray:
        """Return the length of each row: `steps`, or uniform in 1 to `steps`."""
        if not self.ragged:
            return np.full(self.batch, self.steps)
        return np.random.default_rng(4).integers(1, self.steps, self.batch, endpoint=True)

    def mask(self) -> np.ndarray:
        """Return the mask, (batch, steps): True for unmasked steps."""
        mask: np.ndarray = np.arange(self.steps) < self.lengths()[:, None]
        return mask

    def __str__(self) -> str:
        kind = f", {self.layers} layers" if self.layers > 1 else ""
        kind += ", bidirectional" if self.bidirectional else ""
        return f"{self.name}: {self.batch}, {self.steps}, {self.inputs}, {self.hidden}{kind}"


CASES = {
    case.name: case
    for case in (
        Case("stream", 1, 1, 64, 128, train=False),
        Case("lat", 1, 100, 64, 128, train=False),
        Case("lat512", 1, 100, 256, 512, train=False),
        Case("forecast", 32, 10, 1, 50),
        Case("sentiment", 32, 200, 100, 128),
        Case("stack", 32, 50, 8, 64),
        Case("char", 64, 100, 65, 512, layers=2),
        Case("bi", 32, 100, 32, 64, bidirectional=True),
        Case("big", 128, 50, 512, 1024),
    )
}

RAGGED = {
    case.name: case
    for case in (
        Case(f"ragged-{hidden}-{steps}", 32, steps, 64, hidden, ragged=True)
        for hidden in (64, 128)
        for steps in (10, 100, 1000)
    )
}

STREAMS = {
    case.name: case
    for case in (
        Case(f"stream-{hidden}-{steps}", 1, steps, 64, hidden, train=False, stateful=True)
        for hidden in (16, 64, 128, 256)
        for steps in (1, 50)
    )
}

EVERY_CASE = CASES | RAGGED | STREAMS
