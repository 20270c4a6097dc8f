"""Word vectors of word2vec, GloVe and fastText."""

import gzip

import numpy as np
import pytest

from lstmcore import utils
from lstmcore.classification import TextClassifier
from lstmcore.data import DataError
from lstmcore.text import embedding_matrix, read_vectors

WORDS = {
    "the": [0.5, -1, 2],
    "film": [1e-3, 2, 3],
    "na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve": [7, 8, 9],
}


def text_of(words, head=False):
    lines = [f"{len(words)} 3"] * head
    return "\n".join([*lines, *(" ".join([w, *map(str, v)]) for w, v in words.items())]) + "\n"


def binary_of(words, end=b"\n"):
    data = f"{len(words)} 3\n".encode()
    for word, vector in words.items():
        data += word.encode() + b" " + np.array(vector, "<f4").tobytes() + end
    return data


@pytest.fixture(
    params=["glove.txt", "fasttext.vec", "some.vec.gz", "w2v.bin", "w2v.bin.gz", "c.bin"]
)
def path(request, tmp_path):
    name = request.param
    data = text_of(WORDS, head="vec" in name).encode()
    if ".bin" in name:
        data = binary_of(WORDS, b"" if name == "c.bin" else b"\n")
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def test_all_forms(path):
    found = read_vectors(path)
    assert list(found) == list(WORDS)
    for word, vector in WORDS.items():
        assert found[word].dtype == np.float32
        np.testing.assert_array_equal(found[word], np.array(vector, np.float32))
    assert list(read_vectors(path, ["film", "cinema"])) == ["film"]


def test_a_word_may_have_spaces(tmp_path):
    (tmp_path / "a.txt").write_text("a 1 2\nat name 3 4\n. . . 5 6\n")
    assert {w: v.tolist() for w, v in read_vectors(tmp_path / "a.txt").items()} == {
        "a": [1, 2],
        "at name": [3, 4],
        ". . .": [5, 6],
    }


def test_the_weights_of_an_embedding(path):
    utils.set_random_seed(0)
    weights, found = embedding_matrix(path, ["", "[UNK]", "Film", "the", "cinema"])
    assert found == 2
    assert weights.shape == (5, 3)
    assert not weights[0].any()
    np.testing.assert_array_equal(weights[2:4], np.array([WORDS["film"], WORDS["the"]], np.float32))
    assert 0.1 < np.abs(weights[4]).mean() < 10
    with pytest.raises(DataError, match="has none of the 2 words, such as 'cinema'"):
        embedding_matrix(path, ["", "cinema"])


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"the 1 2\nfilm 1\n", "line 2 .*expected 2"),
        ("a.txt", b"the 1 2\nfilm 1 x\n", "line 2 holds no vector of 2 numbers"),
        ("a.txt", b"the 1 nan\n", "line 1 has 2 finite numbers, expected 2|line 1"),
        ("a.bin", b"the 1 2\n", "is no binary file of word2vec"),
        ("a.bin", binary_of(WORDS)[:-9], "ends in word 2 of 3"),
        ("a.bin", b"9 3\n" + b"x" * 20000, "word 0 has no end"),
        ("a.txt.gz", b"no gzip", "cannot be read"),
    ],
)
def test_damaged_files_get_one_line(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_vectors(tmp_path / name)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_vectors(tmp_path / "none.vec")


def test_a_classifier_begins_with_them(tmp_path):
    rng = np.random.default_rng(0)
    words = {name: rng.standard_normal(3).round(3).tolist() for name in ("good", "bad", "film")}
    (tmp_path / "a.vec").write_text(text_of(words, head=True))
    texts, labels = ["good film", "bad film"] * 20, ["pos", "neg"] * 20
    settings = {"units": 3, "random_state": 0, "verbose": 0, "vectors": tmp_path / "a.vec"}
    model = TextClassifier(epochs=1, learning_rate=1e-9, **settings).fit(texts, labels)
    embedding = next(layer for layer in model.model_.layers if "embedding" in layer.name)
    weights = embedding.get_weights()[0]
    vocabulary = model.model_.vectorization.get_vocabulary()
    for word, vector in words.items():
        np.testing.assert_allclose(weights[vocabulary.index(word)], vector, atol=1e-6)
    model.save(tmp_path / "m.safetensors")
    again = TextClassifier.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(texts))
