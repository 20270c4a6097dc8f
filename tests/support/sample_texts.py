"""Texts, some with labels, for the tests that read or learn them."""

import numpy as np

from lstmcore import layers, text

RHYME = "Jack and Jill went up the hill\nto fetch a pail of water.\n" * 40
GOOD, BAD = ("good", "great", "fine", "superb"), ("bad", "dull", "poor", "awful")
FILLERS = ("film", "the", "a", "plot", "rather", "it is", "and", "Ünlü", "!")


def small_model(vocabulary, units=12, activation=None, dtype=None):
    n = len(vocabulary)
    return text.TextModel(
        [
            layers.Input((None,)),
            layers.Embedding(n, 8),
            layers.LSTM(units, return_sequences=True, stateful=True),
            layers.Dense(n, activation=activation),
        ],
        vocabulary=vocabulary,
        dtype=dtype,
    )


def reviews(n=80, seed=0):
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(n):
        words = list(rng.choice(FILLERS, rng.integers(2, 9)))
        words.insert(rng.integers(len(words)), rng.choice((BAD, GOOD)[i % 2]))
        texts.append(" ".join(words))
        labels.append(("neg", "pos")[i % 2])
    return texts, labels


def write(path, texts, labels, head="text\tlabel"):
    rows = "\n".join(f"{t}\t{c}" for t, c in zip(texts, labels, strict=True))
    path.write_text(f"{head}\n{rows}\n", encoding="utf-8")
    return str(path)
