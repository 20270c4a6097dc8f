"""Tutorial: captions for photos, features and words merged, samples from a generator."""

import numpy as np

from lstmcore.layers import LSTM, Dense, Dropout, Embedding, Input, add
from lstmcore.models import Model
from lstmcore.optimizers import Adam
from lstmcore.preprocessing.sequence import pad_sequences
from lstmcore.preprocessing.text import Tokenizer
from lstmcore.utils import plot_model, to_categorical

descriptions = {
    "a": ["startseq dog runs on grass endseq", "startseq dog runs endseq"],
    "b": ["startseq cat sleeps on bed endseq"],
    "c": ["startseq cat runs endseq"],
}
rng = np.random.default_rng(0)
photos = {key: rng.normal(size=(1, 16)) for key in descriptions}
tokenizer = Tokenizer()
tokenizer.fit_on_texts([line for lines in descriptions.values() for line in lines])
vocab_size = len(tokenizer.word_index) + 1
max_length = max(len(line.split()) for lines in descriptions.values() for line in lines)


def create_sequences(desc_list, photo):
    X1, X2, y = [], [], []
    for desc in desc_list:
        seq = tokenizer.texts_to_sequences([desc])[0]
        for i in range(1, len(seq)):
            X1.append(photo)
            X2.append(pad_sequences([seq[:i]], maxlen=max_length)[0])
            y.append(to_categorical([seq[i]], num_classes=vocab_size)[0])
    return np.array(X1), np.array(X2), np.array(y)


def data_generator(descriptions, photos):
    while 1:
        for key, desc_list in descriptions.items():
            in_img, in_seq, out_word = create_sequences(desc_list, photos[key][0])
            yield (in_img, in_seq), out_word


inputs1 = Input(shape=(16,))
fe1 = Dropout(0.1)(inputs1)
fe2 = Dense(24, activation="relu")(fe1)
inputs2 = Input(shape=(max_length,))
se1 = Embedding(vocab_size, 24, mask_zero=True)(inputs2)
se2 = Dropout(0.1)(se1)
se3 = LSTM(24)(se2)
decoder1 = add([fe2, se3])
decoder2 = Dense(24, activation="relu")(decoder1)
outputs = Dense(vocab_size, activation="softmax")(decoder2)
model = Model(inputs=[inputs1, inputs2], outputs=outputs)
model.compile(loss="categorical_crossentropy", optimizer=Adam(0.01))
generator = data_generator(descriptions, photos)
history = model.fit(generator, epochs=40, steps_per_epoch=len(descriptions), verbose=0)
assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


def generate_desc(model, photo):
    in_text = "startseq"
    for _ in range(max_length):
        sequence = pad_sequences(tokenizer.texts_to_sequences([in_text]), maxlen=max_length)
        yhat = np.argmax(model.predict([photo, sequence], verbose=0))
        word = tokenizer.index_word.get(yhat)
        if word is None:
            break
        in_text += " " + word
        if word == "endseq":
            break
    return in_text


assert generate_desc(model, photos["b"]) == descriptions["b"][0]
assert callable(plot_model)
