"""TensorFlow tutorial: texts into classes, a TextVectorization layer first in the model."""

import numpy as np

import lstmcore as keras

texts = np.array(["a great movie", "really great fun", "a bad movie", "really bad and dull"] * 8)
labels = np.array([1, 1, 0, 0] * 8)

encoder = keras.layers.TextVectorization(max_tokens=50)
encoder.adapt(texts)
vocab = np.array(encoder.get_vocabulary())
assert vocab[:2].tolist() == ["", "[UNK]"]
encoded_example = encoder(texts[:3]).numpy()
assert " ".join(vocab[encoded_example[0]]) == "a great movie"

model = keras.Sequential(
    [
        encoder,
        keras.layers.Embedding(
            input_dim=len(encoder.get_vocabulary()), output_dim=8, mask_zero=True
        ),
        keras.layers.Bidirectional(keras.layers.LSTM(8)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(1),
    ]
)
sample_text = "a great movie but really dull"
alone = model.predict(np.array([sample_text]), verbose=0)
padding = "the " * 20
padded = model.predict(np.array([sample_text, padding]), verbose=0)
assert np.allclose(alone[0], padded[0], atol=1e-5)

model.compile(
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    optimizer=keras.optimizers.Adam(0.02),
    metrics=["accuracy"],
)
history = model.fit(
    texts, labels, epochs=5, batch_size=8, validation_data=(texts, labels), verbose=0
)
assert history.history["val_loss"][-1] < history.history["val_loss"][0]
test_loss, test_acc = model.evaluate(texts, labels, verbose=0)
assert test_acc == 1
predictions = model.predict(np.array(["fun and great", "dull and bad"]), verbose=0)
assert predictions[0] > 0 > predictions[1]
