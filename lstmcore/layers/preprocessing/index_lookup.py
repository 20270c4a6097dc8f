"""IndexLookup, base of the lookup layers: a vocabulary, given or learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ... import context
from ...validation import Array, as_array
from ..base import LARGEST, Back
from .categories import EncodingLayer, check_dense, check_mode, check_salt, encode

Token = Any  # str or int


class IndexLookup(EncodingLayer):
    """Base of layers with a vocabulary: the mask token, then the unknown tokens, then the rest.

    A subclass writes `to_tokens` and `to_token`, which convert inputs to its type of token.
    """

    uses_mask = True

    def __init__(
        self,
        *,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Token,
        oov_token: Token,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        sparse: bool,
        salt: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_tokens = None if max_tokens is None else self.check_size("max_tokens", max_tokens)
        if self.max_tokens == 1:
            raise self.error("max_tokens", "more than 1", max_tokens)
        if num_oov_indices != 0:
            num_oov_indices = self.check_size("num_oov_indices", num_oov_indices)
        self.num_oov_indices = int(num_oov_indices)
        self.mask_token = None if mask_token is None else self.to_token(mask_token)
        self.oov_token = None if oov_token is None else self.to_token(oov_token)
        self.invert = bool(invert)
        self.output_mode = check_mode(self, output_mode, "int", "tf_idf")
        if self.invert and self.output_mode != "int":
            raise self.error("output_mode", "'int' with invert", repr(self.output_mode))
        self.pad_to_max_tokens = bool(pad_to_max_tokens)
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise self.error("max_tokens", "a number, with pad_to_max_tokens", "None")
        check_dense(self, sparse=sparse)
        self.sparse = False
        self.salt = check_salt(self, salt)
        self.vocabulary: list[Token] | None = None
        self.idf_weights: list[float] | None = None
        self._clear_tokens()
        self._given = vocabulary is not None
        if self._given:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise self.error("idf_weights", "a vocabulary with them", "none")

    # -- what a subclass writes ------------------------------------------------------------

    def to_tokens(self, x: Any, what: str) -> Array:
        """Convert tokens to an array of the layer's type of token."""
        raise NotImplementedError

    def to_token(self, value: Any) -> Token:
        """Convert one token to the layer's type."""
        raise NotImplementedError

    def oov_bucket(self, token: Token) -> int:
        """Return the bucket of an unknown token, from 0 to ``num_oov_indices - 1``."""
        raise NotImplementedError

    def token_array(self, tokens: list[Token], shape: tuple[int, ...]) -> Array:
        """Return tokens as an array of this shape."""
        raise NotImplementedError

    # -- the vocabulary --------------------------------------------------------------------

    @property
    def _special(self) -> list[Token]:
        """The special tokens, which come first in the vocabulary."""
        masks = self.mask_token is not None and self.output_mode == "int"
        return [self.mask_token] * masks + [self.oov_token] * self.num_oov_indices

    def _clear_tokens(self) -> None:
        self._words: list[Token] = []
        self._table: dict[Token, int] = {}
        self._idf: Array | None = None

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Token]:
        """Return the tokens in the order of their indices.

        Parameters
        ----------
        include_special_tokens : bool, default True
            Include the mask token and those for unknown tokens, which come first.
        """
        return (self._special if include_special_tokens else []) + self._words

    def vocabulary_size(self) -> int:
        """Return the number of tokens, special tokens included."""
        return len(self._special) + len(self._words)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the tokens, replacing the present ones.

        Parameters
        ----------
        vocabulary : sequence, or path of a text file with one token a line
            With or without the special tokens at its front.
        idf_weights : sequence of float, optional
            One for each token; required with output_mode ``"tf_idf"`` and not allowed otherwise.
            If they do not include the special tokens, these get the mean.
        """
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            wanted = "one number for each token" if idf_weights is None else "None"
            got = "None" if idf_weights is None else "numbers"
            raise self.error("idf_weights", f"{wanted} with output_mode={self.output_mode!r}", got)
        if isinstance(vocabulary, str | Path):
            vocabulary = self._read(vocabulary)
        given = self.to_tokens(vocabulary, f"layer {self.name!r}: vocabulary").reshape(-1).tolist()
        special = self._special
        whole = given[: len(special)] == special
        words = given[len(special) :] if whole else given
        self._check_words(given, words)
        idf = None
        if idf_weights is not None:
            idf = as_array(idf_weights, "float64", "idf_weights")
            if idf.shape != (len(given),):
                raise self.error("idf_weights", f"{len(given)} numbers", f"shape {idf.shape}")
            self.idf_weights = idf.tolist()
            idf = idf if whole else np.append(np.full(len(special), idf.mean()), idf)
        self.vocabulary = given
        self._set_tokens(words, idf)

    def _read(self, path: Any) -> list[Token]:
        if context.current().shapes_only:
            raise self.error("vocabulary", "the tokens themselves in a model file", "a path")
        lines = Path(path).read_text(encoding="utf-8").split("\n")
        while lines and not lines[-1]:
            lines.pop()
        return [self.to_token(line.removesuffix("\r")) for line in lines]

    def _check_words(self, given: list[Token], words: list[Token]) -> None:
        if not given or len(given) > LARGEST:
            raise self.error("vocabulary", f"from 1 to {LARGEST} tokens", len(given))
        twice = [token for token, n in Counter(words).items() if n > 1]
        if twice:
            raise self.error("vocabulary", "every token once", f"{twice[:5]} more than once")
        reserved = [self.mask_token, *([self.oov_token] if self.invert else [])]
        for token in reserved:
            if token is not None and token in words:
                wanted = f"special tokens at the front, {self._special}, or none of them"
                raise self.error("vocabulary", wanted, f"{token!r} at {given.index(token)}")
        size = len(self._special) + len(words)
        if self.max_tokens is not None and size > self.max_tokens:
            wanted = f"at most max_tokens={self.max_tokens} tokens, special ones included"
            raise self.error("vocabulary", wanted, size)

    def _set_tokens(self, words: list[Token], idf: Array | None) -> None:
        """Set checked tokens and their IDF weights, special tokens included."""
        start = len(self._special)
        size = start + len(words)
        fixed = self.output_mode != "int" and not self.pad_to_max_tokens
        if self.built and fixed and size != self.vocabulary_size():
            raise self.error("vocabulary", f"{self.vocabulary_size()} tokens, as built for", size)
        self._words, self._idf = words, idf
        self._table = {word: start + i for i, word in enumerate(words)}
        if self.mask_token is not None:
            self._table[self.mask_token] = 0 if self.output_mode == "int" else -1

    # -- adapt -----------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary from data, replacing the one learned before.

        Tokens are in descending order of frequency; equally frequent ones in descending order.

        Parameters
        ----------
        data : array_like, or an iterable of batches
            A list or an array is all of the data.
        batch_size : int, optional
            Ignored, as in Keras.
        steps : int, optional
            The number of batches to take.
        """
        self.learn(self._documents(data, steps))

    def _documents(self, data: Any, steps: int | None) -> Iterator[list[Token]]:
        what = f"layer {self.name!r}: data"
        if isinstance(data, list | tuple) or hasattr(data, "__array__"):
            array = self.to_tokens(data, what)
            yield from array.reshape(len(array) if array.ndim else 1, -1).tolist()
            return
        for i, batch in enumerate(data):
            if steps is not None and i >= steps:
                return
            array = self.to_tokens(batch, what)
            yield from array.reshape(len(array) if array.ndim > 1 else 1, -1).tolist()

    def learn(self, documents: Iterable[list[Token]]) -> None:
        """Learn the vocabulary from lists of tokens, each a document."""
        if self._given:
            raise self.error("adapt", "a layer without a vocabulary", "one that was given it")
        counts: Counter[Token] = Counter()
        inside: Counter[Token] = Counter()  # the number of documents with a token
        total = 0
        for document in documents:
            counts.update(document)
            inside.update(set(document))
            total += 1
        for token in (self.mask_token, self.oov_token):
            counts.pop(token, None)
        if not counts:
            raise self.error("data", "at least one token", "none")
        words = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            words = words[: max(self.max_tokens - len(self._special), 0)]
        idf = None
        if self.output_mode == "tf_idf":
            idf = np.log1p(total / (1 + np.array([inside[word] for word in words])))
            self.idf_weights = idf.tolist()
            idf = np.append(np.full(len(self._special), idf.mean()), idf)
        self._set_tokens(words, idf)
        self.vocabulary = words

    # -- looking up ------------------------------------------------------------------------

    def num_columns(self) -> int:
        """Return the number of columns."""
        if not self.pad_to_max_tokens:
            return self.vocabulary_size()
        assert self.max_tokens is not None
        return self.max_tokens

    def has_vocabulary(self) -> bool:
        """Return True if there are tokens, given or learned."""
        return bool(self._words)

    def _check_known(self) -> None:
        if not self._words:
            raise self.error("vocabulary", "tokens, given or from adapt, before a call", "none")

    def ids(self, tokens: list[Token]) -> Array:
        """Return the indices of tokens; -1 for one that is ignored."""
        self._check_known()
        table = self._table
        if self.num_oov_indices == 1:
            unknown = len(self._special) - 1
            return np.array([table.get(token, unknown) for token in tokens], np.int64)
        missing = {token for token in tokens if token not in table}
        if missing and self.num_oov_indices == 0:
            some = ", ".join(map(repr, sorted(missing)[:5]))
            wanted = "tokens of the vocabulary only, with num_oov_indices=0"
            raise self.error("x", wanted, some)
        start = len(self._special) - self.num_oov_indices
        places = {token: start + self.oov_bucket(token) for token in missing}
        return np.array([table[t] if t in table else places[t] for t in tokens], np.int64)

    def encode_ids(self, ids: Array) -> Array:
        """Encode indices in the output mode."""
        if self.output_mode == "int":
            return ids
        mode, dtype = self.output_mode, self.dtype or self.default_dtype
        if mode != "tf_idf":
            return encode(ids, mode, self.num_columns(), dtype)
        assert self._idf is not None
        y = encode(ids, "count", self.num_columns(), dtype)
        y[..., : len(self._idf)] *= self._idf.astype(dtype)
        return y

    def forward(self, x: Any, grad: bool = False, mask: Any = None) -> tuple[Array, Back | None]:
        """Look up the indices, or with `invert` the tokens; there is no gradient."""
        back = (lambda dy, need_dx=True: None) if grad else None
        what = f"layer {self.name!r}: x"
        if self.invert:
            self._check_known()
            places, words = as_array(x, "int64", what), self.get_vocabulary()
            inside = range(len(words))
            tokens = [words[i] if i in inside else self.oov_token for i in places.ravel().tolist()]
            return self.token_array(tokens, places.shape), back
        given = self.to_tokens(x, what)
        ids = self.ids(given.ravel().tolist()).reshape(given.shape)
        return self.encode_ids(self.without_masked(ids, mask)), back
