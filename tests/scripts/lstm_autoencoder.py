"""Tutorial: an LSTM autoencoder that reconstructs and predicts, and its encoder as a model."""

import numpy as np

from lstmcore.layers import LSTM, Dense, Input, RepeatVector, TimeDistributed
from lstmcore.models import Model, Sequential
from lstmcore.utils import plot_model

sequence = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
n_in = len(sequence)
sequence = sequence.reshape((1, n_in, 1))

model = Sequential()
model.add(LSTM(16, activation="relu", input_shape=(n_in, 1)))
model.add(RepeatVector(n_in))
model.add(LSTM(16, activation="relu", return_sequences=True))
model.add(TimeDistributed(Dense(1)))
model.compile(optimizer="adam", loss="mse")
history = model.fit(sequence, sequence, epochs=60, verbose=0)
assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
model = Model(inputs=model.inputs, outputs=model.layers[0].output)
assert model.predict(sequence, verbose=0).shape == (1, 16)

seq_out = sequence[:, 1:, :]
visible = Input(shape=(n_in, 1))
encoder = LSTM(16, activation="relu")(visible)
decoder1 = RepeatVector(n_in)(encoder)
decoder1 = LSTM(16, activation="relu", return_sequences=True)(decoder1)
decoder1 = TimeDistributed(Dense(1))(decoder1)
decoder2 = RepeatVector(n_in - 1)(encoder)
decoder2 = LSTM(16, activation="relu", return_sequences=True)(decoder2)
decoder2 = TimeDistributed(Dense(1))(decoder2)
model = Model(inputs=visible, outputs=[decoder1, decoder2])
model.compile(optimizer="adam", loss="mse")
history = model.fit(sequence, [sequence, seq_out], epochs=60, verbose=0)
assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
reconstructed, predicted = model.predict(sequence, verbose=0)
assert reconstructed.shape == (1, n_in, 1)
assert predicted.shape == (1, n_in - 1, 1)
assert callable(plot_model)
