"""Tutorial: attention over an LSTM's steps as a layer of one's own, written with K and masks."""

import numpy as np

import lstmcore as keras
from lstmcore import backend as K
from lstmcore.layers import LSTM, Bidirectional, Dense, Embedding, Input, Layer
from lstmcore.models import Model


class Attention(Layer):
    def __init__(self, **kwargs):
        self.supports_masking = True
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.W = self.add_weight(
            name="att_weight", shape=(input_shape[-1], 1), initializer="normal"
        )
        self.b = self.add_weight(name="att_bias", shape=(input_shape[1], 1), initializer="zeros")
        super().build(input_shape)

    def call(self, x, mask=None):
        et = K.squeeze(K.tanh(K.dot(x, self.W) + self.b), axis=-1)
        at = K.exp(et)
        if mask is not None:
            at *= K.cast(mask, K.floatx())
        at /= K.cast(K.sum(at, axis=1, keepdims=True) + K.epsilon(), K.floatx())
        at = K.expand_dims(at, axis=-1)
        return K.sum(x * at, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])


rng = np.random.default_rng(0)
texts = [rng.integers(1, 20, rng.integers(3, 8)) for _ in range(48)]
y = np.array([int((t < 6).any()) for t in texts])
x = keras.utils.pad_sequences(texts, maxlen=8)

inputs = Input(shape=(8,))
h = Embedding(20, 6, mask_zero=True)(inputs)
h = Bidirectional(LSTM(6, return_sequences=True))(h)
h = Attention()(h)
outputs = Dense(1, activation="sigmoid")(h)
model = Model(inputs=inputs, outputs=outputs)
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.02), metrics=["acc"])
history = model.fit(x, y, epochs=5, batch_size=16, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
model.save("attention.safetensors")
again = keras.models.load_model("attention.safetensors", custom_objects={"Attention": Attention})
assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
