"""Vocabularies: texts into tokens and back, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcore import text
from lstmcore.utils import set_random_seed


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(0)


@given(st.text())
def test_words_put_together_are_the_text(sample):
    assert "".join(text.WordVocabulary.split(sample)) == sample


@given(st.text(min_size=1))
def test_a_learned_vocabulary_loses_nothing(sample):
    for kind in (text.CharacterVocabulary, text.WordVocabulary):
        vocabulary = kind.learn(sample)
        numbers = vocabulary.encode(sample)
        assert numbers.min() >= 1
        assert numbers.max() < len(vocabulary)
        assert vocabulary.decode(numbers) == sample


def test_frequent_tokens_come_first_and_rare_ones_are_unknown():
    vocabulary = text.WordVocabulary.learn("b a a c a b", max_tokens=2)
    assert vocabulary.tokens == [" a", " b"]  # the first b has no space before it
    assert vocabulary.encode("b a b zebra").tolist() == [0, 1, 2, 0]
    assert vocabulary.decode([1, 0, 2]) == " a <unk> b"
    assert text.CharacterVocabulary.learn("aabbc", min_count=2).tokens == ["a", "b"]


def test_vocabularies_refuse_what_they_cannot_do():
    vocabulary = text.CharacterVocabulary(["a", "b"])
    with pytest.raises(IndexError, match="0 to 2, got 3"):
        vocabulary.decode([1, 3])
    with pytest.raises(IndexError, match="0 to 2"):
        vocabulary.decode([-1])
    with pytest.raises(TypeError, match="expected a str, got bytes"):
        vocabulary.encode(b"ab")
    with pytest.raises(ValueError, match="'a' is there twice"):
        text.CharacterVocabulary(["a", "b", "a"])
    with pytest.raises(TypeError, match="sequence of texts"):
        text.WordVocabulary([1, 2])
