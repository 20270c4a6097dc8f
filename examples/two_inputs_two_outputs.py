"""Two inputs and two outputs: the faster of two noisy waves, and the difference in speed.

Both waves are read by the same weights: a layer used twice is shared, and a model can be a layer
of another. Usage: python two_inputs_two_outputs.py [--epochs 20]
"""

import argparse

import numpy as np

from lstmcore import Input, Model
from lstmcore.layers import LSTM, Dense, Subtract
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=20)
epochs = parser.parse_args().epochs
set_random_seed(0)

# Each sample: two noisy waves of 0.5 to 4 periods in 30 steps, with random phases.
samples, sequence_length, features = 2000, 30, 1
rng = np.random.default_rng(0)
speeds = rng.uniform(0.5, 4, (samples, 2, 1, 1))
t = np.arange(sequence_length)[:, None] / sequence_length
clean = np.sin(2 * np.pi * (speeds * t + rng.random((samples, 2, 1, 1))))
waves = clean + 0.3 * rng.standard_normal(clean.shape)
x = {"first": waves[:, 0], "second": waves[:, 1]}
difference = (speeds[:, 0] - speeds[:, 1]).reshape(-1)
y = {"difference": difference, "is_faster": (difference > 0).astype(float)}
split = 1600

# The encoder is a model that is called twice and so shares its weights.
wave = Input(shape=(sequence_length, features))
reader = Model(wave, LSTM(32)(wave), name="reader")
shorten = Dense(16, activation="tanh", name="shorten")

first = Input(shape=(sequence_length, features), name="first")
second = Input(shape=(sequence_length, features), name="second")
between = Subtract()([shorten(reader(first)), shorten(reader(second))])
by_how_much = Dense(1, name="difference")(between)
which = Dense(1, activation="sigmoid", name="is_faster")(between)
model = Model(inputs=[first, second], outputs=[by_how_much, which])
model.compile(
    optimizer="adam",
    loss={"difference": "mse", "is_faster": "binary_crossentropy"},
    loss_weights={"difference": 1.0, "is_faster": 0.5},
    metrics={"is_faster": ["accuracy"]},
)
model.summary()
model.fit(
    {name: a[:split] for name, a in x.items()},
    {name: a[:split] for name, a in y.items()},
    epochs=epochs,
    verbose=2,
)


def report(name, guess, first_is_faster):
    error = np.sqrt(np.mean((guess - difference[split:]) ** 2))
    right = np.mean(first_is_faster == (difference[split:] > 0))
    print(f"{name:28}{error:6.2f}   {right:11.3f}")


guess, faster = model.predict({name: a[split:] for name, a in x.items()}, verbose=0)
crossings = (np.diff(np.sign(waves[split:]), axis=2) != 0).sum(axis=(2, 3)) / 2
counted = crossings[:, 0] - crossings[:, 1]
print(f"\n{'':28}  RMSE   which right")
report("LSTM", guess[:, 0], faster[:, 0] > 0.5)
report("counting changes of sign", counted, counted > 0)
report("guessing", 0 * counted, counted == counted)
