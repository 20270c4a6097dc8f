"""NER tutorials: a bidirectional LSTM and a CRF that tags words, padding masked."""

import numpy as np

import lstmcore as keras
from lstmcore.layers import CRF, LSTM, Bidirectional, Dense, Embedding, Input, TimeDistributed
from lstmcore.models import Model

words = ["<pad>", "new", "york", "is", "big", "ann", "likes", "paris"]
tags = ["O", "B", "I"]
sentences = [[1, 2, 3, 4], [5, 6, 1, 2], [5, 6, 7], [7, 3, 1], [1, 2], [4, 1, 2, 6]] * 4
word_tags = {1: 0, 2: 2, 7: 1}


def tag(sentence):  # "new" is of a name only before "york"
    following = [*sentence[1:], 0]
    return [
        1 if w == 1 and n == 2 else word_tags.get(w, 0)
        for w, n in zip(sentence, following, strict=True)
    ]


X = keras.utils.pad_sequences(sentences, padding="post")
y = keras.utils.pad_sequences([tag(s) for s in sentences], padding="post")

inputs = Input(shape=(None,))
x = Embedding(len(words), 8, mask_zero=True)(inputs)
x = Bidirectional(LSTM(8, return_sequences=True))(x)
x = TimeDistributed(Dense(len(tags)))(x)
crf = CRF(len(tags))
model = Model(inputs, crf(x))
model.compile(optimizer=keras.optimizers.Adam(0.05), loss=crf.loss, metrics=[crf.accuracy])
history = model.fit(X, y, batch_size=8, epochs=8, verbose=0)
assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]
assert history.history["accuracy"][-1] > 0.9

found = model.predict(keras.utils.pad_sequences([[7, 6, 1, 2]]), verbose=0)
assert np.argmax(found, axis=-1)[0].tolist() == [1, 0, 1, 2]
