"""Tutorial: sales of shampoo by a stateful LSTM, differenced, scaled, forecast step by step."""

import numpy as np

import lstmcore as keras
from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential

rng = np.random.default_rng(0)
series = 100 + 5 * np.arange(36) + rng.normal(0, 20, 36)


def difference(dataset, interval=1):
    return np.array([dataset[i] - dataset[i - interval] for i in range(interval, len(dataset))])


diff_values = difference(series, 1)
supervised = np.column_stack([np.append(0, diff_values[:-1]), diff_values])
train, test = supervised[:-12], supervised[-12:]
low, high = train.min(axis=0), train.max(axis=0)
train_scaled = 2 * (train - low) / (high - low) - 1
test_scaled = 2 * (test - low) / (high - low) - 1


def fit_lstm(train, batch_size, nb_epoch, neurons):
    X, y = train[:, 0:-1], train[:, -1]
    X = X.reshape(X.shape[0], 1, X.shape[1])
    model = Sequential()
    model.add(LSTM(neurons, batch_input_shape=(batch_size, X.shape[1], X.shape[2]), stateful=True))
    model.add(Dense(1))
    model.compile(loss="mean_squared_error", optimizer="adam")
    losses = []
    for _ in range(nb_epoch):
        history = model.fit(X, y, epochs=1, batch_size=batch_size, verbose=0, shuffle=False)
        losses += history.history["loss"]
        model.layers[0].reset_states()
    assert losses[-1] < losses[0]
    return model


def forecast_lstm(model, batch_size, X):
    X = X.reshape(1, 1, len(X))
    yhat = model.predict(X, batch_size=batch_size, verbose=0)
    return yhat[0, 0]


lstm_model = fit_lstm(train_scaled, 1, 4, 4)
train_reshaped = train_scaled[:, 0].reshape(len(train_scaled), 1, 1)
lstm_model.predict(train_reshaped, batch_size=1, verbose=0)
predictions = []
for i in range(len(test_scaled)):
    yhat = forecast_lstm(lstm_model, 1, test_scaled[i, 0:-1])
    yhat = (yhat + 1) / 2 * (high[1] - low[1]) + low[1]
    predictions.append(yhat + series[len(train) + i])
rmse = np.sqrt(np.mean((series[-12:] - predictions) ** 2))
assert rmse < 3 * np.std(difference(series))
first = forecast_lstm(lstm_model, 1, test_scaled[0, 0:-1])
second = forecast_lstm(lstm_model, 1, test_scaled[0, 0:-1])
assert first != second  # the state goes on
states = [
    forecast_lstm(lstm_model, 1, test_scaled[0, 0:-1])
    for _ in [lstm_model.layers[0].reset_states()]
]
lstm_model.layers[0].reset_states()
assert states == [forecast_lstm(lstm_model, 1, test_scaled[0, 0:-1])]
assert keras.__version__
