"""Tutorial: a week's use of electric power by an encoder and a decoder of LSTMs."""

import numpy as np

from lstmcore.layers import LSTM, Dense, RepeatVector, TimeDistributed
from lstmcore.models import Sequential

rng = np.random.default_rng(0)
days = np.sin(np.arange(140) * 2 * np.pi / 7)[:, None] + rng.normal(0, 0.1, (140, 8))
train, test = np.array(np.split(days[:112], 16)), np.array(np.split(days[112:], 4))


def evaluate_forecasts(actual, predicted):
    scores = np.sqrt(np.mean((actual - predicted) ** 2, axis=0))
    return np.sqrt(np.mean((actual - predicted) ** 2)), scores


def to_supervised(train, n_input, n_out=7):
    data = train.reshape((train.shape[0] * train.shape[1], train.shape[2]))
    starts = range(len(data) - n_input - n_out + 1)
    X = [data[i : i + n_input, :] for i in starts]
    y = [data[i + n_input : i + n_input + n_out, 0] for i in starts]
    return np.array(X), np.array(y)


def build_model(train, n_input):
    train_x, train_y = to_supervised(train, n_input)
    n_timesteps, n_features, n_outputs = train_x.shape[1], train_x.shape[2], train_y.shape[1]
    train_y = train_y.reshape((train_y.shape[0], train_y.shape[1], 1))
    model = Sequential()
    model.add(LSTM(16, activation="relu", input_shape=(n_timesteps, n_features)))
    model.add(RepeatVector(n_outputs))
    model.add(LSTM(16, activation="relu", return_sequences=True))
    model.add(TimeDistributed(Dense(8, activation="relu")))
    model.add(TimeDistributed(Dense(1)))
    model.compile(loss="mse", optimizer="adam")
    history = model.fit(train_x, train_y, epochs=5, batch_size=16, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    return model


def forecast(model, history, n_input):
    data = np.array(history)
    data = data.reshape((data.shape[0] * data.shape[1], data.shape[2]))
    input_x = data[-n_input:, :]
    input_x = input_x.reshape((1, input_x.shape[0], input_x.shape[1]))
    return model.predict(input_x, verbose=0)[0]


n_input = 14
model = build_model(train, n_input)
history, predictions = list(train), []
for i in range(len(test)):
    predictions.append(forecast(model, history, n_input))
    history.append(test[i, :])
score, scores = evaluate_forecasts(test[:, :, 0], np.array(predictions)[:, :, 0])
assert scores.shape == (7,)
assert score < 1
