"""TextVectorization: the indices of the words of texts."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ... import context
from ...ragged import Ragged
from ...registry import Registry
from ...validation import Array
from ..base import Back, Shape, registry
from .categories import check_dense, check_mode
from .lookup import StringLookup, TextLayer, as_texts

functions: Registry = Registry("text function")  # names of callables, from `custom_objects`

# As in TensorFlow, only ASCII letters are converted to lower case, and white space is ASCII.
_LOWER = {ord(c): c.lower() for c in string.ascii_uppercase}
_STRIP: dict[int, str | None] = dict.fromkeys(map(ord, string.punctuation))
_TABLES: dict[str, dict[int, Any]] = {
    "lower": _LOWER,
    "strip_punctuation": _STRIP,
    "lower_and_strip_punctuation": {**_STRIP, **_LOWER},
}
_WORDS = re.compile(r"[^ \t\n\v\f\r]+")
# A word, a character of a script that has no spaces, or any other character.
_SCRIPTS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# Compiled when first used: it takes as long as the import of several modules.
_TOKENS = rf"[^\W{_SCRIPTS}]+(?:['\u2019][^\W{_SCRIPTS}]+)*|[^\s]"
_SPLITS: dict[str, Any] = {"whitespace": _WORDS.findall, "character": list}


@functions.add()
def lower_words(texts: Array) -> Array:
    """Standardize texts of any language: lower case, spaces around words and punctuation.

    For ``TextVectorization(standardize=lower_words)``; model files contain it by name. Chinese
    and Japanese characters become separate words.
    """
    done = [" ".join(re.findall(_TOKENS, text.lower())) for text in texts.reshape(-1).tolist()]
    out = np.empty(texts.shape, object)
    out.reshape(-1)[:] = done
    return out


@registry.add()
class TextVectorization(TextLayer):
    """Map texts to sequences of word indices, or to encodings of their words.

    Input ``(batch,)`` or ``(batch, 1)``, output ``(batch, words)`` or ``(batch, columns)``. In a
    model it stands first, alone or behind ``Input((1,), dtype="string")``; outside,
    ``ids = layer(texts)`` is the input of a model with an `Embedding`. Index 0 is padding, 1 is
    for words that are not in the vocabulary. The vocabulary is part of the config.

    Parameters
    ----------
    max_tokens : int, optional
        The largest vocabulary that `adapt` learns, padding and unknown words included.
    standardize : {"lower_and_strip_punctuation", "lower", "strip_punctuation"}, callable or None
        The standardization of texts. As in Keras only ASCII letters are converted to lower case;
        for others pass ``numpy.strings.lower``. A callable takes and returns an array of str.
    split : {"whitespace", "character"}, callable or None
        The separation of a text into words. A callable takes an array of str and returns a list
        of words for each, as ``lambda x: numpy.char.split(x, ",")``; None: the texts are words.
    ngrams : int or tuple of int, optional
        Use n-grams of these lengths, joined by spaces; an int n stands for 1 to n.
    output_mode : {"int", "multi_hot", "count", "tf_idf"}
        See `StringLookup`.
    output_sequence_length : int, optional
        Truncate or pad every sequence to this number of words; the default is the longest
        sequence of the call.
    pad_to_max_tokens : bool, default False
        Always return `max_tokens` columns, even for a smaller vocabulary; not for ``"int"``.
    vocabulary : sequence of str, or path of a text file, optional
        Instead of `adapt`.
    idf_weights : sequence of float, optional
        With a vocabulary and ``"tf_idf"``.
    sparse : bool, default False
        Only False.
    ragged : bool, default False
        True: return a list of arrays of different lengths, which models take, without padding.
        In a model they are padded, and the padding is masked.
    encoding : str, default "utf-8"
        The encoding of bytes.
    name : str, optional
    **kwargs
        `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import TextVectorization
    >>> layer = TextVectorization()
    >>> layer.adapt(["The cat sat.", "A cat ran!"])
    >>> layer.get_vocabulary()
    ['', '[UNK]', 'cat', 'the', 'sat', 'ran', 'a']
    >>> layer(["the dog ran", "cat"])
    array([[3, 1, 5],
           [2, 0, 0]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.standardize = self._check_callable("standardize", standardize, _TABLES)
        self.split = self._check_callable("split", split, _SPLITS)
        self.ngrams = self._check_ngrams(ngrams)
        self.output_mode = check_mode(self, output_mode, "int", "tf_idf")
        if output_sequence_length is not None:
            if self.output_mode != "int":
                wanted = "None unless output_mode is 'int'"
                raise self.error("output_sequence_length", wanted, output_sequence_length)
            self.check_size("output_sequence_length", output_sequence_length)
        self.output_sequence_length = output_sequence_length
        check_dense(self, sparse=sparse, ragged=bool(ragged) and self.output_mode != "int")
        self.sparse, self.ragged, self.encoding = False, bool(ragged), encoding
        self.lookup = StringLookup(
            max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=self.output_mode,
            encoding=encoding,
            name=self.name,
            dtype=self.constructor_argument("dtype"),
        )
        self.max_tokens, self.pad_to_max_tokens = max_tokens, bool(pad_to_max_tokens)

    def _check_callable(self, argument: str, value: Any, names: Any) -> Any:
        """Return a name, a callable or None; a callable may be given by its name in a config."""
        if isinstance(value, dict) and isinstance(value.get("function"), str):
            value = functions.find(value["function"])
        if value is None or callable(value) or (isinstance(value, str) and value in names):
            return value
        wanted = " or ".join(map(repr, names))
        raise self.error(argument, f"{wanted} or a callable or None", repr(value))

    def _check_ngrams(self, ngrams: Any) -> Any:
        if ngrams is None or (isinstance(ngrams, int) and not isinstance(ngrams, bool)):
            return None if ngrams is None else self.check_size("ngrams", ngrams)
        if not isinstance(ngrams, list | tuple) or not ngrams:
            raise self.error("ngrams", "an int, a tuple of int or None", repr(ngrams))
        return tuple(self.check_size("ngrams", n) for n in ngrams)

    # -- the vocabulary --------------------------------------------------------------------

    @property
    def vocabulary(self) -> list[str] | None:
        """The words as given or learned."""
        return self.lookup.vocabulary

    @property
    def idf_weights(self) -> list[float] | None:
        """The IDF weights of the words, with ``"tf_idf"``."""
        return self.lookup.idf_weights

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Return the words in the order of their indices; see `StringLookup`."""
        return self.lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Return the size of the vocabulary, padding and unknown words included."""
        return self.lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the words, replacing the present ones; see `StringLookup`."""
        self.lookup.set_vocabulary(vocabulary, idf_weights)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary from texts, replacing the one learned before.

        Words are in descending order of frequency; equally frequent ones in descending order.

        Parameters
        ----------
        data : list or array of str, or an iterable of batches of them
        batch_size : int, optional
            Ignored, as in Keras.
        steps : int, optional
            The number of batches to take.
        """
        self.lookup.learn(self._documents(data, steps))

    def _documents(self, data: Any, steps: int | None) -> Iterator[list[str]]:
        what = f"layer {self.name!r}: data"
        if isinstance(data, list | tuple) or hasattr(data, "__array__"):
            texts = as_texts(data, self.encoding, what)
            texts = texts.reshape(-1, 1) if texts.ndim == 1 else texts
            yield from self._words(texts)[0]
            return
        for i, batch in enumerate(data):
            if steps is not None and i >= steps:
                return
            texts = as_texts(batch, self.encoding, what)
            texts = texts.reshape(1, -1) if self.split is None and texts.ndim == 1 else texts
            yield from self._words(texts)[0]

    def has_vocabulary(self) -> bool:
        """Return True if there are words, given or learned."""
        return self.lookup.has_vocabulary()

    def build(self, input_shape: Shape) -> None:
        """Check the shape, and that the number of columns is known."""
        super().build(input_shape)
        if self.split is not None and len(input_shape) > 1 and input_shape[1:] != (1,):
            wanted = "one text for each sample, (batch,) or (batch, 1)"
            raise self.error("x", wanted, f"shape {input_shape}")
        if not self.lookup.built:  # so that its number of columns stays
            self.lookup.build_for(input_shape, self.dtype or self.default_dtype)

    # -- texts -----------------------------------------------------------------------------

    def _words(self, texts: Array) -> tuple[list[list[str]], tuple[int, ...]]:
        """Return the words of each text, without `split` those of each row, and their shape."""
        if callable(self.standardize):
            texts = np.asarray(self.standardize(texts.astype(np.str_))).astype(object)
        elif self.standardize is not None:
            table = _TABLES[self.standardize]
            done = [text.translate(table) for text in texts.reshape(-1).tolist()]
            texts = np.array(done, object).reshape(texts.shape)
        if self.split is None:
            rows = texts.reshape(-1, texts.shape[-1] if texts.ndim else 1).tolist()
            return [self._join_ngrams(row) for row in rows], texts.shape[:-1]
        if texts.ndim > 1:
            if texts.shape[1:] != (1,):
                wanted = "one text for each sample, (batch,) or (batch, 1)"
                raise self.error("x", wanted, f"shape {texts.shape}")
            texts = texts[:, 0]
        flat = texts.reshape(-1)
        if callable(self.split):
            found = [list(map(str, words)) for words in self.split(flat.astype(np.str_))]
            if len(found) != len(flat):
                raise self.error("split", f"{len(flat)} lists of words from it", len(found))
        else:
            found = [_SPLITS[self.split](text) for text in flat.tolist()]
        return [self._join_ngrams(words) for words in found], texts.shape

    def _join_ngrams(self, words: list[str]) -> list[str]:
        """Return the n-grams of a list of words."""
        if self.ngrams is None:
            return words
        sizes: Sequence[int] = self.ngrams
        if isinstance(self.ngrams, int):
            sizes = range(1, self.ngrams + 1)
        return [" ".join(words[i : i + n]) for n in sizes for i in range(len(words) - n + 1)]

    def num_columns(self) -> int:
        """Return the number of columns."""
        return self.lookup.num_columns()

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, words) or (batch, columns)."""
        if self.output_mode == "int":
            return (input_shape[0], self.output_sequence_length)
        return (input_shape[0], self.num_columns())

    def forward(self, x: Any, grad: bool = False) -> tuple[Any, Back | None]:
        """Look up the words; there is no gradient."""
        back = (lambda dy, need_dx=True: None) if grad else None
        texts = as_texts(x, self.encoding, f"layer {self.name!r}: x")
        rows, shape = self._words(texts)
        ids = [self.lookup.ids(row) for row in rows]
        if self.output_mode != "int":
            longest = max(map(len, ids), default=0)
            y = self.lookup.encode_ids(self._pad(ids, longest, -1))
            return y.reshape(*shape, *y.shape[1:]), back
        length = self.output_sequence_length
        if self.ragged and shape:
            return [row[:length] for row in ids], back
        longest = max(map(len, ids), default=0) if length is None else length
        if length is None and context.current().trial:  # of empty texts
            longest = 6 * len(ids)
        return self._pad(ids, longest, 0).reshape(*shape, longest), back

    def forward_with_mask(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Return what `run` returns: rows of different lengths padded, with their mask."""
        y, back = self.forward(x, grad)
        if not isinstance(y, list):
            longest = y.shape[-1]  # a batch of empty texts is one step of padding
            y = y if longest else np.zeros((*y.shape[:-1], 1), y.dtype)
            return y, back, None
        lengths = np.array([len(row) for row in y])
        array, padding = Ragged(np.concatenate(y), lengths).padded()
        if not lengths.any():
            padding = np.zeros(array.shape, np.bool_)
        return array, back, padding

    @staticmethod
    def _pad(rows: list[Array], length: int, value: int) -> Array:
        out = np.full((len(rows), length), value, np.int64)
        for to, row in zip(out, rows, strict=True):
            row = row[:length]
            to[: len(row)] = row
        return out
