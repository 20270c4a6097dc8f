"""Tutorial: a series cut into parts, a Conv1D on each (TimeDistributed), an LSTM over the parts."""

import numpy as np

from lstmcore.layers import LSTM, Conv1D, Dense, Flatten, MaxPooling1D, TimeDistributed
from lstmcore.models import Sequential
from lstmcore.optimizers import Adam

raw_seq = np.sin(np.arange(60) * 0.5)
n_steps, n_seq, n_features = 8, 2, 1
X = np.array([raw_seq[i : i + n_steps] for i in range(len(raw_seq) - n_steps)])
y = raw_seq[n_steps:]
n_steps = n_steps // n_seq
X = X.reshape((X.shape[0], n_seq, n_steps, n_features))

model = Sequential()
model.add(
    TimeDistributed(
        Conv1D(filters=16, kernel_size=2, activation="relu"),
        input_shape=(None, n_steps, n_features),
    )
)
model.add(TimeDistributed(MaxPooling1D(pool_size=2)))
model.add(TimeDistributed(Flatten()))
model.add(LSTM(16, activation="relu"))
model.add(Dense(1))
model.compile(optimizer=Adam(learning_rate=0.01), loss="mse")
history = model.fit(X, y, epochs=20, batch_size=16, verbose=0)
assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
x_input = np.array(raw_seq[-8:]).reshape((1, n_seq, n_steps, n_features))
assert model.predict(x_input, verbose=0).shape == (1, 1)
