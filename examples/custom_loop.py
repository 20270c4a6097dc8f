"""Custom training loop with train_on_batch: varying sequence lengths, and early stopping.

Usage: python custom_loop.py [--epochs 30]
"""

import argparse

import numpy as np

from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=30)
epochs = parser.parse_args().epochs
set_random_seed(0)
rng = np.random.default_rng(0)


def batch(size, steps):
    """Return sequences of numbers, two of which are marked; the target is their sum."""
    values, marks = rng.uniform(-1, 1, (size, steps)), np.zeros((size, steps))
    for row in marks:
        row[rng.choice(steps, 2, replace=False)] = 1
    return np.stack([values, marks], axis=-1), (values * marks).sum(axis=1)


model = Sequential([LSTM(32, input_shape=(None, 2)), Dense(1)])  # None: any number of steps
model.compile(Adam(0.01, clipnorm=1.0), "mse")
x_test, y_test = batch(500, 10)

best, best_weights = np.inf, model.get_weights()
for epoch in range(epochs):
    losses = []
    for _ in range(20):
        losses.append(model.train_on_batch(*batch(32, rng.integers(4, 12))))
    test_loss = model.test_on_batch(x_test, y_test)
    if test_loss < best:
        best, best_weights = test_loss, model.get_weights()
    else:
        model.optimizer.learning_rate = 0.8 * float(model.optimizer.learning_rate)
    if (epoch + 1) % 5 == 0 or epoch + 1 == epochs:
        rate = float(model.optimizer.learning_rate)
        loss = np.mean(losses)
        print(f"epoch {epoch + 1:3}  loss {loss:.4f}  test {test_loss:.4f}  rate {rate:.4f}")
    if test_loss < 0.002:
        print("good enough")
        break

model.set_weights(best_weights)
print(f"\nmean squared error, sums of two numbers among 10: {best:.4f}")
print(f"if one always says 0:                             {np.mean(y_test**2):.4f}")
for steps in (5, 20):
    x, y = batch(200, steps)
    error = np.mean((model.predict_on_batch(x)[:, 0] - y) ** 2)
    print(f"{'among ' + str(steps) + ':':50}{error:.4f}")
