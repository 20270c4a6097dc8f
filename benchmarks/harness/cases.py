"""The measured cases: shapes, weights and data, the same numbers for every library.

Weights are in the Keras form (gates i, f, c, o; kernel (I, 4H), recurrent kernel (H, 4H), bias
(4H,)); a worker turns them into its library's own form, outside the timing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Weights = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Case:
    """One layer (or a stack of equal ones) on one batch, float32, all steps returned."""

    name: str
    batch: int
    steps: int
    inputs: int
    hidden: int
    layers: int = 1
    bidirectional: bool = False
    train: bool = True  # measured in training too
    ragged: bool = False  # rows of several lengths: what is past a row's end does not count
    stateful: bool = False  # inference goes on from the states that the call before left

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> int:
        """Features of the output."""
        return self.directions * self.hidden

    def layer_inputs(self) -> list[int]:
        """Features that each layer takes."""
        return [self.inputs] + [self.width] * (self.layers - 1)

    def weights(self) -> list[Weights]:
        """(kernel, recurrent kernel, bias) per layer, and per direction within a layer."""
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
        """The input, (batch, steps, inputs)."""
        shape = (self.batch, self.steps, self.inputs)
        return np.random.default_rng(2).standard_normal(shape, np.float32)

    def dy(self) -> np.ndarray:
        """The gradient of the loss for the output, (batch, steps, width)."""
        shape = (self.batch, self.steps, self.width)
        dy = np.random.default_rng(3).standard_normal(shape, np.float32)
        return dy * self.mask()[..., None]

    def lengths(self) -> np.ndarray:
        """The steps of each row: all of them, or uniform in 1 to `steps`."""
        if not self.ragged:
            return np.full(self.batch, self.steps)
        return np.random.default_rng(4).integers(1, self.steps, self.batch, endpoint=True)

    def mask(self) -> np.ndarray:
        """Which steps are real, (batch, steps)."""
        real: np.ndarray = np.arange(self.steps) < self.lengths()[:, None]
        return real

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
