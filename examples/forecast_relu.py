"""Forecast a wave one step ahead, and many steps ahead by feeding forecasts back in.

Usage: python forecast_relu.py [--epochs 60]
"""

import argparse

import numpy as np

from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=60)
epochs = parser.parse_args().epochs
set_random_seed(0)


def create_sequences(data, seq_length):  # lstmcore.utils has one with more options
    xs, ys = [], []
    for i in range(len(data) - seq_length):
        xs.append(data[i : i + seq_length])
        ys.append(data[i + seq_length])
    return np.array(xs), np.array(ys)


seq_length, period, noise = 20, 25, 0.05
t = np.arange(800)
wave = np.sin(2 * np.pi * t / period) * (1 + 0.3 * np.sin(2 * np.pi * t / 160))
data = (wave + noise * np.random.default_rng(0).standard_normal(t.size)).reshape(-1, 1)
x, y = create_sequences(data, seq_length)
split = 600

model = Sequential([LSTM(50, activation="relu", input_shape=(seq_length, 1)), Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(x[:split], y[:split], epochs=epochs, batch_size=32, verbose=2)


def rmse(guess, truth):
    return float(np.sqrt(np.mean((guess - truth) ** 2)))


x_test, y_test = x[split:], y[split:]
print("\nRMSE one step ahead, on the end of the series")
print(f"LSTM                   {rmse(model.predict(x_test, verbose=0), y_test):.3f}")
print(f"as the step before     {rmse(x_test[:, -1], y_test):.3f}")
print(f"as a period before     {rmse(data[seq_length + split - period : -period], y_test):.3f}")

# Further ahead the inputs are forecasts, so the model is called once for each step.
window, ahead = x_test[0], []
for _ in range(50):
    ahead.append(model.predict(window[None], verbose=0)[0])
    window = np.concatenate([window[1:], ahead[-1:]])
known = data[: seq_length + split]
print("RMSE of the next 50 steps, from one moment")
print(f"LSTM                   {rmse(np.array(ahead), y_test[:50]):.3f}")
print(f"the last step again    {rmse(known[-1], y_test[:50]):.3f}")
print(f"the last period again  {rmse(np.tile(known[-period:], (2, 1)), y_test[:50]):.3f}")
