"""keras.io: text written character by character by an LSTM, sampled at several temperatures."""

import numpy as np

import lstmcore as keras
from lstmcore import layers

text = "the sun goes up, the sun goes down, and the rain goes round and round. " * 4
chars = sorted(set(text))
char_indices = {c: i for i, c in enumerate(chars)}
indices_char = dict(enumerate(chars))

maxlen, step = 12, 3
starts = range(0, len(text) - maxlen, step)
sentences = [text[i : i + maxlen] for i in starts]
x = np.zeros((len(sentences), maxlen, len(chars)), dtype="bool")
y = np.zeros((len(sentences), len(chars)), dtype="bool")
for i, sentence in enumerate(sentences):
    for t, char in enumerate(sentence):
        x[i, t, char_indices[char]] = 1
    y[i, char_indices[text[starts[i] + maxlen]]] = 1

model = keras.Sequential(
    [
        keras.Input(shape=(maxlen, len(chars))),
        layers.LSTM(32),
        layers.Dense(len(chars), activation="softmax"),
    ]
)
model.compile(
    loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(learning_rate=0.01)
)


def sample(preds, temperature=1.0):
    scaled = np.exp(np.log(np.asarray(preds, dtype="float64")) / temperature)
    return np.argmax(np.random.multinomial(1, scaled / scaled.sum(), 1))


losses = []
for _ in range(3):
    history = model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    losses += history.history["loss"]
    for diversity in (0.2, 1.0):
        sentence, generated = text[:maxlen], ""
        for _ in range(8):
            x_pred = np.zeros((1, maxlen, len(chars)))
            for t, char in enumerate(sentence):
                x_pred[0, t, char_indices[char]] = 1.0
            preds = model.predict(x_pred, verbose=0)[0]
            next_char = indices_char[sample(preds, diversity)]
            sentence = sentence[1:] + next_char
            generated += next_char

assert losses[-1] < 0.9 * losses[0]
assert len(generated) == 8
assert set(generated) <= set(chars)
