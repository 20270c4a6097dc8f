"""Texts as people have them: characters, HTML, labels written in several ways, and the floor."""

import warnings

import numpy as np
import pytest

from lstmcore.classification import TextClassifier
from lstmcore.classification.floor import NgramFloor
from lstmcore.data import BaselineWarning, DataError
from lstmcore.layers.preprocessing import strip_html

QUICK = {"units": 8, "embedding": 8, "random_state": 0, "verbose": 0}


def names(n=120, seed=0):
    """Made-up names whose endings tell the class."""
    rng = np.random.default_rng(seed)
    found = ["".join(rng.choice(list("abdeiklmnorstu"), 5)) for _ in range(n)]
    return [f"{name}{('ov', 'ini')[i % 2]}" for i, name in enumerate(found)], [
        ("Slavic", "Italian")[i % 2] for i in range(n)
    ]


def test_characters_tell_what_words_cannot(tmp_path):
    model = TextClassifier(level="char", **QUICK, epochs=8, learning_rate=0.02).fit(*names())
    x, y = names(seed=1)
    assert model.evaluate(x, y).accuracy > 0.95
    assert model.model_.vectorization.vocabulary_size() < 30  # characters, not names
    model.save(tmp_path / "names.safetensors")
    again = TextClassifier.load(tmp_path / "names.safetensors")
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    assert model.predict_proba(["", "ROSSINI", " rossini "]).shape == (3, 2)
    np.testing.assert_array_equal(*model.predict_proba(["ROSSINI", " rossini "]))


def test_defaults_follow_the_level():
    word, char = TextClassifier(), TextClassifier(level="char", epochs=7)
    assert (word.epochs, word.learning_rate, word.dropout, word.word_dropout) == (
        10,
        1e-3,
        0.5,
        0.2,
    )
    assert (char.epochs, char.learning_rate) == (7, 3e-3)
    with pytest.raises(ValueError, match="level: expected 'word' or 'char', got 'letters'"):
        TextClassifier(level="letters")
    with pytest.raises(DataError, match="at least one word"):
        TextClassifier(level="char", verbose=0).fit(["", " "], ["a", "b"])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a<br>b<BR />c", "a b c"),
        ('<p class="x">Fish &amp; chips</p>', " Fish & chips "),
        ("1&nbsp;000 &euro; &lt;b&gt;", "1 000 € <b>"),
        ("a<!-- b > c -->d<script type='x'>e < f</script >g", "a d g"),
        ("x <y> z, 1 < 2 > 0, <3, a <b and c> d", "x <y> z, 1 < 2 > 0, <3, a <b and c> d"),
        ("AT&T, R&D; me@<you>", "AT&T, R&D; me@<you>"),
        ("<not closed", "<not closed"),
    ],
)
def test_html_is_left_out(text, plain):
    assert strip_html(text) == plain


@pytest.mark.parametrize("level", ["word", "char"])
def test_tags_are_no_words_and_no_characters(level):
    x, y = names(40)
    plain = TextClassifier(level=level, **QUICK, epochs=1, validation_fraction=0).fit(x, y)
    tagged = [f'<div class="q">{name}&nbsp;<br/></div>' for name in x]
    with_tags = TextClassifier(level=level, **QUICK, epochs=1, validation_fraction=0).fit(tagged, y)
    np.testing.assert_array_equal(plain.predict_proba(x), with_tags.predict_proba(tagged))
    assert "div" not in with_tags.model_.vectorization.get_vocabulary()


def test_labels_that_differ_by_case_or_blanks_are_named():
    x, _ = names(40)
    message = r"only by case or blanks.*: 'POS ' \(10\), 'pos' \(10\)$"
    with pytest.warns(UserWarning, match=message):
        TextClassifier(**QUICK, epochs=1).fit(x, ["pos", "neg", "POS ", "other"] * 10)


def test_the_floor_is_naive_bayes():
    floor = NgramFloor().fit(["ab", "ab", "b"], [0, 0, 1], 2)
    # grams of "ab" and "b" with their ends, each once a text, smoothed by 0.1
    grams = {" ", "a", "b", " a", "ab", "b ", " ab", "ab ", " ab ", " b", " b "}
    first = {" ", "a", "b", " a", "ab", "b ", " ab", "ab ", " ab "}
    second = {" ", "b", " b", "b ", " b "}

    def score(text, own, texts, share):
        total = texts * len(own) + 0.1 * len(grams)
        return np.log((share + 0.1) / 3.2) + sum(
            np.log((texts * (gram in own) + 0.1) / total) for gram in text
        )

    for text, of in (("ab", first), ("b", second), ("a", {" ", "a", " a"})):
        expected = score(of, first, 2, 2) < score(of, second, 1, 1)
        assert floor.predict([text])[0] == expected
    x, y = names()
    numbers = np.array([label == "Slavic" for label in y], int)
    other, truth = names(seed=1)
    found = NgramFloor().fit(x, numbers, 2).predict(other)
    assert (found == [label == "Slavic" for label in truth]).all()
    assert NgramFloor().fit(x, numbers, 2).predict([""]).shape == (1,)


def test_a_network_below_the_floor_warns():
    x, y = names(240)
    with pytest.warns(BaselineWarning, match=r"24 held-out texts, naive Bayes on .* 1\.000"):
        TextClassifier(**QUICK, epochs=1).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TextClassifier(level="char", **QUICK, epochs=8, learning_rate=0.02).fit(x, y)
