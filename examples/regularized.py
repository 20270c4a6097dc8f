"""Regularization: dropout, weight penalties and constraints against overfitting few samples.

Usage: python regularized.py [--epochs 60]
"""

import argparse

import numpy as np

from lstmcore.constraints import max_norm
from lstmcore.datasets import load_seattle_weather
from lstmcore.layers import LSTM, Dense, Dropout
from lstmcore.models import Sequential
from lstmcore.regularizers import l1, l1_l2, l2
from lstmcore.utils import create_sequences, set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=60)
epochs = parser.parse_args().epochs

# Tomorrow's wind is hard to predict, and there are only 200 days of training data.
sequence_length = 14
columns = load_seattle_weather()[1]
data = np.stack(list(columns.values()), axis=-1)
data = (data - data[:214].mean(axis=0)) / data[:214].std(axis=0)
features = data.shape[-1]
x, y = create_sequences(data, sequence_length, target=list(columns).index("wind"))
few, test = slice(0, 200), slice(200, None)

plain = [
    LSTM(64, return_sequences=True, input_shape=(sequence_length, features)),
    LSTM(32),
    Dense(1),
]
regularized = [
    LSTM(
        64,
        return_sequences=True,
        input_shape=(sequence_length, features),
        dropout=0.2,
        recurrent_dropout=0.2,
        kernel_regularizer=l2(1e-3),
        recurrent_regularizer=l1_l2(l1=1e-5, l2=1e-3),
        bias_regularizer=l2(1e-3),
        kernel_constraint=max_norm(3),
        recurrent_constraint=max_norm(3),
    ),
    Dropout(0.3),
    LSTM(32, kernel_regularizer=l1(1e-4), bias_constraint=max_norm(2)),
    Dropout(0.3),
    Dense(1, kernel_regularizer="l2", kernel_constraint="max_norm"),
]
print("mean squared error             200 days trained on   all days after")
for name, layers in (("plain", plain), ("regularized", regularized)):
    set_random_seed(0)
    model = Sequential(layers)
    model.compile(optimizer="adam", loss="mse", metrics=["mse"])  # the loss includes the penalties
    model.fit(x[few], y[few], epochs=epochs, batch_size=32, verbose=0)
    errors = [model.evaluate(x[part], y[part], verbose=0)[1] for part in (few, test)]
    print(f"{name:30} {errors[0]:20.3f}   {errors[1]:14.3f}")
persistence = np.mean((x[test, -1, list(columns).index("wind")] - y[test]) ** 2)
print(f"{'as the day before':30} {'':20}   {persistence:14.3f}")
print(f"{'always the mean':30} {'':20}   {np.mean((y[few].mean() - y[test]) ** 2):14.3f}")
