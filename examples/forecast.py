"""Forecast tomorrow's maximum temperature from the weather of the last 30 days.

Usage: python forecast.py [--epochs 20]
"""

import argparse

import numpy as np

from lstmcore.datasets import load_seattle_weather
from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.utils import create_sequences, set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=20)
epochs = parser.parse_args().epochs
set_random_seed(0)

# Four years of daily weather; the last one is held out for the test.
sequence_length = 30
dates, columns = load_seattle_weather()
data = np.stack(list(columns.values()), axis=-1)
features = data.shape[-1]
test_days = 365

# Standardize with statistics of the training years: the test year must not leak into them.
past = data[:-test_days]
mean, std = past.mean(axis=0), past.std(axis=0)
target = list(columns).index("temp_max")
x, y = create_sequences((data - mean) / std, sequence_length, target=target)
x_train, y_train, x_test = x[:-test_days], y[:-test_days], x[-test_days:]

model = Sequential([LSTM(64, input_shape=(sequence_length, features)), Dense(1)])
model.compile("adam", "mse")
model.summary()
model.fit(x_train, y_train, epochs=epochs, validation_split=0.1, verbose=2)

forecast = model.predict(x_test, verbose=0)[:, 0] * std[target] + mean[target]
truth = data[-test_days:, target]


def rmse(guess):
    return float(np.sqrt(np.mean((guess - truth) ** 2)))


# A useful forecast beats the simple baselines.
yesterday = data[-test_days - 1 : -1, target]
last_year = data[-test_days - 365 : -365, target]
print(f"\nRMSE in °C over the {test_days} days from {dates[-test_days]}")
print(f"LSTM                {rmse(forecast):.2f}")
print(f"as yesterday        {rmse(yesterday):.2f}")
print(f"as a year before    {rmse(last_year):.2f}")
