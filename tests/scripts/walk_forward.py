"""Tutorial: walk-forward validation, a clone of the compiled model for every step; X of (n, 10)."""

import numpy as np

from lstmcore.layers import LSTM, Dense, InputLayer
from lstmcore.models import Sequential, clone_model

n_lags = 10
series = np.sin(np.arange(60) * 2 * np.pi / 12)
windows = np.array([series[i : i + n_lags + 1] for i in range(len(series) - n_lags)])
X, y = windows[:, :-1], windows[:, -1]  # X is (n, 10)
n_test = 4

model = Sequential()
model.add(InputLayer(input_shape=(n_lags, 1)))
model.add(LSTM(8, activation="relu"))
model.add(Dense(1))
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
start_weights = model.get_weights()

history_x, history_y = list(X[:-n_test]), list(y[:-n_test])
predictions, losses = [], []
for i in range(n_test):
    copy = clone_model(model)
    copy.set_weights(start_weights)
    copy.compile(optimizer="adam", loss="mse")
    history = copy.fit(np.array(history_x), np.array(history_y), epochs=6, batch_size=8, verbose=0)
    losses.append(history.history["loss"])
    yhat = copy.predict(X[-n_test + i].reshape((1, n_lags)), verbose=0)
    predictions.append(yhat[0, 0])
    history_x.append(X[-n_test + i])
    history_y.append(y[-n_test + i])
assert all(each[-1] < each[0] for each in losses)
assert np.sqrt(np.mean((y[-n_test:] - predictions) ** 2)) < 1
assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), start_weights, strict=True))
wide = model.predict(X[..., None], verbose=0)
assert np.array_equal(model.predict(X, verbose=0), wide)
assert np.isclose(model.evaluate(X, y, verbose=0)[0], np.mean((wide[:, 0] - y) ** 2), rtol=1e-4)
