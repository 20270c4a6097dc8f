"""Learn a text character by character, then write more of it.

Usage: python text_generation.py [--epochs 12] [--characters 4000]
"""

import argparse
import re
from collections import Counter
from itertools import pairwise
from pydoc_data.topics import topics  # a part of Python's manual, included with Python

import numpy as np

from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.utils import set_random_seed, to_categorical

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--characters", type=int, default=4000)
options = parser.parse_args()
set_random_seed(0)

# Characters are categories, so they are one-hot encoded.
text = " ".join(re.findall("[a-z]+|[.,]", topics["compound"].lower()))[: options.characters]
characters = sorted(set(text))
number = {character: i for i, character in enumerate(characters)}
num_characters, sequence_length = len(characters), 30
codes = np.array([number[character] for character in text])
one_hot = to_categorical(codes, num_characters)
windows = np.arange(len(text) - sequence_length)
x = one_hot[windows[:, None] + np.arange(sequence_length)]
y = one_hot[windows + sequence_length]  # the one character after each window
split = len(x) * 9 // 10

model = Sequential(
    [
        LSTM(128, input_shape=(sequence_length, num_characters), return_sequences=True),
        LSTM(128),
        Dense(num_characters, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:split], y[:split], epochs=options.epochs, batch_size=64, verbose=2)

# The accuracy of the next character on held-out text.
pairs = Counter(pairwise(codes[:split]))
likely = {a: b for (a, b), _ in sorted(pairs.items(), key=lambda item: item[1])}
last, following = codes[split + sequence_length - 1 : -1], codes[split + sequence_length :]
guessed = [likely.get(c, number[" "]) for c in last]
accuracy = model.evaluate(x[split:], y[split:], verbose=0)[1]
print(f"\nnext character right, LSTM                   {accuracy:.3f}")
print(f"the one that mostly follows the last one     {np.mean(guessed == following):.3f}")

# Generate: each predicted character is appended to the input of the next prediction.
window, written = x[split : split + 1], ""
for _ in range(120):
    best = np.argmax(model.predict(window, verbose=0)[0])
    written += characters[best]
    new = to_categorical([best], num_characters)[None]
    window = np.concatenate([window[:, 1:], new], axis=1)
print(f"\n{text[split : split + sequence_length]}|{written}")
