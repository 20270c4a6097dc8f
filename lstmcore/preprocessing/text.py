"""Keras 2's encoding of words as numbers; Keras 3 has `TextVectorization` instead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Text = str | list[str]
_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(
    input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """Return the words of a text.

    Parameters
    ----------
    input_text : str
    filters : str
        Characters that are removed and separate words, like `split`.
    lower : bool, default True
        Convert the text to lower case.
    split : str, default " "
        The separator of words.
    """
    text = input_text.lower() if lower else input_text
    text = text.translate({ord(character): split for character in filters})
    return [word for word in text.split(split) if word]


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Return a number from 1 to n - 1 for each word, its hash.

    Parameters
    ----------
    hash_function : callable or "md5", optional
        By default Python's `hash`, which differs from run to run.
    analyzer : callable, optional
        Splits a text into words, in place of `text_to_word_sequence`.
    """
    if hash_function == "md5":
        hash_function = _md5
    number: Any = hash if hash_function is None else hash_function
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [number(word) % (n - 1) + 1 for word in words]


def one_hot(
    input_text: str,
    n: int,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Return `hashing_trick` of a text; the name is Keras's, but the result is not one-hot."""
    return hashing_trick(input_text, n, None, filters, lower, split, analyzer)


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """A vocabulary made from texts: the more frequent a word, the lower its number, from 1.

    Parameters
    ----------
    num_words : int, optional
        Upper bound of the numbers: words with this number or a larger one are unknown.
    filters, lower, split
        As in `text_to_word_sequence`.
    char_level : bool, default False
        Encode characters in place of words.
    oov_token : str, optional
        Stands for unknown words, with number 1. Without it they are left out.
    analyzer : callable, optional
        Splits a text into words, in place of `text_to_word_sequence`.

    Attributes
    ----------
    word_index, index_word : dict
        Number of each word, word of each number.
    word_counts : dict
        Number of times each word was seen.
    word_docs, index_docs : dict
        Number of texts in which each word, or number, was seen.
    document_count : int
        Number of texts seen.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Iterable[str]] | None = None,
        document_count: int = 0,
    ) -> None:
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.document_count = document_count
        self.word_counts: dict[str, int] = {}
        self.word_docs: dict[str, int] = {}
        self.index_docs: dict[int, int] = {}
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Text) -> list[str]:
        if self.char_level or isinstance(text, list):
            return [part.lower() if self.lower else part for part in text]
        if self.analyzer is not None:
            return list(self.analyzer(text))
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Text]) -> None:
        """Add the words of texts to the vocabulary; a text may be a list of words."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] = self.word_docs.get(word, 0) + 1
        frequent = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        vocabulary = frequent if self.oov_token is None else [self.oov_token, *frequent]
        self.word_index = {word: i for i, word in enumerate(vocabulary, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        self.index_docs.update({self.word_index[w]: c for w, c in self.word_docs.items()})

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count in how many sequences each number occurs, for the mode "tfidf"."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for i in set(sequence):
                self.index_docs[i] = self.index_docs.get(i, 0) + 1

    def texts_to_sequences(self, texts: Iterable[Text]) -> list[list[int]]:
        """Return the numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Text]) -> Iterator[list[int]]:
        """Yield what `texts_to_sequences` returns, one text at a time."""
        unknown = self._unknown()
        for text in texts:
            found = (self.word_index.get(word) for word in self._words(text))
            kept = (i if self._is_known(i) else unknown for i in found)
            yield [i for i in kept if i is not None]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Return the words of each sequence of numbers, with a space between."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Yield what `sequences_to_texts` returns, one sequence at a time."""
        unknown = None if self._unknown() is None else self.oov_token
        for sequence in sequences:
            known = (
                self.index_word[i] if i in self.index_word and self._is_known(i) else unknown
                for i in sequence
            )
            yield " ".join(word for word in known if word is not None)

    def _unknown(self) -> int | None:
        return None if self.oov_token is None else self.word_index.get(self.oov_token)

    def _is_known(self, i: int | None) -> bool:
        return i is not None and not (self.num_words and i >= self.num_words)

    def texts_to_matrix(self, texts: Iterable[Text], mode: str = "binary") -> Array:
        """Return a row for each text with a column for each word; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> Array:
        """Return a row for each sequence with a column for each number.

        Parameters
        ----------
        mode : {"binary", "count", "freq", "tfidf"}
            1 for words that occur; their count; their share; their tf-idf weight.
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(
                f"Tokenizer: mode: expected 'binary', 'count', 'freq' or 'tfidf', got {mode!r}"
            )
        columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not columns:
            raise ValueError("Tokenizer: has no num_words and has seen no texts")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: mode 'tfidf' needs texts: call fit_on_texts first")
        matrix = np.zeros((len(sequences), columns))
        for row, sequence in zip(matrix, sequences, strict=True):
            numbers, counts = np.unique(
                [i for i in sequence if i < columns] or np.zeros(0, int), return_counts=True
            )
            row[numbers] = self._weights(numbers, counts, len(sequence), mode)
        return matrix

    def _weights(self, numbers: Array, counts: Array, length: int, mode: str) -> Any:
        if mode == "binary":
            return 1
        if mode == "count":
            return counts
        if mode == "freq":
            return counts / max(length, 1)
        texts = np.array([self.index_docs.get(int(i), 0) for i in numbers])
        return (1 + np.log(counts)) * np.log(1 + self.document_count / (1 + texts))

    def get_config(self) -> dict[str, Any]:
        """Return the config that `to_json` writes, in Keras's format."""
        learned = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        plain = ("num_words", "filters", "lower", "split", "char_level", "oov_token")
        return {
            **{name: getattr(self, name) for name in (*plain, "document_count")},
            **{name: json.dumps(getattr(self, name)) for name in learned},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return arguments and vocabulary as JSON, for `tokenizer_from_json`, ours or Keras's."""
        return json.dumps(
            {"class_name": type(self).__name__, "config": self.get_config()}, **kwargs
        )


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Build a tokenizer from the result of ``to_json()``, ours or Keras's."""
    config = json.loads(json_string)["config"]
    names = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
    learned = {name: json.loads(config.pop(name)) for name in names}
    made = Tokenizer(**config)
    for name, value in learned.items():
        by_number = name.startswith("index_")  # keys are numbers, strings in JSON
        setattr(made, name, {int(k): v for k, v in value.items()} if by_number else value)
    return made
