"""Keras blog: translation word by word, decoded by two models made of the trained layers."""

import numpy as np

import lstmcore as keras
from lstmcore.layers import LSTM, Dense, Embedding, Input
from lstmcore.models import Model

SOURCE = ["a dog runs", "a cat runs", "the dog sleeps", "the cat sleeps"]
TARGET = ["un chien court", "un chat court", "le chien dort", "le chat dort"]
source_words = ["", *sorted({w for s in SOURCE for w in s.split()})]
target_words = ["", "<s>", "</s>", *sorted({w for s in TARGET for w in s.split()})]
encoder_input_data = np.array([[source_words.index(w) for w in s.split()] for s in SOURCE])
target = [["<s>", *s.split(), "</s>"] for s in TARGET]
target = np.array([[target_words.index(w) for w in s] for s in target])
decoder_input_data, decoder_target_data = target[:, :-1], target[:, 1:]
latent_dim = 24

encoder_inputs = Input(shape=(None,))
x = Embedding(len(source_words), latent_dim)(encoder_inputs)
x, state_h, state_c = LSTM(latent_dim, return_state=True)(x)
encoder_states = [state_h, state_c]

decoder_inputs = Input(shape=(None,))
decoder_embedding = Embedding(len(target_words), latent_dim)
decoder_lstm = LSTM(latent_dim, return_sequences=True, return_state=True)
x, _, _ = decoder_lstm(decoder_embedding(decoder_inputs), initial_state=encoder_states)
decoder_dense = Dense(len(target_words), activation="softmax")
decoder_outputs = decoder_dense(x)

model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(optimizer=keras.optimizers.RMSprop(0.02), loss="sparse_categorical_crossentropy")
history = model.fit(
    [encoder_input_data, decoder_input_data],
    np.expand_dims(decoder_target_data, -1),
    batch_size=4,
    epochs=60,
    verbose=0,
)
assert history.history["loss"][-1] < 0.2 * history.history["loss"][0]

encoder_model = Model(encoder_inputs, encoder_states)
decoder_state_input_h = Input(shape=(latent_dim,))
decoder_state_input_c = Input(shape=(latent_dim,))
decoder_states_inputs = [decoder_state_input_h, decoder_state_input_c]
x, state_h, state_c = decoder_lstm(
    decoder_embedding(decoder_inputs), initial_state=decoder_states_inputs
)
decoder_model = Model(
    [decoder_inputs, *decoder_states_inputs], [decoder_dense(x), state_h, state_c]
)


def decode_sequence(input_seq):
    states_value = encoder_model.predict(input_seq, verbose=0)
    target_seq, decoded = np.array([[target_words.index("<s>")]]), []
    while True:
        output_tokens, h, c = decoder_model.predict([target_seq, *states_value], verbose=0)
        sampled = np.argmax(output_tokens[0, -1, :])
        if target_words[sampled] == "</s>" or len(decoded) > 5:
            return " ".join(decoded)
        decoded.append(target_words[sampled])
        target_seq = np.array([[sampled]])
        states_value = [h, c]


assert [decode_sequence(encoder_input_data[i : i + 1]) for i in range(4)] == TARGET
