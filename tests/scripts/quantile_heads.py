"""Forecasting blogs: three quantiles from one LSTM, by heads with lambdas, and by one wide loss."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops

rng = np.random.default_rng(0)
x = rng.normal(size=(96, 6, 1))
y = x[:, -1] + rng.normal(0, 1, (96, 1))
quantiles = [0.1, 0.5, 0.9]


def quantile_loss(q):
    return lambda y_true, y_pred: ops.maximum(q * (y_true - y_pred), (q - 1) * (y_true - y_pred))


inputs = keras.Input((6, 1))
h = layers.LSTM(8)(inputs)
heads = [layers.Dense(1, name=f"q{int(100 * q)}")(h) for q in quantiles]
model = keras.Model(inputs, heads)
model.compile(
    optimizer=keras.optimizers.Adam(0.03),
    loss={f"q{int(100 * q)}": quantile_loss(q) for q in quantiles},
    loss_weights=[1.0, 1.0, 1.0],
)
targets = {f"q{int(100 * q)}": y for q in quantiles}
history = model.fit(x, targets, epochs=10, batch_size=32, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
parts = sum(history.history[f"q{n}_loss"][-1] for n in (10, 50, 90))
assert np.isclose(history.history["loss"][-1], parts, rtol=1e-4)
low, median, high = model.predict(x, verbose=0)
assert np.mean(y < low) < np.mean(y < high)


class QuantileLoss(keras.losses.Loss):
    def __init__(self, quantiles, **kwargs):
        super().__init__(**kwargs)
        self.quantiles = quantiles

    def call(self, y_true, y_pred):
        q = ops.convert_to_tensor(self.quantiles, dtype=y_pred.dtype)
        e = y_true - y_pred
        return ops.sum(ops.where(e >= 0, q * e, (q - 1) * e), axis=-1)


model = keras.Model(inputs, layers.Dense(3)(h))
model.compile(keras.optimizers.Adam(0.03), QuantileLoss(quantiles))
history = model.fit(x, y, epochs=10, batch_size=32, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
error = y - model.predict(x, verbose=0)
q = np.array(quantiles)
pinball = np.where(error >= 0, q * error, (q - 1) * error).sum(axis=-1).mean()
assert np.isclose(model.evaluate(x, y, verbose=0), pinball, rtol=1e-4)
