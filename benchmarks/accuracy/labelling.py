"""Parts of speech of English (UD EWT): one of 17 tags for every word, 0.93 of the test's right.

`tagging` is a task of tasks.py. A word is represented by the embedding of its lower case, which
rare words share, and by a bidirectional LSTM over its characters, the only source for unknown
words. Another bidirectional LSTM reads the sentence.
"""

from __future__ import annotations

import gzip
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lstmcore import Input, Model
from lstmcore.layers import (
    LSTM,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    TimeDistributed,
)
from lstmcore.optimizers import Adam
from lstmcore.optimizers.schedules import CosineDecay
from lstmcore.utils import set_random_seed

from .stored import figures

Sentences = list[list[tuple[str, str]]]  # of words with their tags
TARGET = 0.93
EPOCHS, BATCH, RATE = 4, 32, 3e-3
LETTERS = 16  # read from a word, its first and last ones
CUT = 8  # of these are the first ones
UNKNOWN = 1  # 0 is the padding


def read(data: str | Path, part: str) -> Sentences:
    """Return the sentences of ``train``, ``dev`` or ``test``."""
    path = Path(data) / "ud_english_ewt" / f"ewt-{part}.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        blocks = file.read().split("\n\n")
    rows = [[line.split("\t") for line in block.splitlines() if line] for block in blocks]
    return [[(row[0], row[1]) for row in sentence] for sentence in rows if sentence]


def numbered(counts: Counter[str], least: int) -> dict[str, int]:
    """Number frequent names from 2 on; 0 is the padding, 1 all others."""
    return {name: i for i, name in enumerate((w for w, n in counts.items() if n >= least), 2)}


class Vocabulary:
    """Numbers of the words, characters and tags of the training part."""

    def __init__(self, sentences: Sentences) -> None:
        words = [word for sentence in sentences for word, _ in sentence]
        self.words = numbered(Counter(map(str.lower, words)), 2)
        self.letters = numbered(Counter("".join(words)), 3)
        self.tags = sorted({tag for sentence in sentences for _, tag in sentence})

    def spell(self, word: str) -> list[int]:
        """Return the characters of a word, (LETTERS,), or of the ends of a long one."""
        ends = word if len(word) <= LETTERS else word[:CUT] + word[CUT - LETTERS :]
        return [self.letters.get(c, UNKNOWN) for c in ends] + [0] * (LETTERS - len(ends))

    def encode(self, sentences: Sentences) -> tuple[list[Any], list[Any]]:
        """Return inputs [words, characters] and tags, lists of sentences of different lengths."""
        words = [
            np.array([self.words.get(w.lower(), UNKNOWN) for w, _ in sentence])
            for sentence in sentences
        ]
        letters = [np.array([self.spell(w) for w, _ in sentence]) for sentence in sentences]
        number = {tag: i for i, tag in enumerate(self.tags)}
        tags = [np.array([number[tag] for _, tag in sentence]) for sentence in sentences]
        return [words, letters], tags


def tagger(vocabulary: Vocabulary) -> Model:
    """Return a model from words and characters to the probabilities of all tags at each step."""
    words = Input((None,), dtype="int32", name="words")
    letters = Input((None, LETTERS), dtype="int32", name="letters")
    word = Embedding(len(vocabulary.words) + 2, 100, mask_zero=True)(words)
    letter = Embedding(len(vocabulary.letters) + 2, 32, mask_zero=True)(letters)
    spelling = TimeDistributed(Bidirectional(LSTM(48)))(letter)
    h = Dropout(0.4)(Concatenate()([word, spelling]))
    h = Bidirectional(LSTM(128, return_sequences=True))(h)
    h = Dropout(0.4)(h)
    return Model([words, letters], Dense(len(vocabulary.tags), activation="softmax")(h))


def most_frequent(train: Sentences, test: Sentences) -> float:
    """Return the accuracy of giving every word its most frequent tag.

    Unknown words get the most frequent tag of words seen once.
    """
    tags: dict[str, Counter[str]] = {}
    for sentence in train:
        for word, tag in sentence:
            tags.setdefault(word.lower(), Counter())[tag] += 1
    once = Counter(next(iter(c)) for c in tags.values() if c.total() == 1)
    best = {word: c.most_common(1)[0][0] for word, c in tags.items()}
    new = (once or Counter(best.values())).most_common(1)[0][0]
    right = [best.get(w.lower(), new) == tag for sentence in test for w, tag in sentence]
    return float(np.mean(right))


def tagging(
    data: str | Path,
    epochs: int = EPOCHS,
    seed: int = 0,
    verbose: Any = 2,
    quantize: Sequence[str] = (),
) -> dict[str, Any]:
    """Train on the training part; the figure is the accuracy on words of the test part.

    `quantize` has formats in which the trained model's figure is taken, too.
    """
    train, dev, test = (read(data, part) for part in ("train", "dev", "test"))
    set_random_seed(seed)
    begin = time.perf_counter()
    vocabulary = Vocabulary(train)
    (x, y), held, tested = (vocabulary.encode(part) for part in (train, dev, test))
    model = tagger(vocabulary)
    steps = epochs * -(-len(train) // BATCH)
    optimizer = Adam(CosineDecay(RATE, steps), clipnorm=5.0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, BATCH, epochs, verbose, validation_data=held)
    seconds = time.perf_counter() - begin

    def figure() -> float:
        return float(model.evaluate(*tested, verbose=0)[1])

    return {
        "figure": figure(),
        **figures(model, quantize, figure),
        "target": TARGET,
        "baseline": most_frequent(train, test),
        "seconds": seconds,
        "epochs": epochs,
        "parameters": model.count_params(),
        "dev": model.history.history["val_accuracy"],
    }
