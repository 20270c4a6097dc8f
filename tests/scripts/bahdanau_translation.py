"""TensorFlow tutorial: translation with Bahdanau's attention, subclassed models, a loop by hand."""

import numpy as np

import lstmcore as keras
from lstmcore import ops

SOURCE, TARGET, UNITS, BATCH = 8, 9, 16, 8


class Encoder(keras.Model):
    def __init__(self, vocab_size, embedding_dim, enc_units, batch_sz):
        super().__init__()
        self.batch_sz, self.enc_units = batch_sz, enc_units
        self.embedding = keras.layers.Embedding(vocab_size, embedding_dim)
        self.gru = keras.layers.GRU(
            self.enc_units,
            return_sequences=True,
            return_state=True,
            recurrent_initializer="glorot_uniform",
        )

    def call(self, x, hidden):
        x = self.embedding(x)
        output, state = self.gru(x, initial_state=hidden)
        return output, state

    def initialize_hidden_state(self):
        return ops.zeros((self.batch_sz, self.enc_units))


class BahdanauAttention(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.W1 = keras.layers.Dense(units)
        self.W2 = keras.layers.Dense(units)
        self.V = keras.layers.Dense(1)

    def call(self, query, values):
        query_with_time_axis = ops.expand_dims(query, 1)
        score = self.V(ops.tanh(self.W1(query_with_time_axis) + self.W2(values)))
        attention_weights = ops.softmax(score, axis=1)
        context_vector = ops.sum(attention_weights * values, axis=1)
        return context_vector, attention_weights


class Decoder(keras.Model):
    def __init__(self, vocab_size, embedding_dim, dec_units):
        super().__init__()
        self.embedding = keras.layers.Embedding(vocab_size, embedding_dim)
        self.gru = keras.layers.GRU(dec_units, return_sequences=True, return_state=True)
        self.fc = keras.layers.Dense(vocab_size)
        self.attention = BahdanauAttention(dec_units)

    def call(self, x, hidden, enc_output):
        context_vector, attention_weights = self.attention(hidden, enc_output)
        x = self.embedding(x)
        x = ops.concatenate([ops.expand_dims(context_vector, 1), x], axis=-1)
        output, state = self.gru(x)
        output = ops.reshape(output, (-1, output.shape[2]))
        return self.fc(output), state, attention_weights


rng = np.random.default_rng(0)
inp = rng.integers(1, SOURCE, (32, 4))
start = TARGET - 1
targ = np.column_stack([np.full(32, start), SOURCE - inp[:, :3]])

encoder = Encoder(SOURCE, 8, UNITS, BATCH)
decoder = Decoder(TARGET, 8, UNITS)
sample_output, sample_hidden = encoder(inp[:BATCH], encoder.initialize_hidden_state())
assert sample_output.shape == (BATCH, 4, UNITS)
attention_result, attention_weights = BahdanauAttention(10)(sample_hidden, sample_output)
assert attention_result.shape == (BATCH, UNITS)
assert attention_weights.shape == (BATCH, 4, 1)

optimizer = keras.optimizers.Adam(0.02)
loss_object = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")


def loss_function(real, pred):
    mask = ops.logical_not(ops.equal(real, 0))
    loss_ = loss_object(real, pred)
    loss_ *= ops.cast(mask, dtype=loss_.dtype)
    return ops.mean(loss_)


def train_step(inp, targ, enc_hidden):
    loss = 0
    with keras.GradientTape() as tape:
        enc_output, enc_hidden = encoder(inp, enc_hidden)
        dec_hidden = enc_hidden
        dec_input = ops.expand_dims(targ[:, 0], 1)
        for t in range(1, targ.shape[1]):
            predictions, dec_hidden, _ = decoder(dec_input, dec_hidden, enc_output)
            loss += loss_function(targ[:, t], predictions)
            dec_input = ops.expand_dims(targ[:, t], 1)
    batch_loss = loss / int(targ.shape[1])
    variables = encoder.trainable_variables + decoder.trainable_variables
    gradients = tape.gradient(loss, variables)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
    return batch_loss


losses = []
for _ in range(6):
    total_loss = 0
    for batch in range(4):
        rows = slice(batch * BATCH, (batch + 1) * BATCH)
        total_loss += train_step(inp[rows], targ[rows], encoder.initialize_hidden_state())
    losses.append(float(total_loss) / 4)
assert losses[-1] < 0.8 * losses[0]

hidden = ops.zeros((1, UNITS))
enc_out, dec_hidden = encoder(inp[:1], hidden)
dec_input, attention_plot = np.array([[start]]), []
for _ in range(3):
    predictions, dec_hidden, weights = decoder(dec_input, dec_hidden, enc_out)
    attention_plot.append(ops.reshape(weights, (-1,)).numpy())
    dec_input = np.array([[ops.argmax(predictions[0]).numpy()]])
assert np.allclose(np.sum(attention_plot, axis=1), 1, atol=1e-5)
