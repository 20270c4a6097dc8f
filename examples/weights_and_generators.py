"""Sample and time step weights, class weights, and batches from a generator.

Usage: python weights_and_generators.py [--epochs 10]
"""

import argparse

import numpy as np

from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=10)
epochs = parser.parse_args().epochs
rng = np.random.default_rng(0)
steps, features = 20, 1


def sample(n, share):
    """Return noise; in rows of class 1 all numbers are a little larger."""
    y = rng.random(n) < share
    return rng.standard_normal((n, steps, features)) + 0.6 * y[:, None, None], y.astype(float)


def build(*last, **options):
    set_random_seed(0)
    first = LSTM(16, input_shape=(steps, features), **options)
    return Sequential([first, *last])


x, y = sample(1500, 0.05)
x_test, y_test = sample(1000, 0.5)


def found(model):
    """Return the true positive rate and the false positive rate of class 1."""
    says = model.predict(x_test, verbose=0)[:, 0] > 0.5
    return f"found {np.mean(says[y_test == 1]):.2f}, false alarms {np.mean(says[y_test == 0]):.2f}"


print("class 1 is 5 % of the samples to train on")
ways = {
    "no weights": {},
    "class_weight {0: 1, 1: 10}": {"class_weight": {0: 1.0, 1: 10.0}},
    "sample_weight of shape (N,)": {"sample_weight": np.where(y == 1, 10.0, 1.0)},
}
for name, weights in ways.items():
    model = build(Dense(1, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    model.fit(x, y, epochs=epochs, verbose=0, **weights)
    print(f"{name:30} {found(model)}")


def batches():
    """Yield endless batches, half of each of class 1."""
    while True:
        yield sample(32, 0.5)


model = build(Dense(1, activation="sigmoid"))
model.compile(optimizer="adam", loss="binary_crossentropy")
model.fit(batches(), steps_per_epoch=50, epochs=epochs, verbose=0)
print(f"{'a generator, half and half':30} {found(model)}")

# Time step weights of shape (N, T): a running mean whose first five steps do not count.
means = np.cumsum(x, axis=1) / np.arange(1, steps + 1)[:, None]
step_weight = np.ones((len(x), steps))
step_weight[:, :5] = 0
model = build(Dense(1), return_sequences=True)
model.compile(optimizer="adam", loss="mse")
model.fit(x, means, epochs=epochs, sample_weight=step_weight, verbose=0)
error = np.mean((model.predict(x, verbose=0) - means) ** 2, axis=(0, 2))
print("\nsample_weight of shape (N, T): mean squared error of the steps")
print(f"that do not count {error[:5].mean():.4f}, that count {error[5:].mean():.4f}")
