"""Tutorial: air pollution from several series, made a supervised problem by shifting columns."""

import numpy as np

from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential

rng = np.random.default_rng(0)
wind = np.cumsum(rng.normal(0, 0.3, 200))
values = np.column_stack([np.roll(wind, 1) + rng.normal(0, 0.1, 200), wind, rng.normal(size=200)])
scaled = (values - values.min(axis=0)) / np.ptp(values, axis=0)


def series_to_supervised(data, n_in=1, n_out=1):
    rows = len(data) - n_in - n_out + 1
    columns = [data[i : i + rows] for i in range(n_in + n_out)]
    return np.concatenate(columns, axis=1)


n_hours, n_features = 3, 3
reframed = series_to_supervised(scaled, n_hours, 1)
n_obs = n_hours * n_features
train, test = reframed[:120, :], reframed[120:, :]
train_X, train_y = train[:, :n_obs], train[:, -n_features]
test_X, test_y = test[:, :n_obs], test[:, -n_features]
train_X = train_X.reshape((train_X.shape[0], n_hours, n_features))
test_X = test_X.reshape((test_X.shape[0], n_hours, n_features))

model = Sequential()
model.add(LSTM(16, input_shape=(train_X.shape[1], train_X.shape[2])))
model.add(Dense(1))
model.compile(loss="mae", optimizer="adam")
history = model.fit(
    train_X,
    train_y,
    epochs=8,
    batch_size=24,
    validation_data=(test_X, test_y),
    verbose=0,
    shuffle=False,
)
assert history.history["loss"][-1] < 0.7 * history.history["loss"][0]
yhat = model.predict(test_X, verbose=0)
inv_yhat = np.concatenate((yhat, test_X[:, -1, 1:]), axis=1) * np.ptp(values, axis=0)
assert inv_yhat.shape == (len(test), n_features)
assert np.isclose(np.mean(np.abs(yhat[:, 0] - test_y)), history.history["val_loss"][-1], rtol=1e-3)
