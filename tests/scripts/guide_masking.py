"""Keras's guide to masks: layers that make, change, pass on and use them, in graphs and in turn."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops

raw_inputs = [[711, 632, 71], [73, 8, 32, 55, 927], [83, 91, 1, 645, 253, 927]]
padded_inputs = keras.utils.pad_sequences(raw_inputs, padding="post")
embedding = layers.Embedding(input_dim=1000, output_dim=4, mask_zero=True)
assert embedding.compute_mask(padded_inputs).sum() == 14

lstm = layers.LSTM(5)
in_turn = lstm(embedding(padded_inputs))
model = keras.Sequential([embedding, lstm])
assert np.allclose(in_turn, model.predict(padded_inputs, verbose=0), atol=1e-6)
assert np.allclose(in_turn[0], lstm(embedding(padded_inputs[:1, :3]))[0], atol=1e-6)
mask = embedding.compute_mask(padded_inputs)
assert np.allclose(in_turn, lstm(np.asarray(embedding(padded_inputs)), mask=mask), atol=1e-6)


class MyLayer(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(input_dim=1000, output_dim=4, mask_zero=True)
        self.lstm = layers.LSTM(5)

    def call(self, inputs):
        x = self.embedding(inputs)
        mask = self.embedding.compute_mask(inputs)
        return self.lstm(x, mask=mask)


layer = MyLayer()
assert np.allclose(layer(padded_inputs)[0], layer(padded_inputs[:1, :3])[0], atol=1e-6)


class TemporalSplit(keras.layers.Layer):
    def call(self, inputs):
        return ops.split(inputs, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        if mask is None:
            return None
        return ops.split(mask, 2, axis=1)


class MyActivation(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return ops.relu(inputs)


class TemporalSoftmax(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        assert mask is not None
        broadcast_float_mask = ops.expand_dims(ops.cast(mask, "float32"), -1)
        inputs_exp = ops.exp(inputs) * broadcast_float_mask
        inputs_sum = ops.sum(inputs_exp, axis=1, keepdims=True)
        return inputs_exp / inputs_sum


inputs = keras.Input(shape=(6,), dtype="int32")
x = layers.Embedding(input_dim=1000, output_dim=4, mask_zero=True)(inputs)
x = MyActivation()(x)
outputs = TemporalSoftmax()(x)
model = keras.Model(inputs, outputs)
y = model(padded_inputs)
assert np.allclose(y.sum(axis=1), 1, atol=1e-5)
assert not np.any(y[0, 3:])

first, second = TemporalSplit()(embedding(padded_inputs))
assert first.shape == second.shape == (3, 3, 4)
assert np.allclose(layers.LSTM(5)(second)[0], 0)  # all of its steps are masked
