"""PyTorch: training of the `fit_models` by a plain loop."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.harness.fit_models import BATCH, data


class Attentive(nn.Module):
    """LSTM(64), dot-product self-attention over its outputs, Dense on both."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.dense = nn.LSTM(8, 64, batch_first=True), nn.Linear(128, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.lstm(x)[0]
        a = torch.softmax(h @ h.transpose(1, 2), -1) @ h
        return self.dense(torch.cat((h, a), -1))


class Stack(nn.Module):
    """Stacked LSTMs, with a Dense layer on the last step of the last one."""

    def __init__(self, sizes: list[int], both: bool = False, out: int = 1, words: int = 0) -> None:
        super().__init__()
        self.words = nn.Embedding(words, sizes[0]) if words else None
        ways = 2 if both else 1
        inputs = [sizes[0], *(ways * n for n in sizes[1:-1])]
        self.lstms = nn.ModuleList(
            nn.LSTM(i, n, batch_first=True, bidirectional=both)
            for i, n in zip(inputs, sizes[1:], strict=True)
        )
        self.dense, self.units = nn.Linear(ways * sizes[-1], out), sizes[-1]
        self.both = both

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.words is not None:
            x = self.words(x)
        for lstm in self.lstms:
            x = lstm(x)[0]
        if not self.both:
            return self.dense(x[:, -1])
        return self.dense(torch.cat((x[:, -1, : self.units], x[:, 0, self.units :]), -1))


# Missing models need other activations or recurrent dropout, which nn.LSTM lacks.
MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], tuple[int, ...], int]] = {
    "forecast": (lambda: Stack([1, 50]), (10, 1), (1,), 0),
    "sentiment": (lambda: Stack([100, 128], words=10000), (200,), (1,), 10000),
    "stacked": (lambda: Stack([8, 64, 32, 16]), (50, 8), (1,), 0),
    "bidirectional": (lambda: Stack([8, 64, 32], both=True), (50, 8), (1,), 0),
    "attention": (Attentive, (50, 8), (50, 1), 0),
    "characters": (lambda: Stack([60, 128, 128], out=60), (40, 60), (60,), 0),
}
LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "sentiment": nn.functional.binary_cross_entropy_with_logits,
    "characters": nn.functional.cross_entropy,
}


def epoch(name: str) -> Callable[[], object]:
    """Return a function that trains for an epoch of shuffled batches with Adam."""
    if name not in MODELS:
        raise NotImplementedError("nn.LSTM cannot do this")
    build, inputs, outputs, words = MODELS[name]
    model, loss = build(), LOSSES.get(name, nn.functional.mse_loss)
    x, y = map(torch.from_numpy, data((None, *inputs), (None, *outputs), words))
    adam = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7)

    def run() -> None:
        for rows in torch.randperm(len(x)).split(BATCH):
            adam.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            adam.step()

    return run
