"""keras.io: sentiment from folders of text files, with a standardization of one's own."""

import os
import re

import numpy as np

import lstmcore as keras
from lstmcore import layers

for label, words in (("neg", "dull and slow"), ("pos", "fresh and funny")):
    os.makedirs(f"reviews/{label}")
    for i in range(16):
        with open(f"reviews/{label}/{i}.txt", "w") as f:
            f.write(f"A <br />{words} film, number {i}.")

batch_size = 8
raw_train_ds = keras.utils.text_dataset_from_directory(
    "reviews", batch_size=batch_size, validation_split=0.25, subset="training", seed=1337
)
raw_val_ds = keras.utils.text_dataset_from_directory(
    "reviews", batch_size=batch_size, validation_split=0.25, subset="validation", seed=1337
)
assert raw_train_ds.class_names == ["neg", "pos"]


def custom_standardization(input_data):
    lowered = np.char.lower(np.asarray(input_data, dtype=str))
    strip = np.vectorize(lambda text: re.sub(r"<br />|[^\w\s]", " ", text))
    return strip(lowered)


max_features, embedding_dim, sequence_length = 40, 8, 10
vectorize_layer = layers.TextVectorization(
    standardize=custom_standardization,
    max_tokens=max_features,
    output_mode="int",
    output_sequence_length=sequence_length,
)
text_ds = raw_train_ds.map(lambda x, y: x)
vectorize_layer.adapt(text_ds)


def vectorize_text(text, label):
    return vectorize_layer(text), label


train_ds = raw_train_ds.map(vectorize_text)
val_ds = raw_val_ds.map(vectorize_text)

inputs = keras.Input(shape=(None,), dtype="int64")
x = layers.Embedding(max_features, embedding_dim)(inputs)
x = layers.Dropout(0.1)(x)
x = layers.Conv1D(16, 7, padding="valid", activation="relu", strides=3)(x)
x = layers.GlobalMaxPooling1D()(x)
x = layers.Dense(16, activation="relu")(x)
predictions = layers.Dense(1, activation="sigmoid", name="predictions")(x)
model = keras.Model(inputs, predictions)
model.compile(
    loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.02), metrics=["accuracy"]
)
history = model.fit(train_ds, validation_data=val_ds, epochs=4, verbose=0)
assert history.history["val_loss"][-1] < history.history["val_loss"][0]

inputs = keras.Input(shape=(1,), dtype="string")
indices = vectorize_layer(inputs)
outputs = model(indices)
end_to_end_model = keras.Model(inputs, outputs)
end_to_end_model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
loss, accuracy = end_to_end_model.evaluate(raw_val_ds, verbose=0)
assert np.isclose(loss, history.history["val_loss"][-1], rtol=1e-4)
assert accuracy > 0.8
