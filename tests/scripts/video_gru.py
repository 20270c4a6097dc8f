"""keras.io: videos into classes, features of frames and a mask as second input into GRUs."""

import numpy as np

import lstmcore as keras

MAX_SEQ_LENGTH, NUM_FEATURES = 8, 6
rng = np.random.default_rng(0)
class_vocab = ["jump", "run", "walk"]
label_processor = keras.layers.StringLookup(num_oov_indices=0, vocabulary=class_vocab)
names = rng.choice(class_vocab, 48)
labels = np.asarray(label_processor(names[..., None]))
frame_features = rng.normal(size=(48, MAX_SEQ_LENGTH, NUM_FEATURES)).astype("float32")
frame_features[:, :, 0] += 2 * labels - 2
frame_masks = np.arange(MAX_SEQ_LENGTH) < rng.integers(3, MAX_SEQ_LENGTH + 1, (48, 1))
frame_features[~frame_masks] = 0

frame_features_input = keras.Input((MAX_SEQ_LENGTH, NUM_FEATURES))
mask_input = keras.Input((MAX_SEQ_LENGTH,), dtype="bool")
x = keras.layers.GRU(16, return_sequences=True)(frame_features_input, mask=mask_input)
x = keras.layers.GRU(8)(x)
x = keras.layers.Dropout(0.1)(x)
x = keras.layers.Dense(8, activation="relu")(x)
output = keras.layers.Dense(len(class_vocab), activation="softmax")(x)
rnn_model = keras.Model([frame_features_input, mask_input], output)
rnn_model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=keras.optimizers.Adam(0.02),
    metrics=["accuracy"],
)
history = rnn_model.fit(
    [frame_features, frame_masks], labels, validation_split=0.25, epochs=5, verbose=0
)
assert history.history["loss"][-1] < history.history["loss"][0]
changed = np.where(frame_masks[..., None], frame_features, 9)
before = rnn_model.predict([frame_features, frame_masks], verbose=0)
assert np.allclose(before, rnn_model.predict([changed, frame_masks], verbose=0))
