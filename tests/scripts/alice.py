"""Tutorial: Alice in Wonderland written on, as published: checkpoints in .hdf5 files."""

import numpy as np

from lstmcore.callbacks import ModelCheckpoint
from lstmcore.layers import LSTM, Dense, Dropout
from lstmcore.models import Sequential
from lstmcore.utils import to_categorical

raw_text = "alice was beginning to get very tired of sitting by her sister on the bank. " * 3
chars = sorted(set(raw_text))
char_to_int = {c: i for i, c in enumerate(chars)}
seq_length = 20
starts = range(len(raw_text) - seq_length)
dataX = [[char_to_int[char] for char in raw_text[i : i + seq_length]] for i in starts]
dataY = [char_to_int[raw_text[i + seq_length]] for i in starts]
X = np.reshape(dataX, (len(dataX), seq_length, 1)) / float(len(chars))
y = to_categorical(dataY)
model = Sequential()
model.add(LSTM(16, input_shape=(X.shape[1], X.shape[2])))
model.add(Dropout(0.2))
model.add(Dense(y.shape[1], activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
filepath = "weights-improvement-{epoch:02d}-{loss:.4f}.hdf5"
checkpoint = ModelCheckpoint(filepath, monitor="loss", verbose=1, save_best_only=True, mode="min")
model.fit(X, y, epochs=1, batch_size=128, callbacks=[checkpoint], verbose=0)
