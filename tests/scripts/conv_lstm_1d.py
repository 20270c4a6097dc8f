"""Sensor tutorials: rows of sensors over time by ConvLSTM1D and a decoder of LSTMs."""

import numpy as np

import lstmcore as keras
from lstmcore.layers import LSTM, ConvLSTM1D, Dense, Flatten, RepeatVector, TimeDistributed

n_steps, n_length, n_features, n_out = 3, 6, 2, 2
rng = np.random.default_rng(0)
x_train = rng.normal(size=(32, n_steps, n_length, n_features)).astype("float32")
y_train = x_train.mean(axis=(1, 2))[:, :, None]

model = keras.Sequential()
model.add(
    ConvLSTM1D(
        filters=8, kernel_size=3, activation="relu", input_shape=(n_steps, n_length, n_features)
    )
)
model.add(Flatten())
model.add(RepeatVector(n_out))
model.add(LSTM(16, activation="relu", return_sequences=True))
model.add(TimeDistributed(Dense(8, activation="relu")))
model.add(TimeDistributed(Dense(1)))
model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.01))
history = model.fit(x_train, y_train, epochs=5, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
assert model.predict(x_train, verbose=0).shape == y_train.shape
