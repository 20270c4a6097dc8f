"""Keras's guide to recurrent layers: states, statefulness, cells, and a cell of nested inputs."""

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


class NestedCell(keras.Layer):
    def __init__(self, unit_1, unit_2, **kwargs):
        super().__init__(**kwargs)
        self.unit_1, self.unit_2 = unit_1, unit_2
        self.state_size = [unit_1, unit_2]
        self.output_size = [unit_1, unit_2]

    def build(self, input_shapes):
        i1, i2 = input_shapes[0][1], input_shapes[1][1]
        self.kernel_1 = self.add_weight(
            shape=(i1, self.unit_1), initializer="uniform", name="kernel_1"
        )
        self.kernel_2 = self.add_weight(
            shape=(i2, self.unit_2), initializer="uniform", name="kernel_2"
        )

    def call(self, inputs, states):
        input_1, input_2 = inputs
        s1, s2 = states
        output_1 = ops.tanh(ops.matmul(input_1, self.kernel_1) + s1)
        output_2 = ops.tanh(ops.matmul(input_2, self.kernel_2) + s2)
        return (output_1, output_2), [output_1, output_2]

    def get_config(self):
        return {"unit_1": self.unit_1, "unit_2": self.unit_2}


rnn = layers.RNN(NestedCell(4, 5))
input_1, input_2 = keras.Input((None, 3)), keras.Input((None, 2))
outputs = rnn((input_1, input_2))
model = keras.models.Model([input_1, input_2], outputs)
model.compile(optimizer="adam", loss="mse", metrics=["mae", "mae"])
data = [np.random.random((8, 6, 3)), np.random.random((8, 6, 2))]
targets = [np.random.random((8, 4)), np.random.random((8, 5))]
history = model.fit(data, targets, batch_size=4, epochs=2, verbose=0)
assert history.history["loss"][1] < history.history["loss"][0]
