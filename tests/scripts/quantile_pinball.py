"""Blog: quantiles by one model each, the tilted loss in a lambda."""

import numpy as np

import lstmcore as keras
import lstmcore.backend as K
from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential

rng = np.random.default_rng(0)
x = rng.normal(size=(96, 5, 1))
y = x[:, -1] + rng.normal(0, 1, (96, 1))


def tilted_loss(q, y, f):
    e = y - f
    return K.mean(K.maximum(q * e, (q - 1) * e), axis=-1)


qs = [0.1, 0.5, 0.9]
means = []
for q in qs:
    model = Sequential([LSTM(6, input_shape=(5, 1)), Dense(1)])
    model.compile(
        loss=lambda y, f, q=q: tilted_loss(q, y, f), optimizer=keras.optimizers.Adam(0.03)
    )
    history = model.fit(x, y, epochs=12, batch_size=32, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    error = y - model.predict(x, verbose=0)
    pinball = np.mean(np.maximum(q * error, (q - 1) * error))
    assert np.isclose(model.evaluate(x, y, verbose=0), pinball, rtol=1e-4)
    means.append(np.mean(error < 0))
assert means[0] < means[1] < means[2]
