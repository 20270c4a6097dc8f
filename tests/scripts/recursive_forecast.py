"""Forums: one step ahead fed back for many steps, by growing windows and by a stateful copy."""

import numpy as np

import lstmcore as keras
from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential

series = np.sin(np.arange(120) * 2 * np.pi / 20).astype("float32")
n_steps, horizon = 10, 20
X = np.array([series[i : i + n_steps] for i in range(100)])
y = series[n_steps : n_steps + 100]

model = Sequential()
model.add(LSTM(16, input_shape=(n_steps, 1)))
model.add(Dense(1))
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
history = model.fit(X, y, epochs=8, batch_size=20, verbose=0)
assert history.history["loss"][-1] < 0.2 * history.history["loss"][0]

window = X[-1].copy()
forecast = []
for _ in range(horizon):
    yhat = model.predict(window.reshape(1, n_steps, 1), verbose=0)
    forecast.append(yhat[0][0])
    window = np.append(window[1:], yhat)
assert np.isfinite(forecast).all()
assert np.corrcoef(forecast[:6], np.sin(np.arange(109, 115) * 2 * np.pi / 20))[0, 1] > 0.5

seq = Sequential([LSTM(16, return_sequences=True, input_shape=(None, 1)), Dense(1)])
seq.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
seq.fit(series[None, :-1, None], series[None, 1:, None], epochs=10, verbose=0)
stepper = Sequential([LSTM(16, batch_input_shape=(1, 1, 1), stateful=True), Dense(1)])
stepper.set_weights(seq.get_weights())
for value in series:
    last = stepper.predict(value.reshape(1, 1, 1), verbose=0)
whole = seq.predict(series[None, :, None], verbose=0)[0, -1]
assert np.allclose(last[0], whole, atol=1e-5)
generated = [last[0, 0]]
for _ in range(5):
    generated.append(stepper.predict(np.reshape(generated[-1], (1, 1, 1)), verbose=0)[0, 0])
assert len(generated) == 6
