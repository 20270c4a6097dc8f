"""Tutorial: an LSTM classifier as a subclass of Model: fit, predict, weights, callbacks."""

import numpy as np

import lstmcore as keras
from lstmcore import layers


class SentimentModel(keras.Model):
    def __init__(self, vocab_size, units, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(vocab_size, 8, mask_zero=True)
        self.lstm = layers.Bidirectional(layers.LSTM(units))
        self.dropout = layers.Dropout(0.3)
        self.blocks = [layers.Dense(8, activation="relu") for _ in range(2)]
        self.classifier = layers.Dense(num_classes, activation="softmax")

    def call(self, inputs, training=False):
        x = self.embedding(inputs)
        x = self.lstm(x)
        x = self.dropout(x, training=training)
        for block in self.blocks:
            x = block(x)
        return self.classifier(x)

    def get_config(self):
        return {"vocab_size": 20, "units": 6, "num_classes": 3}


rng = np.random.default_rng(0)
y = rng.integers(0, 3, 48)
texts = [rng.integers(1 + 6 * k, 7 + 6 * k, rng.integers(3, 9)) for k in y]
x = keras.utils.pad_sequences(texts, maxlen=8, padding="post")

model = SentimentModel(20, 6, 3, name="sentiment")
model.compile(
    optimizer=keras.optimizers.Adam(0.02),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x,
    y,
    epochs=6,
    batch_size=8,
    validation_data=(x, y),
    callbacks=[keras.callbacks.EarlyStopping(patience=6, restore_best_weights=True)],
    verbose=0,
)
assert history.history["val_loss"][-1] < history.history["val_loss"][0]
assert len(model.layers) == 6
assert len(model.trainable_weights) == 1 + 6 + 4 + 2
lines = []
model.summary(print_fn=lambda line, *_, **__: lines.append(line))
assert "sentiment" in "\n".join(lines)
loss, accuracy = model.evaluate(x, y, verbose=0)
assert accuracy > 0.5
assert np.allclose(model(x), model.predict(x, verbose=0), atol=1e-6)
assert not np.allclose(model(x, training=True), model(x))
i = int(np.argmin([len(t) for t in texts]))
assert np.allclose(model(x[i : i + 1, : len(texts[i])])[0], model(x)[i], atol=1e-5)

model.save_weights("sentiment.weights.safetensors")
again = SentimentModel(20, 6, 3)
again(x[:1])
again.load_weights("sentiment.weights.safetensors")
assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))

model.lstm.trainable = False
model.compile("adam", "sparse_categorical_crossentropy")
frozen = model.lstm.get_weights()
model.train_on_batch(x, y)
assert all(np.array_equal(a, b) for a, b in zip(model.lstm.get_weights(), frozen, strict=True))
