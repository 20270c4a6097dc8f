"""keras.io: translation by a transformer, encoder and decoder layers that take and give masks."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops


class TransformerEncoder(layers.Layer):
    def __init__(self, embed_dim, dense_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.embed_dim, self.dense_dim, self.num_heads = embed_dim, dense_dim, num_heads
        self.attention = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.dense_proj = keras.Sequential(
            [layers.Dense(dense_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm_1 = layers.LayerNormalization()
        self.layernorm_2 = layers.LayerNormalization()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        padding_mask = None
        if mask is not None:
            padding_mask = ops.cast(mask[:, None, :], dtype="int32")
        attention_output = self.attention(
            query=inputs, value=inputs, key=inputs, attention_mask=padding_mask
        )
        proj_input = self.layernorm_1(inputs + attention_output)
        return self.layernorm_2(proj_input + self.dense_proj(proj_input))


class PositionalEmbedding(layers.Layer):
    def __init__(self, sequence_length, vocab_size, embed_dim, **kwargs):
        super().__init__(**kwargs)
        self.token_embeddings = layers.Embedding(input_dim=vocab_size, output_dim=embed_dim)
        self.position_embeddings = layers.Embedding(input_dim=sequence_length, output_dim=embed_dim)

    def call(self, inputs):
        length = ops.shape(inputs)[-1]
        positions = ops.arange(0, length, 1)
        return self.token_embeddings(inputs) + self.position_embeddings(positions)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0)


class TransformerDecoder(layers.Layer):
    def __init__(self, embed_dim, latent_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.attention_1 = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.attention_2 = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.dense_proj = keras.Sequential(
            [layers.Dense(latent_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm_1 = layers.LayerNormalization()
        self.layernorm_2 = layers.LayerNormalization()
        self.layernorm_3 = layers.LayerNormalization()
        self.add = layers.Add()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        inputs, encoder_outputs = inputs
        inputs_padding_mask, encoder_outputs_padding_mask = None, None
        if mask is not None:
            inputs_padding_mask, encoder_outputs_padding_mask = mask
        attention_output_1 = self.attention_1(
            query=inputs,
            value=inputs,
            key=inputs,
            use_causal_mask=True,
            query_mask=inputs_padding_mask,
        )
        out_1 = self.layernorm_1(self.add([inputs, attention_output_1]))
        attention_output_2 = self.attention_2(
            query=out_1,
            value=encoder_outputs,
            key=encoder_outputs,
            query_mask=inputs_padding_mask,
            key_mask=encoder_outputs_padding_mask,
        )
        out_2 = self.layernorm_2(self.add([out_1, attention_output_2]))
        return self.layernorm_3(self.add([out_2, self.dense_proj(out_2)]))


sequence_length, vocab_size, embed_dim, latent_dim, num_heads = 6, 12, 8, 16, 2
START, END = 10, 11
rng = np.random.default_rng(0)
source = [rng.integers(1, 6, rng.integers(2, 5)) for _ in range(32)]
target = [[START, *(s + 4), END] for s in source]  # word for word
x = keras.utils.pad_sequences(source, maxlen=sequence_length, padding="post")
y = keras.utils.pad_sequences(target, maxlen=sequence_length + 1, padding="post")

encoder_inputs = keras.Input(shape=(None,), dtype="int64", name="encoder_inputs")
x_in = PositionalEmbedding(sequence_length, vocab_size, embed_dim)(encoder_inputs)
encoder_outputs = TransformerEncoder(embed_dim, latent_dim, num_heads)(x_in)
encoder = keras.Model(encoder_inputs, encoder_outputs)

decoder_inputs = keras.Input(shape=(None,), dtype="int64", name="decoder_inputs")
encoded_seq_inputs = keras.Input(shape=(None, embed_dim), name="decoder_state_inputs")
x_out = PositionalEmbedding(sequence_length, vocab_size, embed_dim)(decoder_inputs)
x_out = TransformerDecoder(embed_dim, latent_dim, num_heads)([x_out, encoder_outputs])
x_out = layers.Dropout(0.1)(x_out)
decoder_outputs = layers.Dense(vocab_size, activation="softmax")(x_out)
transformer = keras.Model(
    {"encoder_inputs": encoder_inputs, "decoder_inputs": decoder_inputs},
    decoder_outputs,
    name="transformer",
)
transformer.compile(
    keras.optimizers.RMSprop(0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=0),
    metrics=["accuracy"],
)
history = transformer.fit(
    {"encoder_inputs": x, "decoder_inputs": y[:, :-1]}, y[:, 1:], batch_size=8, epochs=4, verbose=0
)
assert history.history["loss"][-1] < 0.8 * history.history["loss"][0]

padded = transformer.predict({"encoder_inputs": x, "decoder_inputs": y[:, :-1]}, verbose=0)
short = min(range(32), key=lambda i: len(source[i]))
n = len(source[short])
alone = transformer.predict(
    {"encoder_inputs": x[short : short + 1, :n], "decoder_inputs": y[short : short + 1, : n + 1]},
    verbose=0,
)
assert np.allclose(padded[short, : n + 1], alone[0], atol=1e-5)
