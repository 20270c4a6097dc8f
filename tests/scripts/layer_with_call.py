"""Tutorial: Time2Vec, a layer with build, call and get_config, before an LSTM; saved and loaded."""

import numpy as np

import lstmcore as keras
from lstmcore import ops
from lstmcore.layers import LSTM, Dense, Layer


class Time2Vec(Layer):
    def __init__(self, kernel_size=1, **kwargs):
        super().__init__(trainable=True, name="Time2VecLayer", **kwargs)
        self.k = kernel_size

    def build(self, input_shape):
        self.wb = self.add_weight(name="wb", shape=(input_shape[1],), initializer="uniform")
        self.bb = self.add_weight(name="bb", shape=(input_shape[1],), initializer="uniform")
        self.wa = self.add_weight(
            name="wa", shape=(1, input_shape[1], self.k), initializer="uniform", trainable=True
        )
        self.ba = self.add_weight(
            name="ba", shape=(1, input_shape[1], self.k), initializer="uniform", trainable=True
        )
        super().build(input_shape)

    def call(self, inputs, **kwargs):
        bias = self.wb * inputs[..., 0] + self.bb
        wgts = ops.sin(inputs * self.wa + self.ba)
        return ops.concatenate([ops.expand_dims(bias, -1), wgts], -1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1], self.k + 1)

    def get_config(self):
        config = super().get_config()
        del config["name"], config["trainable"]
        config.update({"kernel_size": self.k})
        return config


class Antirectifier(Layer):
    def call(self, inputs, training=None):
        inputs = inputs - ops.mean(inputs, axis=-1, keepdims=True)
        return ops.concatenate([ops.relu(inputs), ops.relu(-inputs)], axis=-1)


series = np.sin(np.arange(70) * 0.6)
X = np.array([series[i : i + 8] for i in range(60)])[..., None]
y = series[8:68]
inp = keras.layers.Input(shape=(8, 1))
x = Time2Vec(kernel_size=3)(inp)
assert x.shape == (None, 8, 4)
x = LSTM(8, activation="tanh")(x)
x = Antirectifier()(x)
assert x.shape == (None, 16)
x = Dense(1)(x)
m = keras.models.Model(inp, x)
m.compile(loss="mse", optimizer=keras.optimizers.Adam(0.01))
before = m.get_layer("Time2VecLayer").get_weights()
history = m.fit(X, y, epochs=5, batch_size=16, verbose=0)
assert history.history["loss"][-1] < 0.7 * history.history["loss"][0]
after = m.get_layer("Time2VecLayer").get_weights()
assert all(np.abs(a - b).max() > 1e-5 for a, b in zip(before, after, strict=True))

m.save("time2vec.safetensors")
own = {"Time2Vec": Time2Vec, "Antirectifier": Antirectifier}
loaded = keras.models.load_model("time2vec.safetensors", custom_objects=own)
assert np.array_equal(loaded.predict(X, verbose=0), m.predict(X, verbose=0))
