"""Tutorial: how alike two sentences are, one LSTM for both, and exp(-L1) as a Lambda of K."""

import numpy as np

from lstmcore import backend as K
from lstmcore.layers import LSTM, Embedding, Input, Lambda
from lstmcore.models import Model
from lstmcore.optimizers import Adadelta
from lstmcore.preprocessing.sequence import pad_sequences

n_hidden, max_seq_length, vocabulary = 8, 6, 12
rng = np.random.default_rng(0)
left = [list(rng.integers(1, vocabulary, rng.integers(2, 6))) for _ in range(32)]
same = rng.integers(0, 2, 32)
right = [
    list(rng.permutation(s)) if q else list(rng.integers(1, vocabulary, 4))
    for s, q in zip(left, same, strict=True)
]
x_left, x_right = (pad_sequences(side, maxlen=max_seq_length) for side in (left, right))


def exponent_neg_manhattan_distance(left, right):
    return K.exp(-K.sum(K.abs(left - right), axis=1, keepdims=True))


left_input = Input(shape=(max_seq_length,), dtype="int32")
right_input = Input(shape=(max_seq_length,), dtype="int32")
embedding_layer = Embedding(
    vocabulary, 6, weights=[rng.normal(size=(vocabulary, 6))], trainable=False
)
shared_lstm = LSTM(n_hidden)
left_output = shared_lstm(embedding_layer(left_input))
right_output = shared_lstm(embedding_layer(right_input))
malstm_distance = Lambda(
    function=lambda x: exponent_neg_manhattan_distance(x[0], x[1]),
    output_shape=lambda x: (x[0][0], 1),
)([left_output, right_output])
malstm = Model([left_input, right_input], [malstm_distance])
malstm.compile(
    loss="mean_squared_error",
    optimizer=Adadelta(learning_rate=1.0, clipnorm=1.25),
    metrics=["accuracy"],
)
history = malstm.fit([x_left, x_right], same, batch_size=8, epochs=5, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
assert np.allclose(malstm.predict([x_left, x_left], verbose=0), 1)
assert len(malstm.trainable_weights) == 3
