"""keras.io: texts into classes over word vectors from a file, and a model that reads strings."""

import numpy as np

import lstmcore as keras
from lstmcore import layers

samples = [
    "the team won the match", "a goal in the last match", "the team lost a goal",
    "the market fell again", "a bank in the market", "the bank lost money",
] * 4  # fmt: skip
labels = np.array([0, 0, 0, 1, 1, 1] * 4)

vectorizer = layers.TextVectorization(max_tokens=200, output_sequence_length=20)
vectorizer.adapt(samples)
voc = vectorizer.get_vocabulary()
word_index = dict(zip(voc, range(len(voc)), strict=True))
output = vectorizer([["the team lost the bank"]])
assert output.numpy()[0, :5].tolist() == [
    word_index[w] for w in ["the", "team", "lost", "the", "bank"]
]

embedding_dim = 8
rng = np.random.default_rng(0)
with open("glove.txt", "w") as f:
    f.writelines(f"{word} {' '.join(map(str, rng.normal(size=embedding_dim)))}\n" for word in voc)
embeddings_index = {}
with open("glove.txt") as f:
    for line in f:
        word, coefs = line.split(maxsplit=1)
        embeddings_index[word] = np.array(coefs.split(), "float32")
num_tokens = len(voc) + 2
embedding_matrix = np.zeros((num_tokens, embedding_dim))
for word, i in word_index.items():
    if word in embeddings_index:
        embedding_matrix[i] = embeddings_index[word]

embedding_layer = layers.Embedding(num_tokens, embedding_dim, trainable=False)
embedding_layer.build((1,))
embedding_layer.set_weights([embedding_matrix])

int_sequences_input = keras.Input(shape=(None,), dtype="int32")
embedded_sequences = embedding_layer(int_sequences_input)
x = layers.Conv1D(16, 5, activation="relu")(embedded_sequences)
x = layers.MaxPooling1D(2)(x)
x = layers.Conv1D(16, 3, activation="relu")(x)
x = layers.GlobalMaxPooling1D()(x)
x = layers.Dense(16, activation="relu")(x)
x = layers.Dropout(0.1)(x)
preds = layers.Dense(2, activation="softmax")(x)
model = keras.Model(int_sequences_input, preds)

x_train = vectorizer(np.array([[s] for s in samples])).numpy()
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=keras.optimizers.RMSprop(0.01),
    metrics=["acc"],
)
history = model.fit(x_train, labels, batch_size=8, epochs=6, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
assert np.allclose(embedding_layer.get_weights()[0], embedding_matrix)

string_input = keras.Input(shape=(1,), dtype="string")
x = vectorizer(string_input)
preds = model(x)
end_to_end_model = keras.Model(string_input, preds)
probabilities = end_to_end_model(keras.ops.convert_to_tensor([["the team won the match"]]))
assert np.allclose(probabilities, model.predict(x_train[:1], verbose=0), atol=1e-6)
assert np.argmax(probabilities[0]) == 0
