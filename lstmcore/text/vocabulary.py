"""Vocabularies: encode texts as numbers of characters or words, and decode them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from ..registry import Registry
from ..serialization import Configurable
from ..validation import Array, plain_array, whole

registry: Registry = Registry("vocabulary")
# These cover any text completely: a word or a punctuation mark with the space before it, or else
# a single white space character. So the concatenated tokens are the text again.
_WORDS = r" ?\w+(?:['\u2019]\w+)*| ?[^\w\s]|\s"  # compiled when first used


class Vocabulary(Configurable):
    """Base class: tokens and their numbers, where 0 is any unknown token.

    Parameters
    ----------
    tokens : sequence of str
        The tokens from number 1 on, all different; `learn` collects them from a text.

    Attributes
    ----------
    unknown : str
        The text that number 0 is decoded as.
    """

    registry = registry
    unknown: ClassVar[str]

    def __init__(self, tokens: Sequence[str]) -> None:
        if isinstance(tokens, str) or not all(isinstance(t, str) and t for t in tokens):
            raise TypeError(f"{type(self).__name__}: tokens: expected a sequence of texts")
        self.tokens = list(tokens)
        self._numbers = {token: i for i, token in enumerate(self.tokens, 1)}
        if len(self._numbers) < len(self.tokens):
            repeated = next(t for t, n in Counter(self.tokens).items() if n > 1)
            raise ValueError(f"{type(self).__name__}: tokens: {repeated!r} is there twice")
        self._texts = [self.unknown, *self.tokens]

    @staticmethod
    def split(text: str) -> Sequence[str]:
        """Split a text into tokens, known or not, that concatenate to the text."""
        raise NotImplementedError

    @classmethod
    def learn(cls, text: str, max_tokens: int | None = None, min_count: int = 1) -> Self:
        """Build the vocabulary of a text.

        Parameters
        ----------
        text : str
        max_tokens : int, optional
            Include only the most frequent tokens.
        min_count : int, default 1
            Include only tokens that occur at least this often.
        """
        limit = whole("max_tokens", max_tokens, 0)
        least = whole("min_count", min_count, 1)
        counts = Counter(cls.split(_checked(text)))
        found = sorted(counts, key=lambda token: (-counts[token], token))
        frequent = [token for token in found if counts[token] >= least]
        return cls(frequent[:limit] if limit else frequent)

    def encode(self, text: str) -> Array:
        """Return the numbers of a text's tokens as int64, 0 for unknown ones."""
        tokens = self.split(_checked(text))
        find = self._numbers.get
        return np.fromiter((find(token, 0) for token in tokens), np.int64, len(tokens))

    def decode(self, numbers: Iterable[Any]) -> str:
        """Return the text for token numbers.

        Raises
        ------
        IndexError
            If a number belongs to no token.
        """
        given = numbers if hasattr(numbers, "__len__") else list(numbers)
        array = plain_array(given, "numbers")
        if array.size and not (array.dtype.kind in "iu" and 0 <= array.min() <= array.max()):
            raise IndexError(f"numbers: expected whole numbers from 0 to {len(self) - 1}")
        if array.size and array.max() >= len(self):
            raise IndexError(f"numbers: expected 0 to {len(self) - 1}, got {array.max()}")
        texts = self._texts
        return "".join(texts[i] for i in array.tolist())

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, token: object) -> bool:
        return token in self._numbers

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {len(self)} tokens"


def _checked(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(f"text: expected a str, got {type(text).__name__}")
    return text


@registry.add()
class CharacterVocabulary(Vocabulary):
    """Vocabulary of characters.

    Examples
    --------
    >>> from lstmcore.text import CharacterVocabulary
    >>> vocabulary = CharacterVocabulary.learn("banana")
    >>> vocabulary.encode("band").tolist()
    [3, 1, 2, 0]
    >>> vocabulary.decode([3, 1, 2, 1])
    'bana'
    """

    unknown = "\N{REPLACEMENT CHARACTER}"

    @staticmethod
    def split(text: str) -> Sequence[str]:
        """Return the characters, that is, the text itself."""
        return text


@registry.add()
class WordVocabulary(Vocabulary):
    """Vocabulary of words and punctuation marks, each with the space before it.

    Any other white space character is a token of its own, so decoding restores the text.

    Examples
    --------
    >>> from lstmcore.text import WordVocabulary
    >>> WordVocabulary.split("Don't go,  Anna!")
    ["Don't", ' go', ',', ' ', ' Anna', '!']
    """

    unknown = " <unk>"

    @staticmethod
    def split(text: str) -> Sequence[str]:
        """Split a text into words, punctuation marks and white space."""
        return re.findall(_WORDS, text)


LEVELS: dict[str, type[Vocabulary]] = {"char": CharacterVocabulary, "word": WordVocabulary}


def get(identifier: Any) -> Vocabulary:
    """Return a vocabulary, built from its config if necessary."""
    return registry.get(identifier, Vocabulary)
