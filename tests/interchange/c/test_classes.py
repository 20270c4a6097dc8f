"""Names of classes in C files, and the classifier of texts whose outputs they are for."""

import ctypes

import numpy as np
import pytest
from c_files import bits, compiled, forced_isa, needs_compiler

from lstmcore.classification import TextClassifier

pytestmark = needs_compiler
TEXTS = ["a good film", "good fun", "a bad film", "too bad", "so so"] * 6


def fitted(labels):
    options = {"units": 4, "embedding": 5, "epochs": 1, "random_state": 0, "verbose": 0}
    return TextClassifier(max_words=12, **options).fit(TEXTS, labels * 6)


def test_a_classifier_of_texts(tmp_path):
    labels = ['quote " and \\', "größe?", "neg", "RESTRICT", "@@x"]
    model = fitted(labels)
    c = compiled({"topics": model}, tmp_path)["topics"]
    names = (ctypes.c_char_p * len(model.classes_)).in_dll(c.library, "topics_classes")
    assert [name.decode() for name in names] == model.classes_
    assert c.selftest() == 0
    for text in ("a good bad film", "bad", "never seen words", "good " * 12):
        (numbers,) = model.model_.numbers([text])
        with forced_isa("base"):
            wanted = model.predict_proba([text])
        assert np.array_equal(bits(c.predict(numbers, 1)), bits(wanted)), text


def test_padding_is_left_out(tmp_path):
    model = fitted([1, 1, 2, 2, 3])
    c = compiled({"topics": model}, tmp_path)["topics"]
    numbers = (ctypes.c_int64 * 3).in_dll(c.library, "topics_classes")
    assert list(numbers) == [1, 2, 3]
    given = np.array([3, 0, 2, 0, 0, 4], np.int32)
    assert np.array_equal(c.predict(given, 1), c.predict(given[given != 0], 1))
    assert np.isfinite(c.predict(np.zeros(5), 1)).all()


def test_before_fit(tmp_path):
    with pytest.raises(ValueError, match="call fit before export"):
        TextClassifier().export(tmp_path / "m.c")
