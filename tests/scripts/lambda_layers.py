"""Stack Overflow: Lambda layers around LSTMs: last step, reversal, scale, sum, cast, argmax."""

import numpy as np

import lstmcore as keras
from lstmcore import backend as K
from lstmcore import ops
from lstmcore.layers import GRU, LSTM, Dense, Input, Lambda, TimeDistributed
from lstmcore.models import Model, Sequential

x = np.random.default_rng(0).normal(size=(24, 6, 2)).astype("float32")
y = x[:, -1, :1] + x[:, 0, :1]

model = Sequential(
    [
        Lambda(lambda x: ops.expand_dims(x, axis=-1), input_shape=(None,)),
        LSTM(8, return_sequences=True),
        LSTM(8),
        Dense(1),
        Lambda(lambda x: x * 100.0),
    ]
)
model.compile(loss="mse", optimizer=keras.optimizers.SGD(learning_rate=1e-6, momentum=0.9))
history = model.fit(x[:, :, 0], y, epochs=3, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]

inputs = Input(shape=(6, 2))
forward = LSTM(5, return_sequences=True)(inputs)
backward = Lambda(lambda t: K.reverse(t, axes=1))(inputs)
backward = Lambda(lambda t: t[:, ::-1, :])(GRU(5, return_sequences=True)(backward))
both = Lambda(lambda parts: K.concatenate(parts, axis=-1))([forward, backward])
last = Lambda(lambda t: t[:, -1, :], output_shape=(10,))(both)
pooled = Lambda(lambda t: K.sum(t, axis=1), name="sum")(both)
spread = Lambda(lambda t, power: K.std(t, axis=1) ** power, arguments={"power": 2})(both)
merged = Lambda(lambda parts: K.stack(parts, axis=1))([last, pooled, spread])
flat = Lambda(K.batch_flatten)(merged)
outputs = Dense(1)(flat)
model = Model(inputs, outputs)
model.compile("adam", "mse")
history = model.fit(x, y, epochs=4, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
seen = Model(inputs, [both, last, pooled, spread]).predict(x, verbose=0)
assert np.array_equal(seen[0][:, -1], seen[1])
assert np.allclose(seen[0].sum(axis=1), seen[2], atol=1e-5)
assert np.allclose(seen[0].var(axis=1), seen[3], atol=1e-5)

labels = Lambda(lambda t: K.cast(K.argmax(t, axis=-1), "float32"))(TimeDistributed(Dense(4))(both))
assert set(np.unique(Model(inputs, labels).predict(x, verbose=0))) <= {0, 1, 2, 3}
assert Lambda(lambda t: t**2)(np.arange(4.0).reshape(2, 2)).tolist() == [[0, 1], [4, 9]]
