"""Chorales by Bach (JSB): which of 88 keys sound at the next step, at most 8.7 nats a step.

`chorales` is a task of accuracy.py. Each key is a yes or no of its own at every step: a sigmoid
each and the binary crossentropy, summed over the keys. The first step is predicted too, from
silence. The splits are those of Boulanger-Lewandowski; the weights of the epoch that was best on the
validation part are tested. Training moves every chorale up or down by some keys each epoch.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from lstmcore import Input, Sequential
from lstmcore.callbacks import EarlyStopping
from lstmcore.layers import LSTM, Dense, Dropout
from lstmcore.optimizers import Adam
from lstmcore.optimizers.schedules import CosineDecay
from lstmcore.utils import PyDataset, generator, set_random_seed

Rolls = list[Any]  # for each piece an array (steps, KEYS) of 0 and 1
KEYS = 88
TARGET = 8.7  # nats a step
EPOCHS, BATCH, RATE = 60, 8, 2e-3
FURTHEST = 5  # semitones that a chorale is moved by


def read(data: str | Path, part: str) -> Rolls:
    """The pieces of ``train``, ``valid`` or ``test``."""
    with np.load(Path(data) / "music_polyphonic" / "JSB_Chorales.npz") as file:
        bits, lengths = file[f"{part}_bits"], file[f"{part}_len"]
    steps = np.unpackbits(bits, axis=1)[:, :KEYS].astype(np.float32)
    return np.split(steps, np.cumsum(lengths)[:-1])


def shifted(rolls: Rolls) -> Rolls:
    """What is known at each step: the step before, and silence before the first."""
    return [np.concatenate([np.zeros_like(roll[:1]), roll[:-1]]) for roll in rolls]


def moved(roll: Any, by: int) -> Any:
    """A piece in another key; as it is if it does not fit there."""
    out = np.roll(roll, by, axis=1)
    edge = out[:, :by] if by > 0 else out[:, KEYS + by :]
    return roll if by and edge.any() else out


def padded(rolls: Rolls) -> tuple[Any, Any]:
    """Pieces in one array, (pieces, longest, KEYS), and which steps are real."""
    lengths = np.array([len(roll) for roll in rolls])
    out = np.zeros((len(rolls), lengths.max(), KEYS), np.float32)
    for row, roll in zip(out, rolls, strict=True):
        row[: len(roll)] = roll
    return out, np.arange(lengths.max()) < lengths[:, None]


class Transposed(PyDataset):
    """Batches of pieces, each moved anew every epoch; padding weighs nothing."""

    def __init__(self, rolls: Rolls) -> None:
        super().__init__()
        self.rolls = rolls
        self.on_epoch_begin()

    def on_epoch_begin(self) -> None:
        by = generator().integers(-FURTHEST, FURTHEST + 1, len(self.rolls))
        self.now = [moved(roll, n) for roll, n in zip(self.rolls, by, strict=True)]
        self.order = generator().permutation(len(self.rolls))

    def __len__(self) -> int:
        return -(-len(self.rolls) // BATCH)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rolls = [self.now[i] for i in self.order[index * BATCH : (index + 1) * BATCH]]
        y, real = padded(rolls)
        return padded(shifted(rolls))[0], y, real.astype(np.float32)


def player() -> Sequential:
    """The keys of a step in, the chances of each at the next one out."""
    return Sequential(
        [
            Input((None, KEYS)),
            Dropout(0.1),
            LSTM(256, return_sequences=True),
            Dropout(0.5),
            Dense(KEYS, activation="sigmoid"),
        ]
    )


def frequencies(train: Rolls, test: Rolls) -> float:
    """Nats a step if every key sounds as often as in training, whatever sounded before."""
    p = np.clip(np.concatenate(train).mean(axis=0), 1e-7, 1 - 1e-7)
    y = np.concatenate(test)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1).mean())


def chorales(
    data: str | Path, epochs: int = EPOCHS, seed: int = 0, verbose: Any = 2
) -> dict[str, Any]:
    """Train on the training part; the figure is the test part's crossentropy, nats a step."""
    train, valid, test = (read(data, part) for part in ("train", "valid", "test"))
    set_random_seed(seed)
    begin = time.perf_counter()
    model, batches = player(), Transposed(train)
    optimizer = Adam(CosineDecay(RATE, epochs * len(batches)), clipnorm=1.0)
    model.compile(optimizer, "binary_crossentropy")
    best = EarlyStopping("val_loss", patience=epochs, restore_best_weights=True)
    held = (shifted(valid), valid)
    model.fit(batches, epochs=epochs, verbose=verbose, callbacks=[best], validation_data=held)
    seconds = time.perf_counter() - begin
    return {
        "figure": KEYS * float(model.evaluate(shifted(test), test, verbose=0)),
        "target": TARGET,
        "baseline": frequencies(train, test),
        "seconds": seconds,
        "epochs": epochs,
        "parameters": model.count_params(),
        "valid": [KEYS * value for value in model.history.history["val_loss"]],
    }
