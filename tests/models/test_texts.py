"""A model of texts: predictions and files."""

import numpy as np
import pytest

import lstmcore
from lstmcore import Input
from lstmcore.layers import LSTM, Dense, Embedding, TextVectorization
from lstmcore.layers.preprocessing.text_vectorization import lower_words
from lstmcore.models.texts import TextReader
from lstmcore.utils import set_random_seed

# --- words ----------------------------------------------------------------------------------------


def model_of_texts():
    set_random_seed(0)
    words = TextVectorization(standardize=lower_words, ragged=True)
    words.adapt(["a good film", "a \u4e0d one", "\U0001f600 !"])
    x = Input((None,))
    y = Dense(2)(LSTM(4)(Embedding(words.vocabulary_size(), 4, mask_zero=True)(x)))
    return TextReader(x, y, vectorization=words, classes=["x", "y"], counts=[3, 1])


def test_a_model_of_texts():
    model = model_of_texts()
    texts = ["good film", "", "A FILM! A film", "unheard of"]
    y = model.predict(texts)
    alone = np.concatenate([model.predict([text]) for text in texts])
    np.testing.assert_array_equal(y, alone)
    np.testing.assert_array_equal(y, model.predict(model.numbers(texts)))
    np.testing.assert_array_equal(y, model.predict(np.array(texts)))
    np.testing.assert_array_equal(y, model.predict(np.array(texts, object)))
    np.testing.assert_array_equal(y[1], model.predict(["unheard"])[0])


def test_a_model_of_texts_in_a_file(tmp_path):
    model = model_of_texts()
    texts = ["a good \u4e0d", "\U0001f600"]
    y = model.predict(texts)
    model.save(tmp_path / "m.safetensors")
    again = lstmcore.load_model(tmp_path / "m.safetensors")
    assert isinstance(again, TextReader)
    assert (again.classes, again.counts) == (["x", "y"], [3, 1])
    np.testing.assert_array_equal(again.predict(texts), y)


def test_a_large_vocabulary_of_another_script_fits_into_a_file(tmp_path):
    tokens = ["".join(chr(0x430 + (i // 32**k) % 32) for k in range(8)) for i in range(20000)]
    words = TextVectorization(vocabulary=tokens, ragged=True)
    x = Input((None,))
    model = TextReader(x, LSTM(1)(Embedding(20002, 1)(x)), vectorization=words)
    y = model.predict(tokens[:3])
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(
        lstmcore.load_model(tmp_path / "m.safetensors").predict(tokens[:3]), y
    )


# --- the command ----------------------------------------------------------------------------------

pytestmark = pytest.mark.usefixtures("one_thread")
