"""keras.io: text read from pictures, columns of pixels into LSTMs and a layer with the CTC loss."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops

characters = ["a", "b", "c"]
char_to_num = layers.StringLookup(vocabulary=characters, mask_token=None)
num_to_char = layers.StringLookup(
    vocabulary=char_to_num.get_vocabulary(), mask_token=None, invert=True
)
rng = np.random.default_rng(0)
patterns = rng.uniform(-1, 1, (4, 3, 6))  # of each character three columns of six pixels
texts = ["".join(rng.choice(characters, 3)) for _ in range(48)]
labels = np.array([char_to_num(list(text)) for text in texts])
images = np.array([np.concatenate([patterns[n] for n in row]) for row in labels], "float32")
img_width, img_height = images.shape[1:]
max_length = 3


def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    label_length = ops.cast(ops.squeeze(label_length, axis=-1), dtype="int32")
    input_length = ops.cast(ops.squeeze(input_length, axis=-1), dtype="int32")
    logits = ops.log(y_pred + keras.backend.epsilon())
    target = ops.cast(y_true, dtype="int32")
    blank = y_pred.shape[-1] - 1
    return ops.nn.ctc_loss(target, logits, label_length, input_length, mask_index=blank)


class CTCLayer(layers.Layer):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.loss_fn = ctc_batch_cost

    def call(self, y_true, y_pred):
        batch_len = ops.cast(ops.shape(y_true)[0], dtype="int64")
        input_length = ops.cast(ops.shape(y_pred)[1], dtype="int64")
        label_length = ops.cast(ops.shape(y_true)[1], dtype="int64")
        input_length = input_length * ops.ones(shape=(batch_len, 1), dtype="int64")
        label_length = label_length * ops.ones(shape=(batch_len, 1), dtype="int64")
        loss = self.loss_fn(y_true, y_pred, input_length, label_length)
        self.add_loss(loss)
        return y_pred


input_img = layers.Input(shape=(img_width, img_height), name="image", dtype="float32")
label = layers.Input(name="label", shape=(None,), dtype="float32")
x = layers.Dense(16, activation="relu", name="dense1")(input_img)
x = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(x)
x = layers.Dense(len(char_to_num.get_vocabulary()) + 1, activation="softmax", name="dense2")(x)
output = CTCLayer(name="ctc_loss")(label, x)
model = keras.models.Model(inputs=[input_img, label], outputs=output, name="ocr_model_v1")
model.compile(optimizer=keras.optimizers.Adam(0.03))
history = model.fit(
    {"image": images, "label": labels},
    epochs=12,
    batch_size=16,
    verbose=0,
    callbacks=[keras.callbacks.EarlyStopping(monitor="loss", patience=10)],
)
assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]

prediction_model = keras.models.Model(model.input[0], model.get_layer(name="dense2").output)


def decode_batch_predictions(pred):
    input_len = np.ones(pred.shape[0]) * pred.shape[1]
    results = ops.ctc_decode(
        pred, sequence_lengths=input_len, strategy="greedy", mask_index=pred.shape[-1] - 1
    )[0][0]
    rows = [[n for n in row if n >= 0] for row in np.asarray(results)[:, :max_length]]
    return ["".join(num_to_char(row)) for row in rows]


pred_texts = decode_batch_predictions(prediction_model.predict(images, verbose=0))
assert np.mean([a == b for a, b in zip(pred_texts, texts, strict=True)]) > 0.5
