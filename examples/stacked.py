"""Three LSTM layers, one on top of the other, forecast a noisy series.

Usage: python stacked.py [--epochs 100]
"""

import argparse

import numpy as np

from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.utils import create_sequences, set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=100)
epochs = parser.parse_args().epochs
set_random_seed(0)

# Two waves with different periods, and unpredictable noise.
sequence_length, features, noise = 24, 1, 0.1
t = np.arange(700)
clean = np.sin(2 * np.pi * t / 24) + 0.5 * np.sin(2 * np.pi * t / 37)
series = clean + noise * np.random.default_rng(0).standard_normal(t.size)
x, y = create_sequences(series, sequence_length)
split = 500

model = Sequential(
    [
        LSTM(64, return_sequences=True, input_shape=(sequence_length, features)),
        LSTM(32, return_sequences=True),
        LSTM(16),
        Dense(1),
    ]
)
model.compile(optimizer="adam", loss="mse")
history = model.fit(x[:split], y[:split], epochs=epochs, batch_size=32, verbose=0)
print(f"loss after epoch 1: {history.history['loss'][0]:.4f}")
print(f"loss after epoch {epochs}: {history.history['loss'][-1]:.4f}")


def rmse(guess):
    return float(np.sqrt(np.mean((guess - y[split:]) ** 2)))


print("\nRMSE on the end of the series, which was not trained on")
print(f"LSTM                    {rmse(model.predict(x[split:], verbose=0)[:, 0]):.3f}")
print(f"as the step before      {rmse(x[split:, -1, 0]):.3f}")
print(f"as 24 steps before      {rmse(x[split:, 0, 0]):.3f}")
print(
    f"the noise alone         {rmse(clean[sequence_length + split :]):.3f}  (nothing can be better)"
)
