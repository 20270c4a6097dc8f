"""keras.io: sums of numbers written as text, learnt by an encoder and a decoder of LSTMs."""

import numpy as np

import lstmcore as keras
from lstmcore import layers

DIGITS = 2
MAXLEN = DIGITS + 1 + DIGITS


class CharacterTable:
    def __init__(self, chars):
        self.chars = sorted(set(chars))
        self.char_indices = {c: i for i, c in enumerate(self.chars)}
        self.indices_char = dict(enumerate(self.chars))

    def encode(self, text, num_rows):
        x = np.zeros((num_rows, len(self.chars)))
        for i, c in enumerate(text):
            x[i, self.char_indices[c]] = 1
        return x

    def decode(self, x, calc_argmax=True):
        if calc_argmax:
            x = x.argmax(axis=-1)
        return "".join(self.indices_char[i] for i in x)


chars = "0123456789+ "
ctable = CharacterTable(chars)
rng = np.random.default_rng(1)
pairs = rng.integers(0, 100, (128, 2))
x = np.array([ctable.encode(f"{a}+{b}".ljust(MAXLEN)[::-1], MAXLEN) for a, b in pairs], bool)
y = np.array([ctable.encode(str(a + b).ljust(DIGITS + 1), DIGITS + 1) for a, b in pairs], bool)
x_train, y_train, x_val, y_val = x[:112], y[:112], x[112:], y[112:]

num_layers = 1
model = keras.Sequential()
model.add(layers.Input((MAXLEN, len(chars))))
model.add(layers.LSTM(32))
model.add(layers.RepeatVector(DIGITS + 1))
for _ in range(num_layers):
    model.add(layers.LSTM(32, return_sequences=True))
model.add(layers.Dense(len(chars), activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.summary(print_fn=lambda line: None)

losses = []
for _ in range(1, 4):
    history = model.fit(
        x_train, y_train, batch_size=16, epochs=1, validation_data=(x_val, y_val), verbose=0
    )
    losses.append(history.history["val_loss"][0])
    for i in range(3):
        rowx = x_val[np.array([i])]
        preds = np.argmax(model.predict(rowx, verbose=0), axis=-1)
        guess = ctable.decode(preds[0], calc_argmax=False)

assert losses[-1] < losses[0]
assert len(guess) == DIGITS + 1
a, b = pairs[112]
assert ctable.decode(y_val[0]).strip() == str(a + b)
assert ctable.decode(x_val[0])[::-1].strip() == f"{a}+{b}"
