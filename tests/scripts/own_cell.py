"""Keras's documentation of RNN: a cell with call(inputs, states), alone and stacked, masked."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops


@keras.saving.register_keras_serializable()
class MinimalRNNCell(keras.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="uniform", name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, self.units), initializer="uniform", name="recurrent_kernel"
        )

    def call(self, inputs, states):
        prev_output = states[0]
        h = ops.matmul(inputs, self.kernel)
        output = h + ops.matmul(prev_output, self.recurrent_kernel)
        return output, [output]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class CoupledCell(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size, self.output_size = units, [units, units], units
        self.gates, self.candidate = layers.Dense(units), layers.Dense(units)

    def build(self, input_shape):
        shape = (input_shape[0], input_shape[-1] + self.units)
        self.gates.build(shape)
        self.candidate.build(shape)

    def call(self, inputs, states, training=None):
        h, c = states
        both = ops.concatenate([inputs, h], axis=-1)
        forget = ops.sigmoid(self.gates(both))
        c = forget * c + (1 - forget) * ops.tanh(self.candidate(both))
        return ops.tanh(c), [ops.tanh(c), c]

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units)), ops.zeros((batch_size, self.units))]


rng = np.random.default_rng(0)
x = rng.normal(size=(32, 6, 3)).astype("float32")
y = x.sum(axis=(1, 2))[:, None]

cell = MinimalRNNCell(4)
layer = layers.RNN(cell)
found = layer(x)
state = np.zeros((32, 4))
for t in range(6):
    state = x[:, t] @ cell.kernel.numpy() + state @ cell.recurrent_kernel.numpy()
assert np.allclose(found, state, atol=1e-5)

stacked = layers.RNN([MinimalRNNCell(4), CoupledCell(5)], return_sequences=True)
for recurrent in (layers.RNN(CoupledCell(8)), layers.Bidirectional(layers.RNN(MinimalRNNCell(4)))):
    model = keras.Sequential([keras.Input((None, 3)), layers.Masking(), recurrent, layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    history = model.fit(x, y, epochs=3, batch_size=8, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    padded = np.concatenate([x, np.zeros((32, 2, 3))], axis=1)
    alike = model.predict(padded, verbose=0), model.predict(x, verbose=0)
    assert np.allclose(*alike, atol=1e-5)
assert stacked(x).shape == (32, 6, 5)
