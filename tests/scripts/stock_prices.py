"""Tutorial: prices of a stock by four LSTMs with dropout, scaled windows of sixty days."""

import numpy as np

from lstmcore.layers import LSTM, Dense, Dropout
from lstmcore.models import Sequential

rng = np.random.default_rng(0)
prices = 50 + np.cumsum(rng.normal(0.1, 1, 120))
low, high = prices.min(), prices.max()
training_set_scaled = ((prices - low) / (high - low)).reshape(-1, 1)
X_train, y_train = [], []
for i in range(60, 120):
    X_train.append(training_set_scaled[i - 60 : i, 0])
    y_train.append(training_set_scaled[i, 0])
X_train, y_train = np.array(X_train), np.array(y_train)
X_train = np.reshape(X_train, (X_train.shape[0], X_train.shape[1], 1))

regressor = Sequential()
regressor.add(LSTM(units=8, return_sequences=True, input_shape=(X_train.shape[1], 1)))
regressor.add(Dropout(0.2))
for _ in range(2):
    regressor.add(LSTM(units=8, return_sequences=True))
    regressor.add(Dropout(0.2))
regressor.add(LSTM(units=8))
regressor.add(Dropout(0.2))
regressor.add(Dense(units=1))
regressor.compile(optimizer="adam", loss="mean_squared_error")
history = regressor.fit(X_train, y_train, epochs=3, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
predicted = regressor.predict(X_train, verbose=0) * (high - low) + low
assert predicted.shape == (60, 1)
assert np.isfinite(predicted).all()
