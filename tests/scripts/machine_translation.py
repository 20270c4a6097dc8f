"""Tutorial: phrases translated by an encoder, RepeatVector and a decoder, with a Tokenizer."""

import numpy as np

from lstmcore.layers import LSTM, Dense, Embedding, RepeatVector, TimeDistributed
from lstmcore.models import Sequential
from lstmcore.optimizers import RMSprop
from lstmcore.preprocessing.sequence import pad_sequences
from lstmcore.preprocessing.text import Tokenizer
from lstmcore.utils import to_categorical

dataset = np.array(
    [
        ["i am cold", "mir ist kalt"],
        ["i am hot", "mir ist heiss"],
        ["you are cold", "dir ist kalt"],
        ["you are hot", "dir ist heiss"],
        ["i run", "ich laufe"],
        ["you run", "du laufst"],
    ]
)


def create_tokenizer(lines):
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(lines)
    return tokenizer


def max_length(lines):
    return max(len(line.split()) for line in lines)


def encode_sequences(tokenizer, length, lines):
    X = tokenizer.texts_to_sequences(lines)
    return pad_sequences(X, maxlen=length, padding="post")


def encode_output(sequences, vocab_size):
    ylist = [to_categorical(sequence, num_classes=vocab_size) for sequence in sequences]
    y = np.array(ylist)
    return y.reshape(sequences.shape[0], sequences.shape[1], vocab_size)


eng_tokenizer, ger_tokenizer = create_tokenizer(dataset[:, 0]), create_tokenizer(dataset[:, 1])
eng_vocab_size, ger_vocab_size = (
    len(eng_tokenizer.word_index) + 1,
    len(ger_tokenizer.word_index) + 1,
)
eng_length, ger_length = max_length(dataset[:, 0]), max_length(dataset[:, 1])
trainX = encode_sequences(ger_tokenizer, ger_length, dataset[:, 1])
trainY = encode_output(encode_sequences(eng_tokenizer, eng_length, dataset[:, 0]), eng_vocab_size)


def define_model(src_vocab, tar_vocab, src_timesteps, tar_timesteps, n_units):
    model = Sequential()
    model.add(Embedding(src_vocab, n_units, input_length=src_timesteps, mask_zero=True))
    model.add(LSTM(n_units))
    model.add(RepeatVector(tar_timesteps))
    model.add(LSTM(n_units, return_sequences=True))
    model.add(TimeDistributed(Dense(tar_vocab, activation="softmax")))
    return model


model = define_model(ger_vocab_size, eng_vocab_size, ger_length, eng_length, 24)
model.compile(optimizer=RMSprop(0.01), loss="categorical_crossentropy")
history = model.fit(trainX, trainY, epochs=60, batch_size=6, verbose=0)
assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


def word_for_id(integer, tokenizer):
    return next((word for word, i in tokenizer.word_index.items() if i == integer), None)


def predict_sequence(model, tokenizer, source):
    prediction = model.predict(source, verbose=0)[0]
    words = [word_for_id(np.argmax(vector), tokenizer) for vector in prediction]
    return " ".join(word for word in words if word is not None)


translations = [predict_sequence(model, eng_tokenizer, row.reshape((1, -1))) for row in trainX]
words = {word for line in dataset[:, 0] for word in line.split()}
assert all(set(line.split()) <= words for line in translations)
assert "you are" in translations[2]
