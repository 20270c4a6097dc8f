"""Tutorial: a week's use of electric power by ConvLSTM2D, as published."""

import numpy as np

from lstmcore.layers import LSTM, ConvLSTM2D, Dense, Flatten, RepeatVector, TimeDistributed
from lstmcore.models import Sequential

train_x, train_y = np.random.random((20, 2, 1, 7, 1)), np.random.random((20, 7, 1))
model = Sequential()
model.add(ConvLSTM2D(filters=64, kernel_size=(1, 3), activation="relu", input_shape=(2, 1, 7, 1)))
model.add(Flatten())
model.add(RepeatVector(7))
model.add(LSTM(200, activation="relu", return_sequences=True))
model.add(TimeDistributed(Dense(100, activation="relu")))
model.add(TimeDistributed(Dense(1)))
model.compile(loss="mse", optimizer="adam")
model.fit(train_x, train_y, epochs=1, batch_size=16, verbose=0)
