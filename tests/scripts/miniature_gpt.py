"""keras.io: a small GPT with a causal mask, two outputs of which one has no loss, and sampling."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops


def causal_attention_mask(batch_size, n_dest, n_src, dtype):
    i = ops.arange(n_dest)[:, None]
    j = ops.arange(n_src)
    m = i >= j - n_src + n_dest
    mask = ops.cast(m, dtype)
    mask = ops.reshape(mask, [1, n_dest, n_src])
    mult = ops.concatenate([ops.expand_dims(batch_size, -1), ops.convert_to_tensor([1, 1])], 0)
    return ops.tile(mask, mult)


class TransformerBlock(layers.Layer):
    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1):
        super().__init__()
        self.att = layers.MultiHeadAttention(num_heads, embed_dim)
        self.ffn = keras.Sequential(
            [layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)

    def call(self, inputs):
        input_shape = ops.shape(inputs)
        batch_size, seq_len = input_shape[0], input_shape[1]
        causal_mask = causal_attention_mask(batch_size, seq_len, seq_len, "bool")
        attention_output = self.att(inputs, inputs, attention_mask=causal_mask)
        out1 = self.layernorm1(inputs + self.dropout1(attention_output))
        return self.layernorm2(out1 + self.dropout2(self.ffn(out1)))


class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, maxlen, vocab_size, embed_dim):
        super().__init__()
        self.token_emb = layers.Embedding(input_dim=vocab_size, output_dim=embed_dim)
        self.pos_emb = layers.Embedding(input_dim=maxlen, output_dim=embed_dim)

    def call(self, x):
        positions = self.pos_emb(ops.arange(0, ops.shape(x)[-1], 1))
        return self.token_emb(x) + positions


text = "one two three four five six seven eight one two three four five six seven eight one two"
vectorize_layer = layers.TextVectorization(output_sequence_length=9)
words = text.split()
lines = [" ".join(words[i : i + 9]) for i in range(8)] * 4
vectorize_layer.adapt(lines)
vocab = vectorize_layer.get_vocabulary()
tokenized = np.asarray(vectorize_layer(lines))
x_train, y_train = tokenized[:, :-1], tokenized[:, 1:]
vocab_size, maxlen, embed_dim = len(vocab), 8, 8

inputs = layers.Input(shape=(maxlen,), dtype="int32")
x = TokenAndPositionEmbedding(maxlen, vocab_size, embed_dim)(inputs)
x = TransformerBlock(embed_dim, 2, 16)(x)
outputs = layers.Dense(vocab_size)(x)
model = keras.Model(inputs=inputs, outputs=[outputs, x])
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.03), loss=[loss_fn, None])


class TextGenerator(keras.callbacks.Callback):
    def __init__(self, max_tokens, start_tokens, index_to_word):
        super().__init__()
        self.max_tokens, self.start_tokens = max_tokens, start_tokens
        self.index_to_word, self.text = index_to_word, ""

    def sample_from(self, logits):
        logits, indices = ops.top_k(logits, k=1, sorted=True)
        indices = np.asarray(indices).astype("int32")
        preds = keras.activations.softmax(ops.expand_dims(logits, 0))[0]
        return np.random.choice(indices, p=np.asarray(preds).astype("float32"))

    def on_epoch_end(self, epoch, logs=None):
        tokens = list(self.start_tokens)
        while len(tokens) < self.max_tokens:
            x = np.array([tokens + [0] * (maxlen - len(tokens))])
            y, _ = self.model.predict(x, verbose=0)
            tokens.append(self.sample_from(y[0][len(tokens) - 1]))
        self.text = " ".join(self.index_to_word[t] for t in tokens)


generator = TextGenerator(5, [vocab.index("three"), vocab.index("four")], vocab)
history = model.fit(x_train, y_train, verbose=0, epochs=10, batch_size=16, callbacks=[generator])
assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
assert generator.text == "three four five six seven"
