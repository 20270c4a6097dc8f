"""StringLookup and IntegerLookup: the indices of tokens in a vocabulary, and the inverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autodiff.tensors import mask_of, tensor, with_mask
from ...validation import STRING, Array, as_array, as_mask, refuse_masked
from ..base import Shape, registry
from ..calls import bind, check_options
from ..symbolic import is_symbolic
from .categories import EncodingLayer
from .hashing import bucket
from .index_lookup import IndexLookup


class TextLayer(EncodingLayer):
    """Base of the layers with texts as input or output, in models and outside of them."""

    invert: bool = False  # numbers in, texts out
    pad_to_max_tokens: bool

    def __call__(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Compute the output for texts, or record the call for a symbolic tensor of texts."""
        x, _, mask, options = bind(self, x, args, kwargs)
        check_options(self, options)
        if is_symbolic(x):
            return super().__call__(x, mask=mask)
        mask = mask_of(x) if mask is None else mask
        if mask is None:
            return tensor(self.forward(x)[0])
        given = x if hasattr(x, "shape") else np.asarray(x, object)
        mask = as_mask(mask, given.shape, f"layer {self.name!r}: x: mask", True)
        y, _, out_mask = self.forward_with_mask(given, False, mask)
        return with_mask(y, out_mask)

    @property
    def input_dtype(self) -> str:
        """The dtype of the input: texts, or with `invert` int64."""
        return "int64" if self.invert else STRING

    @property
    def output_dtype(self) -> str | None:
        """The dtype of the output in a graph: texts, indices or encodings."""
        if self.invert:
            return STRING
        return "int64" if self.output_mode == "int" else self.dtype

    def build(self, input_shape: Shape) -> None:
        """Raise ValueError if the number of columns is not known yet."""
        fixed = self.output_mode == "int" or self.pad_to_max_tokens
        if not fixed and not self.has_vocabulary():
            wanted = f"tokens, given or from adapt, before a model with {self.output_mode!r}"
            raise self.error("vocabulary", wanted, "none")


def as_texts(x: Any, encoding: str, what: str) -> Array:
    """Return texts as an array of str objects; bytes are decoded."""
    refuse_masked(x, what)
    array = np.asarray(x, dtype=object) if not isinstance(x, str | bytes) else np.array(x, object)
    texts = array.reshape(-1).tolist()
    for i, text in enumerate(texts):
        if isinstance(text, bytes):
            texts[i] = text.decode(encoding)
        elif not isinstance(text, str):
            hint = ": rows of different lengths" if isinstance(text, list | tuple) else ""
            raise TypeError(f"{what}: expected texts, got a {type(text).__name__}{hint}")
    out = np.empty(array.shape, object)
    out.reshape(-1)[:] = texts
    return out


@registry.add()
class StringLookup(TextLayer, IndexLookup):
    """The indices of strings in a vocabulary, or the inverse.

    Input of any shape; output of the same shape with ``"int"``, else as `CategoryEncoding`'s.
    In a model its input is ``Input(shape, dtype="string")``. The vocabulary is part of the config.

    Parameters
    ----------
    max_tokens : int, optional
        The largest vocabulary that `adapt` learns, special tokens included.
    num_oov_indices : int, default 1
        The number of indices for strings that are not in the vocabulary; a hash selects one of
        several. With 0, unknown strings are an error.
    mask_token : str, optional
        The token of padding: index 0 with ``"int"``, ignored in the other modes.
    oov_token : str, default "[UNK]"
        The token of unknown indices.
    vocabulary : sequence of str, or path of a text file, optional
        Instead of `adapt`.
    idf_weights : sequence of float, optional
        With a vocabulary and ``"tf_idf"``.
    invert : bool, default False
        Map indices to strings.
    output_mode : {"int", "one_hot", "multi_hot", "count", "tf_idf"}
        ``"int"``: indices as int64. The others have a last axis with a column for each token, in
        the layer's dtype: 1 if the token occurs, its number of occurrences, or that number times
        its IDF weight.
    pad_to_max_tokens : bool, default False
        Always return `max_tokens` columns, even for a smaller vocabulary.
    sparse : bool, default False
        Only False.
    encoding : str, default "utf-8"
        The encoding of bytes.
    name : str, optional
    salt : int or (int, int), optional
        Hash with this key, by SipHash.
    **kwargs
        `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import StringLookup
    >>> StringLookup(vocabulary=["a", "b", "c"])([["c", "a"], ["z", "b"]])
    array([[3, 1],
           [0, 2]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            name=name,
            salt=salt,
            **kwargs,
        )

    def to_tokens(self, x: Any, what: str) -> Array:
        """Convert to an array of str."""
        return as_texts(x, self.encoding, what)

    def to_token(self, value: Any) -> str:
        """Return one token; raise ValueError if it is no str."""
        if not isinstance(value, str):
            raise self.error("token", "a str", repr(value))
        return str(value)

    def oov_bucket(self, token: str) -> int:
        """Return the bucket of a string by the hash of its bytes."""
        return bucket(token.encode(self.encoding), self.num_oov_indices, self.salt)

    def token_array(self, tokens: list[str], shape: tuple[int, ...]) -> Array:
        """Return an array of str."""
        return np.array(tokens, np.str_).reshape(shape)


@registry.add()
class IntegerLookup(IndexLookup):
    """The indices of integers in a vocabulary, or the inverse.

    Shapes and modes as `StringLookup`'s, but the layer can be part of a model.

    Parameters
    ----------
    max_tokens, num_oov_indices, vocabulary, idf_weights, invert, output_mode
        See `StringLookup`.
    mask_token : int, optional
    oov_token : int, default -1
    vocabulary_dtype : {"int64"}
    sparse : bool, default False
        Only False.
    pad_to_max_tokens : bool, default False
    oov_method : {"floormod", "farmhash"}
        The selection among several unknown indices: by remainder, or by a hash of the digits.
    salt : int or (int, int), optional
        For ``"farmhash"``: hash with this key, by SipHash.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.vocabulary_dtype, self.oov_method = vocabulary_dtype, oov_method
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            name=name,
            salt=salt,
            **kwargs,
        )
        if vocabulary_dtype != "int64":
            raise self.error("vocabulary_dtype", "'int64'", repr(vocabulary_dtype))
        if oov_method not in ("floormod", "farmhash"):
            raise self.error("oov_method", "'floormod' or 'farmhash'", repr(oov_method))
        if salt is not None and oov_method != "farmhash":
            raise self.error("salt", "None unless oov_method is 'farmhash'", repr(salt))

    @property
    def input_dtype(self) -> str:
        """The dtype that input arrays are converted to: int64."""
        return "int64"

    def to_tokens(self, x: Any, what: str) -> Array:
        """Convert to an array of int64."""
        return as_array(x, "int64", what)

    def to_token(self, value: Any) -> int:
        """Return one token as an int; raise ValueError if it is no whole number."""
        try:
            whole = int(value)
        except (TypeError, ValueError):
            raise self.error("token", "a whole number", repr(value)) from None
        if isinstance(value, float) and value != whole:
            raise self.error("token", "a whole number", repr(value))
        return whole

    def oov_bucket(self, token: int) -> int:
        """Return the bucket of a number: its remainder, or the hash of its digits."""
        if self.oov_method == "floormod":
            return token % self.num_oov_indices
        return bucket(str(token).encode(), self.num_oov_indices, self.salt)

    def token_array(self, tokens: list[int], shape: tuple[int, ...]) -> Array:
        """Return an array of int64."""
        return np.array(tokens, np.int64).reshape(shape)
