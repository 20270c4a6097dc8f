"""Sentiment analysis: tell good reviews from bad ones, in spite of "not good".

Usage: python sentiment.py [--epochs 7] [--reviews 1500]
"""

import argparse

import numpy as np

from lstmcore.layers import LSTM, Dense, Embedding
from lstmcore.models import Sequential
from lstmcore.preprocessing.sequence import pad_sequences
from lstmcore.preprocessing.text import Tokenizer
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=7)
parser.add_argument("--reviews", type=int, default=1500)
options = parser.parse_args()
set_random_seed(0)
rng = np.random.default_rng(0)

# Made-up reviews: neutral words and words of praise or blame, one in four of these negated.
WORDS = """good great lovely funny clever moving
bad awful boring stupid dull weak
the film was a story with an actor in some scenes and music while we saw it"""
GOOD, BAD, OTHER = (line.split() for line in WORDS.splitlines())


def review():
    good, words = rng.integers(2), []
    for _ in range(rng.integers(1, 6)):
        negated = rng.random() < 0.25
        opinion = rng.choice(GOOD if good != negated else BAD)
        words += [*rng.choice(OTHER, rng.integers(1, 8)), *["not"] * negated, opinion]
    return " ".join(words), good


texts, labels = zip(*[review() for _ in range(options.reviews)], strict=True)
y = np.array(labels)
tokenizer = Tokenizer()
tokenizer.fit_on_texts(texts)
vocab_size = len(tokenizer.word_index) + 1  # 0 is the padding
x = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=200)
split = len(x) * 4 // 5

model = Sequential(
    [
        Embedding(vocab_size, 100, input_length=200),
        LSTM(128),
        Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(
    x[:split],
    y[:split],
    epochs=options.epochs,
    batch_size=16,
    validation_data=(x[split:], y[split:]),
    verbose=2,
)


def count(text):
    words = text.split()
    return sum(w in GOOD for w in words) > sum(w in BAD for w in words)


counted = np.array([count(text) for text in texts[split:]])
print(
    f"\naccuracy of the LSTM              {model.evaluate(x[split:], y[split:], verbose=0)[1]:.3f}"
)
print(f"accuracy of counting good words   {np.mean(counted == y[split:]):.3f}")
for text in ("the film was good", "the film was not good", "the story was not dull"):
    row = pad_sequences(tokenizer.texts_to_sequences([text]), maxlen=200)
    print(f"{text:24}{model.predict(row, verbose=0)[0, 0]:.2f}")
