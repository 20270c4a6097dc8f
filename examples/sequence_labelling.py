"""Sequence labelling: a tag for every word of a sentence, from words and characters.

Half of the nouns, verbs and adjectives are new in every sentence. An LSTM over their characters
recognizes them by their endings; but a word in "-er" may be a noun or a verb, depending on its
neighbours. Sentences and words are padded with 0, and masks exclude the padding.
Usage: python sequence_labelling.py [--epochs 6] [--sentences 1500]
"""

import argparse
from collections import Counter, defaultdict

import numpy as np

from lstmcore import Input, Model
from lstmcore.layers import LSTM, Bidirectional, Concatenate, Dense, Embedding, TimeDistributed
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--sentences", type=int, default=1500)
options = parser.parse_args()
set_random_seed(0)
rng = np.random.default_rng(0)

TAGS = ["DET", "ADJ", "NOUN", "VERB", "PREP"]
FIXED = {"DET": ["the", "a", "this"], "PREP": ["with", "on", "under"]}
ENDINGS = {"NOUN": ["on", "ik", "er"], "VERB": ["it", "ux", "er"], "ADJ": ["al", "ish"]}
STEMS = ["".join(rng.choice(list("bdfgklmprst"), 3)) for _ in range(30)]
LONGEST, LETTERS = 16, 8  # words of a sentence, characters of a word


def word(tag):
    if tag in FIXED:
        return rng.choice(FIXED[tag])
    stem = rng.choice(STEMS) if rng.random() < 0.5 else "".join(rng.choice(list("abcdeilmnort"), 4))
    return stem + rng.choice(ENDINGS[tag])


def sentence():
    first, second, third = (["DET"] + ["ADJ"] * n + ["NOUN"] for n in rng.integers(3, size=3))
    tags = [*first, "VERB", *second]
    tags += ["PREP", *third] if rng.random() < 0.5 else []
    return [(word(tag), tag) for tag in tags]


text = [sentence() for _ in range(options.sentences)]
split = len(text) * 4 // 5
counts = Counter(word for sentence in text[:split] for word, _ in sentence)
known = {word: i for i, word in enumerate((w for w in counts if counts[w] > 1), 2)}  # 1: others

x_words = np.zeros((len(text), LONGEST), int)
x_letters = np.zeros((len(text), LONGEST, LETTERS), int)
y = np.zeros((len(text), LONGEST), int)
for i, sentence in enumerate(text):
    for t, (word, tag) in enumerate(sentence):
        x_words[i, t], y[i, t] = known.get(word, 1), TAGS.index(tag)
        x_letters[i, t, : len(word)] = [ord(c) - ord("a") + 1 for c in word]

words = Input((LONGEST,), dtype="int32")
letters = Input((LONGEST, LETTERS), dtype="int32")
word = Embedding(len(known) + 2, 16, mask_zero=True)(words)
letter = Embedding(27, 8, mask_zero=True)(letters)
spelling = TimeDistributed(Bidirectional(LSTM(16)))(letter)  # a vector for each word
h = Concatenate()([word, spelling])
h = Bidirectional(LSTM(32, return_sequences=True))(h)
model = Model([words, letters], Dense(len(TAGS), activation="softmax")(h))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit([x_words[:split], x_letters[:split]], y[:split], epochs=options.epochs, verbose=2)

tags = defaultdict(Counter)
for sentence in text[:split]:
    for word, tag in sentence:
        tags[word][tag] += 1
usual = {word: count.most_common(1)[0][0] for word, count in tags.items()}
right = [usual.get(word, "NOUN") == tag for sentence in text[split:] for word, tag in sentence]
found = model.evaluate([x_words[split:], x_letters[split:]], y[split:], verbose=0)
print(f"\nright tags, LSTM                     {found[1]:.3f}")
print(f"right tags, the usual one of a word  {np.mean(right):.3f}")
