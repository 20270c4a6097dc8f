"""Music as multi-label prediction: the probability of each of 24 keys at every step.

Chords follow a few progressions, broken in one of two rhythms; the loss is the binary crossentropy
summed over the keys. In the end the model continues a piece from its first two bars.
Usage: python music.py [--epochs 30] [--pieces 200]
"""

import argparse

import numpy as np

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--pieces", type=int, default=200)
options = parser.parse_args()
set_random_seed(0)
rng = np.random.default_rng(0)

KEYS, BAR = 24, 8  # two octaves from C; steps of a bar
CHORDS = {"C": (0, 4, 7), "F": (5, 9, 12), "G": (7, 11, 14), "Am": (9, 12, 16), "Dm": (2, 5, 9)}
PROGRESSIONS = [["C", "F", "G", "C"], ["Am", "Dm", "G", "C"], ["C", "Am", "F", "G"]]
RHYTHMS = [[0, 1, 2, 1, 0, 1, 2, 1], [0, 2, 1, 2, 0, 2, 1, 2]]  # which note of the chord is new


def piece():
    """Return a piano roll, (steps, KEYS) of 0 and 1; pieces have different lengths."""
    chords = PROGRESSIONS[rng.integers(3)] * rng.integers(1, 4)
    rhythm = RHYTHMS[rng.integers(2)]
    roll = np.zeros((BAR * len(chords), KEYS), np.float32)
    for step in range(len(roll)):
        notes = CHORDS[chords[step // BAR]]
        roll[step, notes[rhythm[step % BAR]]] = 1
        roll[step, notes[0]] = 1  # the root is held
        roll[step, notes[2] + 7] = step % BAR == 0 or rng.random() < 0.1
    return roll


def before(pieces):
    """Return the keys of the step before at each step, and silence at the first."""
    return [np.concatenate([np.zeros_like(roll[:1]), roll[:-1]]) for roll in pieces]


pieces = [piece() for _ in range(options.pieces)]
split = len(pieces) * 4 // 5
train, test = pieces[:split], pieces[split:]

# Lists of sequences of different lengths: padded and masked batch by batch.
model = Sequential(
    [Input((None, KEYS)), LSTM(64, return_sequences=True), Dense(KEYS, activation="sigmoid")]
)
model.compile(Adam(0.01), "binary_crossentropy")
model.fit(before(train), train, epochs=options.epochs, batch_size=4, verbose=2)


def nats(p, y):
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=-1).mean()


sounds = np.concatenate(train).mean(axis=0)
loss = KEYS * model.evaluate(before(test), test, verbose=0)  # evaluate returns a mean over the keys
print(f"\nnats a step, LSTM                       {loss:.2f}")
print(f"nats a step, how often each key sounds  {nats(sounds, np.concatenate(test)):.2f}")

stream = model.stream()  # carries the states: a step costs the same at any length
played = list(test[0][: 2 * BAR])
stream.feed(before([played])[0])
for _ in range(2 * BAR):
    chances = stream.step(played[-1])[0]
    played.append((chances > 0.5).astype(np.float32))
print("\nfour bars, of which the model played the last two (a row a key):")
for key in reversed(range(KEYS)):
    print("".join("#" if step[key] else "." for step in played))
