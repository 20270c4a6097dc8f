"""Text classification: train a classifier on raw texts, and save it to one file.

Usage: python classify_text.py [--data reviews.tsv] [--epochs 10] [--texts 2000]

--data is a CSV or TSV file with the columns text and label, or a folder with a folder of .txt
files for each class. By default: made-up messages to a shop.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from lstmcore.classification import TextClassifier
from lstmcore.data import read_labelled_texts, split_by_label
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--data")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--texts", type=int, default=2000)
options = parser.parse_args()
set_random_seed(0)
rng = np.random.default_rng(0)

# Often the classes have the same words, and only their order tells them apart.
THINGS = ["shoes", "books", "lamp", "chair", "phone", "tea", "bicycle", "coat", "radio", "table"]
MESSAGES = {
    "wrong delivery": ("i ordered {a} but got {b}", "{b} came instead of {a}"),
    "order": ("please send {a} and {b}", "i would like {a} , and {b} as well"),
    "praise": ("thank you , {a} came and {b} is fine", "{a} and {b} are as i would like"),
    "return": ("i would like to send {a} back", "please take {a} back , {b} is fine"),
}


def message():
    label = rng.choice(list(MESSAGES))
    a, b = rng.choice(THINGS, 2, replace=False)
    hello = rng.choice(["", "hello ! ", "dear all , ", "Good morning, "])
    return hello + rng.choice(MESSAGES[label]).format(a=a, b=b) + rng.choice([".", "", " !"]), label


if options.data:
    data = read_labelled_texts(options.data)
    texts, labels = data.texts, data.check_labels()
else:
    texts, labels = zip(*[message() for _ in range(options.texts)], strict=True)
train, test = split_by_label(labels, 0.2, rng)


def part(values, rows):
    return [values[i] for i in rows]


classifier = TextClassifier(epochs=options.epochs, random_state=0, verbose=2)
classifier.fit(part(texts, train), part(labels, train))

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "classifier.safetensors"  # network, vocabulary and classes
    classifier.save(path)
    again = TextClassifier.load(path)

result = again.evaluate(part(texts, test), part(labels, test))
print(f"\n{'class':24}precision  recall      F1")
for name, p, r, f in zip(result.classes, result.precision, result.recall, result.f1, strict=True):
    print(f"{name:24}{p:9.3f}{r:8.3f}{f:8.3f}")
print(f"accuracy {result.accuracy:.3f}; always the most frequent class {result.majority:.3f}")
text = texts[test[0]]
print(f"{text!r}: {again.predict([text])[0]}")
