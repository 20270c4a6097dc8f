"""Spoken digits (FSDD): which of ten a recording says, 0.97 of the official test part right.

`digits` is a task of tasks.py. A recording is a sequence of frames of 26 mel energies, read by two
bidirectional LSTMs. Recordings 0 to 4 of each digit and speaker are the test part, so all speakers
occur in training.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Bidirectional, Dense, Dropout, GaussianNoise
from lstmcore.optimizers import Adam
from lstmcore.optimizers.schedules import CosineDecay
from lstmcore.utils import set_random_seed

from .stored import figures

TARGET = 0.97
EPOCHS, BATCH, RATE = 12, 32, 3e-3
TESTED = 5  # the first recordings of each digit and speaker
SEGMENTS = 4  # of the baseline


def read(data: str | Path) -> tuple[list[Any], Any, Any]:
    """Return scaled recordings (frames, 26), their digits, and True for those of the test."""
    with np.load(Path(data) / "fsdd" / "fsdd_logmel26.npz") as file:
        frames, lengths = file["logmel"].astype(np.float32), file["length"].astype(int)
        digits, test = file["label"].astype(int), file["index"] < TESTED
    train = frames[np.repeat(~test, lengths)]
    frames = (frames - train.mean(axis=0)) / train.std(axis=0)
    return np.split(frames, np.cumsum(lengths)[:-1]), digits, test


def listener() -> Sequential:
    """Return a model from frames to the probabilities of the ten digits."""
    return Sequential(
        [
            Input((None, 26)),
            GaussianNoise(0.3),
            Bidirectional(LSTM(64, return_sequences=True)),
            Dropout(0.3),
            Bidirectional(LSTM(64)),
            Dropout(0.3),
            Dense(10, activation="softmax"),
        ]
    )


def nearest(train: list[Any], known: Any, test: list[Any], digits: Any) -> float:
    """Return the accuracy of a nearest-neighbour classifier.

    Recordings are compared by the means of their four quarters.
    """

    def means(recordings: list[Any]) -> Any:
        parts = [np.array_split(recording, SEGMENTS) for recording in recordings]
        return np.array([np.concatenate([part.mean(axis=0) for part in four]) for four in parts])

    of_train = means(train)
    best = [((of_train - row) ** 2).sum(axis=1).argmin() for row in means(test)]
    return float(np.mean(known[best] == digits))


def digits(
    data: str | Path,
    epochs: int = EPOCHS,
    seed: int = 0,
    verbose: Any = 2,
    quantize: Sequence[str] = (),
) -> dict[str, Any]:
    """Train on the recordings from 5 on; the figure is the accuracy on 0 to 4.

    `quantize` has formats in which the trained model's figure is taken, too.
    """
    recordings, labels, test = read(data)
    x = [recording for recording, tested in zip(recordings, test, strict=True) if not tested]
    held = [recording for recording, tested in zip(recordings, test, strict=True) if tested]
    y, spoken = labels[~test], labels[test]
    set_random_seed(seed)
    begin = time.perf_counter()
    model = listener()
    optimizer = Adam(CosineDecay(RATE, epochs * -(-len(x) // BATCH)), clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, BATCH, epochs, verbose)
    seconds = time.perf_counter() - begin

    def figure() -> float:
        return float(model.evaluate(held, spoken, verbose=0)[1])

    return {
        "figure": figure(),
        **figures(model, quantize, figure),
        "target": TARGET,
        "baseline": nearest(x, y, held, spoken),
        "seconds": seconds,
        "epochs": epochs,
        "parameters": model.count_params(),
    }
