"""Keras 2 scripts: Adam(lr=, decay=)."""

import numpy as np

from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.optimizers import Adam

model = Sequential()
model.add(LSTM(50, input_shape=(10, 1)))
model.add(Dense(1))
optimizer = Adam(lr=0.01, decay=1e-3)
model.compile(loss="mse", optimizer=optimizer)
model.fit(np.random.random((8, 10, 1)), np.random.random(8), epochs=1, verbose=0)
