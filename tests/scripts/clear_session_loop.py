"""Stack Overflow: many models in a loop, K.clear_session and del between them, K's settings."""

import gc

import numpy as np

import lstmcore as keras
from lstmcore import backend as K
from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential

x, y = np.random.random((16, 4, 1)), np.random.random(16)
names, results = [], {}
for units in (2, 4):
    for batch_size in (4, 8):
        K.clear_session()
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)
        model = Sequential()
        model.add(LSTM(units, input_shape=(4, 1)))
        model.add(Dense(1))
        model.compile(loss="mse", optimizer="adam")
        history = model.fit(x, y, epochs=2, batch_size=batch_size, verbose=0)
        results[units, batch_size] = history.history["loss"][-1]
        names.append(model.layers[0].name)
        rate = float(K.get_value(model.optimizer.learning_rate))
        K.set_value(model.optimizer.learning_rate, 0.1 * rate)
        assert np.isclose(K.get_value(model.optimizer.learning_rate), 1e-4)
        del model
        gc.collect()
assert names == ["lstm"] * 4
assert len(set(results.values())) == 4
assert K.floatx() == "float32"
assert K.epsilon() == 1e-7
assert K.image_data_format() == "channels_last"
