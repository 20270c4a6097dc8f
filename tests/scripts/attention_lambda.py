"""Tutorial: attention made of Dense, Permute, Lambda and multiply, and seen by a second model."""

import numpy as np

import lstmcore.backend as K
from lstmcore.layers import (
    LSTM,
    Activation,
    Dense,
    Dot,
    Flatten,
    Input,
    Lambda,
    Permute,
    RepeatVector,
    concatenate,
    multiply,
)
from lstmcore.models import Model

TIME_STEPS, INPUT_DIM, n = 8, 2, 64
rng = np.random.default_rng(0)
y = rng.integers(0, 2, (n, 1))
x = rng.normal(size=(n, TIME_STEPS, INPUT_DIM))
x[:, 3] = y  # the step that matters


def attention_3d_block(inputs):
    a = Permute((2, 1))(inputs)
    a = Dense(TIME_STEPS, activation="softmax")(a)
    a = Lambda(lambda x: K.mean(x, axis=1), name="dim_reduction")(a)
    a = RepeatVector(INPUT_DIM)(a)
    a_probs = Permute((2, 1), name="attention_vec")(a)
    return multiply([inputs, a_probs], name="attention_mul")


inputs = Input(shape=(TIME_STEPS, INPUT_DIM))
attention_mul = attention_3d_block(inputs)
attention_mul = LSTM(8, return_sequences=False)(attention_mul)
output = Dense(1, activation="sigmoid")(attention_mul)
m = Model(inputs=[inputs], outputs=output)
m.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = m.fit([x], y, epochs=5, batch_size=16, validation_split=0.1, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
attention_vectors = Model(m.input, m.get_layer("attention_vec").output).predict(x, verbose=0)
assert attention_vectors.shape == x.shape
assert np.allclose(attention_vectors.sum(axis=1), 1, atol=1e-5)

inputs = Input(shape=(TIME_STEPS, INPUT_DIM))
hidden_states = LSTM(8, return_sequences=True)(inputs)
score_first_part = Dense(8, use_bias=False)(hidden_states)
h_t = Lambda(lambda x: x[:, -1, :], output_shape=(8,), name="last_hidden_state")(hidden_states)
score = Dot(axes=[1, 2])([h_t, score_first_part])
attention_weights = Activation("softmax", name="attention_weight")(score)
context_vector = Dot(axes=[1, 1])([hidden_states, attention_weights])
weighted = Lambda(lambda x: K.batch_dot(x[0], x[1], axes=(1, 1)))(
    [attention_weights, hidden_states]
)
pre_activation = concatenate([context_vector, h_t])
attended = Dense(8, use_bias=False, activation="tanh")(pre_activation)
outputs = Dense(1, activation="sigmoid")(Flatten()(attended))
model = Model(inputs, outputs)
model.compile(loss="binary_crossentropy", optimizer="adam")
history = model.fit(x, y, epochs=5, batch_size=16, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
ways = Model(inputs, [context_vector, weighted]).predict(x, verbose=0)
assert np.allclose(*ways, atol=1e-5)
