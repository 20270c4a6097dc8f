"""Deep Learning with Python: Conv1D in front of GRUs, recurrent dropout, a generator of windows."""

import numpy as np

import lstmcore as keras
from lstmcore import layers
from lstmcore.models import Sequential
from lstmcore.optimizers import RMSprop

rng = np.random.default_rng(0)
float_data = np.cumsum(rng.normal(size=(400, 3)), axis=0)
float_data = (float_data - float_data[:200].mean(axis=0)) / float_data[:200].std(axis=0)
lookback, step, delay, batch_size = 40, 2, 4, 16


def generator(data, lookback, delay, min_index, max_index, shuffle=False, batch_size=16, step=2):
    i = min_index + lookback
    while 1:
        if shuffle:
            rows = np.random.randint(min_index + lookback, max_index, size=batch_size)
        else:
            if i + batch_size >= max_index:
                i = min_index + lookback
            rows = np.arange(i, min(i + batch_size, max_index))
            i += len(rows)
        samples = np.zeros((len(rows), lookback // step, data.shape[-1]))
        targets = np.zeros((len(rows),))
        for j, row in enumerate(rows):
            samples[j] = data[range(row - lookback, row, step)]
            targets[j] = data[row + delay][1]
        yield samples, targets


train_gen = generator(float_data, lookback, delay, 0, 200, shuffle=True)
val_gen = generator(float_data, lookback, delay, 201, 380)
model = Sequential()
model.add(layers.Conv1D(8, 5, activation="relu", input_shape=(None, float_data.shape[-1])))
model.add(layers.MaxPooling1D(3))
model.add(layers.Conv1D(8, 3, activation="relu"))
model.add(layers.GRU(8, dropout=0.1, recurrent_dropout=0.5, return_sequences=True))
model.add(layers.GRU(8, activation="relu", dropout=0.1, recurrent_dropout=0.5))
model.add(layers.Dense(1))
model.compile(optimizer=RMSprop(0.01), loss="mae")
history = model.fit(
    train_gen, steps_per_epoch=8, epochs=4, validation_data=val_gen, validation_steps=4, verbose=0
)
assert history.history["loss"][-1] < history.history["loss"][0]
assert len(history.history["val_loss"]) == 4
assert np.isfinite(model.evaluate(val_gen, steps=4, verbose=0))
assert keras.backend.floatx() == "float32"
