"""Chorales by Bach (JSB): which of 88 keys sound at the next step, at most 8.7 nats a step.

`chorales` is a task of tasks.py. Each key is a binary output at every step, with a sigmoid; the
loss is the binary crossentropy summed over the keys. The first step is predicted from silence. The
splits are those of Boulanger-Lewandowski; the tested weights are those of the best epoch on the
validation part.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lstmcore import Input, Sequential
from lstmcore.callbacks import EarlyStopping
from lstmcore.layers import LSTM, Dense, Dropout
from lstmcore.optimizers import Adam
from lstmcore.optimizers.schedules import CosineDecay
from lstmcore.utils import set_random_seed

from .stored import figures

Rolls = list[Any]  # for each piece an array (steps, KEYS) of 0 and 1
KEYS = 88
TARGET = 8.7  # nats a step
EPOCHS, BATCH, RATE = 40, 4, 1e-2


def read(data: str | Path, part: str) -> Rolls:
    """Return the pieces of ``train``, ``valid`` or ``test``."""
    with np.load(Path(data) / "music_polyphonic" / "JSB_Chorales.npz") as file:
        bits, lengths = file[f"{part}_bits"], file[f"{part}_len"]
    steps = np.unpackbits(bits, axis=1)[:, :KEYS].astype(np.float32)
    return np.split(steps, np.cumsum(lengths)[:-1])


def shifted(rolls: Rolls) -> Rolls:
    """Return the input at each step: the step before, and silence for the first."""
    return [np.concatenate([np.zeros_like(roll[:1]), roll[:-1]]) for roll in rolls]


def player() -> Sequential:
    """Return a model from the keys of a step to the probabilities of keys at the next."""
    return Sequential(
        [
            Input((None, KEYS)),
            LSTM(200, return_sequences=True),
            Dropout(0.5),
            Dense(KEYS, activation="sigmoid"),
        ]
    )


def nats(p: Any, y: Any) -> float:
    """Return the crossentropy of all keys together, averaged over steps."""
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1).mean())


def frequencies(train: Rolls, test: Rolls) -> float:
    """Return nats per step of predicting each key by its frequency in training."""
    return nats(np.concatenate(train).mean(axis=0), np.concatenate(test))


def held_on(train: Rolls, test: Rolls) -> float:
    """Return nats per step of predicting each key from itself at the step before."""
    y, before = np.concatenate(train), np.concatenate(shifted(train))
    on, off = before.sum(axis=0) + 1, (1 - before).sum(axis=0) + 1
    chances = (y * before).sum(axis=0) / on, (y * (1 - before)).sum(axis=0) / off
    return nats(np.where(np.concatenate(shifted(test)) > 0, *chances), np.concatenate(test))


def chorales(
    data: str | Path,
    epochs: int = EPOCHS,
    seed: int = 0,
    verbose: Any = 2,
    quantize: Sequence[str] = (),
) -> dict[str, Any]:
    """Train on the training part; the figure is the crossentropy of the test part per step.

    `quantize` has formats in which the trained model's figure is taken, too.
    """
    train, valid, test = (read(data, part) for part in ("train", "valid", "test"))
    set_random_seed(seed)
    begin = time.perf_counter()
    model = player()
    optimizer = Adam(CosineDecay(RATE, epochs * -(-len(train) // BATCH)), clipnorm=1.0)
    model.compile(optimizer, "binary_crossentropy")
    best = EarlyStopping("val_loss", patience=epochs, restore_best_weights=True)
    held = (shifted(valid), valid)
    model.fit(shifted(train), train, BATCH, epochs, verbose, [best], validation_data=held)
    seconds = time.perf_counter() - begin

    def figure() -> float:
        return KEYS * float(model.evaluate(shifted(test), test, verbose=0))

    return {
        "figure": figure(),
        **figures(model, quantize, figure),
        "target": TARGET,
        "baseline": frequencies(train, test),
        "note": f"each key given itself a step before: {held_on(train, test):.2f}",
        "seconds": seconds,
        "epochs": epochs,
        "parameters": model.count_params(),
        "valid": [KEYS * value for value in model.history.history["val_loss"]],
    }
