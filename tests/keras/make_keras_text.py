"""Makes keras_text.json: what Keras's old tokenizer gives, for tests/preprocessing.

python tests/keras/make_keras_text.py      (in any environment with Keras 3)
"""

import json
from pathlib import Path

import keras
import numpy as np
from keras.src.legacy.preprocessing import sequence, text

TEXTS = ["The cat sat on the mat.", "A dog; a cat: THE END!", "", "mat\tmat mat-mat"]
MORE = ["The bird sat on a wire.", "dog dog cat bird"]
TOKENIZERS = [
    {},
    {"num_words": 4},
    {"oov_token": "<?>"},
    {"num_words": 4, "oov_token": "<?>"},
    {"char_level": True},
    {"lower": False, "filters": ".", "split": "t"},
]
GENERATORS = [
    {"length": 3},
    {"length": 4, "sampling_rate": 2, "stride": 3, "batch_size": 2},
    {"length": 5, "start_index": 2, "end_index": 12, "reverse": True, "batch_size": 3},
]


def tokenize(options):
    made = text.Tokenizer(**options)
    made.fit_on_texts(TEXTS)
    numbers = made.texts_to_sequences(MORE)
    return {
        "options": options,
        "json": made.to_json(),
        "numbers": numbers,
        "texts": made.sequences_to_texts([[1, 2, 3, 4, 5, 99], *numbers]),
        **{
            mode: made.texts_to_matrix(MORE, mode).tolist()
            for mode in ("binary", "count", "freq", "tfidf")
        },
    }


def generate(options):
    made = sequence.TimeseriesGenerator(np.arange(32).reshape(16, 2), np.arange(16), **options)
    batches = [[part.tolist() for part in made[i]] for i in range(len(made))]
    return {"options": options, "batches": batches}


def main():
    out = {
        "keras": keras.__version__,
        "texts": TEXTS,
        "more": MORE,
        "words": [text.text_to_word_sequence(one) for one in TEXTS],
        "md5": text.hashing_trick(TEXTS[0], 50, "md5"),
        "tokenizers": [tokenize(options) for options in TOKENIZERS],
        "generators": [generate(options) for options in GENERATORS],
    }
    lines = json.dumps(out).replace('{"options', '\n{"options')  # a line for each case
    (Path(__file__).parent / "data" / "keras_text.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
