"""Blog: uncertainty by Monte Carlo dropout, model(x, training=True) many times; and as a layer."""

import numpy as np

import lstmcore as keras
from lstmcore.layers import LSTM, Dense, Dropout, Input
from lstmcore.models import Model


class MonteCarloDropout(Dropout):
    def call(self, inputs, training=None):
        return super().call(inputs, training=True)


x = np.random.default_rng(0).normal(size=(32, 6, 1))
y = x.sum(axis=1)
inputs = Input(shape=(6, 1))
h = LSTM(16, dropout=0.2, recurrent_dropout=0.2)(inputs)
h = Dropout(0.3)(h)
model = Model(inputs, Dense(1)(h))
model.compile("adam", "mse")
history = model.fit(x, y, epochs=4, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
samples = np.stack([model(x[:4], training=True) for _ in range(30)])
assert (samples.std(axis=0) > 0.001).all()
assert np.array_equal(model(x[:4], training=False), model(x[:4]))

always = Model(inputs, Dense(1)(Dropout(0.3)(h, training=True)))
assert not np.allclose(always.predict(x, verbose=0), always.predict(x, verbose=0))

own = keras.Sequential([Input((6, 1)), LSTM(16), MonteCarloDropout(0.5), Dense(1)])
own.compile("adam", "mse")
history = own.fit(x, y, epochs=4, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
draws = np.stack([own.predict(x, verbose=0) for _ in range(10)])
assert (draws.std(axis=0) > 0).mean() > 0.9
