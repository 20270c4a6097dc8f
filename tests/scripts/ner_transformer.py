"""keras.io: named entities by a transformer that is a subclass of Model, and a masked loss."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops


class TransformerBlock(layers.Layer):
    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1):
        super().__init__()
        self.att = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.Sequential(
            [layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)

    def call(self, inputs, training=False):
        attn_output = self.dropout1(self.att(inputs, inputs), training=training)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.dropout2(self.ffn(out1), training=training)
        return self.layernorm2(out1 + ffn_output)


class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, maxlen, vocab_size, embed_dim):
        super().__init__()
        self.token_emb = layers.Embedding(input_dim=vocab_size, output_dim=embed_dim)
        self.pos_emb = layers.Embedding(input_dim=maxlen, output_dim=embed_dim)

    def call(self, inputs):
        maxlen = ops.shape(inputs)[-1]
        positions = ops.arange(start=0, stop=maxlen, step=1)
        return self.token_emb(inputs) + self.pos_emb(positions)


class NERModel(keras.Model):
    def __init__(self, num_tags, vocab_size, maxlen=128, embed_dim=32, num_heads=2, ff_dim=32):
        super().__init__()
        self.embedding_layer = TokenAndPositionEmbedding(maxlen, vocab_size, embed_dim)
        self.transformer_block = TransformerBlock(embed_dim, num_heads, ff_dim)
        self.dropout1 = layers.Dropout(0.1)
        self.ff = layers.Dense(ff_dim, activation="relu")
        self.dropout2 = layers.Dropout(0.1)
        self.ff_final = layers.Dense(num_tags, activation="softmax")

    def call(self, inputs, training=False):
        x = self.embedding_layer(inputs)
        x = self.transformer_block(x)
        x = self.dropout1(x, training=training)
        x = self.ff(x)
        x = self.dropout2(x, training=training)
        return self.ff_final(x)


class CustomNonPaddingTokenLoss(keras.losses.Loss):
    def __init__(self, name="custom_ner_loss"):
        super().__init__(name=name)

    def call(self, y_true, y_pred):
        loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=False, reduction=None)
        loss = loss_fn(y_true, y_pred)
        mask = ops.cast((y_true > 0), dtype="float32")
        loss = loss * mask
        return ops.sum(loss) / ops.sum(mask)


vocabulary = ["ada", "bern", "lives", "in", "works", "for", "oslo", "max"]
lookup_layer = keras.layers.StringLookup(vocabulary=vocabulary)
sentences = ["ada lives in bern", "max works for ada", "max lives in oslo", "ada works"] * 4
tags = {"ada": 2, "max": 2, "bern": 3, "oslo": 3}  # 0 is padding, 1 is outside
x = keras.utils.pad_sequences([lookup_layer(s.split()) for s in sentences], padding="post")
y = keras.utils.pad_sequences(
    [[tags.get(w, 1) for w in s.split()] for s in sentences], padding="post"
)

ner_model = NERModel(4, len(vocabulary) + 1, maxlen=16, embed_dim=8, num_heads=2, ff_dim=16)
ner_model.compile(optimizer=keras.optimizers.Adam(0.02), loss=CustomNonPaddingTokenLoss())
history = ner_model.fit(x, y, batch_size=8, epochs=10, verbose=0)
assert history.history["loss"][-1] < 0.6 * history.history["loss"][0]

sample_input = ops.reshape(lookup_layer(["max", "lives", "in", "bern"]), [1, -1])
output = ner_model.predict(sample_input, verbose=0)
assert np.argmax(output, axis=-1)[0].tolist() == [2, 1, 1, 3]
