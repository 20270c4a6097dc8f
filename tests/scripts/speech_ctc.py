"""keras.io: speech into text, spectrograms into GRUs, the CTC loss, and decoding in a callback."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops

vocabulary = ["a", "b", "c"]
rate, tone = 64, {"a": 5, "b": 12, "c": 20}  # cycles per 64 samples
rng = np.random.default_rng(0)
texts = ["".join(rng.permutation(vocabulary)) for _ in range(32)]
time = np.arange(2 * rate) * 2 * np.pi / rate
waves = [np.concatenate([np.sin(tone[c] * time) for c in text]) for text in texts]
waves = np.array(waves, "float32") + 0.05 * rng.normal(size=(32, 6 * rate)).astype("float32")
labels = np.array([[vocabulary.index(c) + 1 for c in text] for text in texts])

stft = ops.stft(waves, sequence_length=64, sequence_stride=32, fft_length=64)
spectrogram = ops.sqrt(ops.square(stft[0]) + ops.square(stft[1]))
spectrogram = ops.power(spectrogram, 0.5)
means = ops.mean(spectrogram, 1, keepdims=True)
stddevs = ops.std(spectrogram, 1, keepdims=True)
x_train = ops.convert_to_numpy((spectrogram - means) / (stddevs + 1e-10))

input_spectrogram = layers.Input((None, x_train.shape[-1]), name="input")
x = layers.Conv1D(16, 3, padding="same", use_bias=False, name="conv_1")(input_spectrogram)
x = layers.BatchNormalization(name="conv_1_bn")(x)
x = layers.ReLU(name="conv_1_relu")(x)
x = layers.Bidirectional(
    layers.GRU(16, return_sequences=True, reset_after=True, name="gru_1"), merge_mode="concat"
)(x)
output = layers.Dense(units=len(vocabulary) + 1, name="logits")(x)
model = keras.Model(input_spectrogram, output, name="DeepSpeech")
model.compile(optimizer=keras.optimizers.Adam(0.03), loss=keras.losses.CTC())


def decode_batch_predictions(pred):
    input_len = np.ones(pred.shape[0]) * pred.shape[1]
    results = ops.ctc_decode(pred, sequence_lengths=input_len, strategy="greedy")[0][0]
    return ["".join(vocabulary[n - 1] for n in row if n > 0) for row in np.asarray(results)]


class CallbackEval(keras.callbacks.Callback):
    def __init__(self, samples):
        super().__init__()
        self.samples, self.shares = samples, []

    def on_epoch_end(self, epoch, logs=None):
        predictions = decode_batch_predictions(self.model.predict(self.samples, verbose=0))
        self.shares.append(np.mean([p == t for p, t in zip(predictions, texts, strict=True)]))


evaluation = CallbackEval(x_train)
history = model.fit(x_train, labels, epochs=16, batch_size=16, verbose=0, callbacks=[evaluation])
assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]
assert evaluation.shares[-1] > 0.5
