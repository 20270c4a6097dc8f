"""The tokenizer that scripts for Keras 2 import."""

import json

import numpy as np
import pytest
from keras_numbers import keras_numbers

from lstmcore import utils
from lstmcore.preprocessing import sequence, text

KERAS = keras_numbers("text")
TEXTS, MORE = KERAS["texts"], KERAS["more"]


def fitted(options):
    made = text.Tokenizer(**options)
    made.fit_on_texts(TEXTS)
    return made


@pytest.mark.parametrize("case", KERAS["tokenizers"], ids=lambda c: str(c["options"]))
def test_the_tokenizer_is_keras(case):
    made = fitted(case["options"])
    assert made.texts_to_sequences(MORE) == case["numbers"]
    assert made.sequences_to_texts([[1, 2, 3, 4, 5, 99], *case["numbers"]]) == case["texts"]
    for mode in ("binary", "count", "freq", "tfidf"):
        np.testing.assert_allclose(made.texts_to_matrix(MORE, mode), case[mode], rtol=1e-12)


@pytest.mark.parametrize("case", KERAS["tokenizers"], ids=lambda c: str(c["options"]))
def test_files_of_tokenizers_are_keras(case):
    theirs = text.tokenizer_from_json(case["json"])
    assert theirs.texts_to_sequences(MORE) == case["numbers"]
    assert theirs.word_index == fitted(case["options"]).word_index
    ours = json.loads(text.tokenizer_from_json(fitted(case["options"]).to_json()).to_json())
    want = json.loads(case["json"])
    for made in (ours, want):  # dicts as strings, in any order
        for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index"):
            made["config"][name] = json.loads(made["config"][name])
    assert ours == want


def test_words_and_hashes():
    assert [text.text_to_word_sequence(one) for one in TEXTS] == KERAS["words"]
    assert text.hashing_trick(TEXTS[0], 50, "md5") == KERAS["md5"]
    assert text.one_hot("a b a", 9) == [hash(w) % 8 + 1 for w in "aba"]
    assert text.hashing_trick("ab", 9, ord, analyzer=list) == [ord("a") % 8 + 1, ord("b") % 8 + 1]


def test_texts_as_lists_and_an_analyzer():
    made = text.Tokenizer(analyzer=lambda s: s.split("/"))
    made.fit_on_texts(["x/y", ["Y", "z"]])
    assert made.word_index == {"y": 1, "x": 2, "z": 3}
    made.fit_on_sequences([[1, 1, 3]])
    assert made.document_count == 3
    assert made.index_docs == {1: 3, 2: 1, 3: 2}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: text.Tokenizer().texts_to_matrix(["a"]), "has seen no texts"),
        (lambda: fitted({}).texts_to_matrix(["a"], "sum"), "mode: expected 'binary', .*'sum'"),
        (lambda: text.Tokenizer(9).texts_to_matrix(["a"], "tfidf"), "call fit_on_texts first"),
        (
            lambda: sequence.TimeseriesGenerator([1, 2], [1], 1),
            "expected one length, got 2 and 1",
        ),
        (lambda: sequence.TimeseriesGenerator([1, 2], [1, 2], 2), "no window of 2 steps"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_old_paths():
    assert sequence.pad_sequences is utils.pad_sequences
    assert sequence.timeseries_dataset_from_array is utils.timeseries_dataset_from_array
