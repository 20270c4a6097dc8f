"""Bidirectional LSTM: fill in the temperature of a day from the days before and after it.

Usage: python bidirectional.py [--epochs 15]
"""

import argparse

import numpy as np

from lstmcore.datasets import load_seattle_weather
from lstmcore.layers import LSTM, Bidirectional, Dense
from lstmcore.models import Sequential
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=15)
epochs = parser.parse_args().epochs
set_random_seed(0)

# Windows of 15 days. The maximum temperature of the middle day is missing; its other measurements
# are known. Linear interpolation between the neighbouring days is a good estimate already, so the
# model learns what to add to it.
sequence_length, middle = 15, 7
columns = load_seattle_weather()[1]
data = np.stack(list(columns.values()), axis=-1)
split = len(data) - 365
mean, std = data[:split].mean(axis=0), data[:split].std(axis=0)
target = list(columns).index("temp_max")
windows = np.lib.stride_tricks.sliding_window_view((data - mean) / std, sequence_length, axis=0)
x = np.moveaxis(windows, -1, 1).copy()
features = x.shape[-1]
truth = x[:, middle, target].copy()
before, after = x[:, middle - 1, target], x[:, middle + 1, target]
line = (before + after) / 2
x[:, middle, target] = line
train, test = slice(split - sequence_length), slice(split, None)

model = Sequential(
    [
        Bidirectional(LSTM(64, return_sequences=True), input_shape=(sequence_length, features)),
        Bidirectional(LSTM(32)),
        Dense(1),
    ]
)
model.compile(optimizer="adam", loss="mse")
model.fit(x[train], (truth - line)[train], epochs=epochs, batch_size=32, verbose=2)
filled = line[test] + model.predict(x[test], verbose=0)[:, 0]


def rmse(guess):
    return float(np.sqrt(np.mean((guess - truth[test]) ** 2)) * std[target])


print("\nRMSE in °C on the last year")
print(f"bidirectional LSTM           {rmse(filled):.2f}")
print(f"as the day before            {rmse(before[test]):.2f}")
print(f"a line from day to day       {rmse(line[test]):.2f}")
