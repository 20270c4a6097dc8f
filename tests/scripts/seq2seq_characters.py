"""keras.io: translation character by character, as published: the model is saved as .keras."""

import numpy as np

import lstmcore as keras

pairs = [("go.", "va !"), ("hi.", "salut !"), ("run.", "cours !"), ("wait.", "attends !")]
latent_dim = 16
input_texts = [source for source, _ in pairs]
target_texts = [f"\t{target}\n" for _, target in pairs]
input_characters = sorted({" ", *"".join(input_texts)})
target_characters = sorted({" ", *"".join(target_texts)})
input_token_index = {char: i for i, char in enumerate(input_characters)}
target_token_index = {char: i for i, char in enumerate(target_characters)}
num_encoder_tokens, num_decoder_tokens = len(input_characters), len(target_characters)
max_encoder_seq_length = max(map(len, input_texts))
max_decoder_seq_length = max(map(len, target_texts))

encoder_input_data = np.zeros((len(pairs), max_encoder_seq_length, num_encoder_tokens), "float32")
decoder_input_data = np.zeros((len(pairs), max_decoder_seq_length, num_decoder_tokens), "float32")
decoder_target_data = np.zeros_like(decoder_input_data)
for i, (input_text, target_text) in enumerate(zip(input_texts, target_texts, strict=True)):
    for t, char in enumerate(input_text):
        encoder_input_data[i, t, input_token_index[char]] = 1.0
    for t, char in enumerate(target_text):
        decoder_input_data[i, t, target_token_index[char]] = 1.0
        if t > 0:
            decoder_target_data[i, t - 1, target_token_index[char]] = 1.0

encoder_inputs = keras.Input(shape=(None, num_encoder_tokens))
encoder = keras.layers.LSTM(latent_dim, return_state=True)
encoder_outputs, state_h, state_c = encoder(encoder_inputs)
encoder_states = [state_h, state_c]
decoder_inputs = keras.Input(shape=(None, num_decoder_tokens))
decoder_lstm = keras.layers.LSTM(latent_dim, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = keras.layers.Dense(num_decoder_tokens, activation="softmax")
decoder_outputs = decoder_dense(decoder_outputs)
model = keras.Model([encoder_inputs, decoder_inputs], decoder_outputs)

model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(
    [encoder_input_data, decoder_input_data],
    decoder_target_data,
    batch_size=2,
    epochs=1,
    validation_split=0.25,
    verbose=0,
)
model.save("s2s_model.keras")
model = keras.models.load_model("s2s_model.keras")
encoder_inputs = model.input[0]
encoder_outputs, state_h_enc, state_c_enc = model.layers[2].output
encoder_model = keras.Model(encoder_inputs, [state_h_enc, state_c_enc])
h, c = encoder_model.predict(encoder_input_data[:1], verbose=0)
assert h.shape == c.shape == (1, latent_dim)
