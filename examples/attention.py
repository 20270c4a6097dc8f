"""Attention: each step of an LSTM's output attends to all others, future ones included.

Usage: python attention.py [--epochs 20]
"""

import argparse

import numpy as np

from lstmcore import Input, Model
from lstmcore.layers import LSTM, Attention, Concatenate, Dense
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=20)
epochs = parser.parse_args().epochs
set_random_seed(0)

# For each step of a random walk: how far is it from the mean of the whole walk?
sequence_length, features = 24, 2
rng = np.random.default_rng(0)
walks = np.cumsum(rng.standard_normal((1200, sequence_length, features)), axis=1) / 4
x, y = walks, (walks - walks.mean(axis=1, keepdims=True))[..., :1]
split = 1000

inputs = Input(shape=(sequence_length, features))
h = LSTM(64, return_sequences=True)(inputs)
a = Attention()([h, h])
h_a = Concatenate()([h, a])
output = Dense(1)(h_a)
model = Model(inputs=inputs, outputs=output)
model.compile(optimizer="adam", loss="mse")
model.summary()
model.fit(x[:split], y[:split], epochs=epochs, batch_size=32, verbose=2)

# The same model without attention: no step can use future inputs.
plain = Model(inputs=inputs, outputs=Dense(1)(LSTM(64, return_sequences=True)(inputs)))
plain.compile(optimizer="adam", loss="mse")
plain.fit(x[:split], y[:split], epochs=epochs, batch_size=32, verbose=0)


def rmse(guess):
    return float(np.sqrt(np.mean((guess - y[split:]) ** 2)))


so_far = np.cumsum(x, axis=1) / np.arange(1, sequence_length + 1)[:, None]
print("\nRMSE on walks that were not trained on")
print(f"LSTM with attention          {rmse(model.predict(x[split:], verbose=0)):.3f}")
print(f"LSTM alone                   {rmse(plain.predict(x[split:], verbose=0)):.3f}")
print(f"from the mean so far         {rmse((x - so_far)[split:, :, :1]):.3f}")
