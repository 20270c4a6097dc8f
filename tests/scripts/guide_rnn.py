"""Keras's guide to recurrent layers: states, statefulness, and a cell of two states."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops

encoder_input = layers.Input(shape=(None,))
encoder_embedded = layers.Embedding(input_dim=20, output_dim=8)(encoder_input)
output, state_h, state_c = layers.LSTM(8, return_state=True, name="encoder")(encoder_embedded)
decoder_input = layers.Input(shape=(None,))
decoder_embedded = layers.Embedding(input_dim=20, output_dim=8)(decoder_input)
decoder_output = layers.LSTM(8, name="decoder")(decoder_embedded, initial_state=[state_h, state_c])
model = keras.Model([encoder_input, decoder_input], layers.Dense(10)(decoder_output))
assert model.count_params() == 2 * 160 + 2 * 544 + 90

paragraph1, paragraph2, paragraph3 = np.random.random((3, 4, 5, 3)).astype(np.float32)
lstm_layer = layers.LSTM(6, stateful=True)
output = lstm_layer(paragraph1)
output = lstm_layer(paragraph2)
existing_state = lstm_layer.states
new_lstm_layer = layers.LSTM(6)
new_output = new_lstm_layer(paragraph3, initial_state=existing_state)
assert new_output.shape == (4, 6)
lstm_layer.reset_states()
again = lstm_layer(paragraph1)
whole = layers.LSTM(6)
whole.build((None, None, 3))
whole.set_weights(lstm_layer.get_weights())
assert np.allclose(again, whole(paragraph1), atol=1e-6)


class TwoStates(keras.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs, states):
        h, age = states
        h = ops.tanh(ops.matmul(inputs, self.kernel) + self.bias + h / (1 + age))
        return h, [h, age + 1]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


rnn = layers.RNN(TwoStates(4), return_sequences=True, return_state=True)
series = keras.Input((None, 3))
outputs, last, age = rnn(series)
model = keras.models.Model(series, [layers.Dense(1)(outputs), last, age])
found, last, age = model.predict(paragraph1, verbose=0)
assert found.shape == (4, 5, 1)
assert age.tolist() == [[5.0]] * 4
model = keras.models.Model(series, layers.Dense(1)(outputs))
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse", metrics=["mae"])
data, targets = np.random.random((8, 6, 3)), np.random.random((8, 6, 1))
history = model.fit(data, targets, batch_size=4, epochs=3, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
