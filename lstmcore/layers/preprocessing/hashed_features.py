"""Hashing and HashedCrossing: bins of texts and numbers, without a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ...ragged import is_ragged
from ...validation import Array, as_array, as_strings
from ..base import Back, Shape, registry
from .categories import check_dense, check_mode, check_salt, encode, encoded_shape
from .hashing import bucket, combine, fingerprint
from .lookup import TextLayer

_CROSSING = 0xDECAFCAFFE  # the word with which TensorFlow begins a cross


class _Hashed(TextLayer):
    """Base of the layers whose inputs are texts or whole numbers."""

    num_bins: int

    @property
    def input_dtype(self) -> str:
        """The dtype that input arrays are converted to, where they are no texts: int64."""
        return "int64"

    @property
    def output_dtype(self) -> str | None:
        """The dtype of the output in a graph."""
        return "int64" if self.output_mode == "int" else self.dtype

    def takes_strings(self, position: int = 0) -> None:
        """Return None: the input may be texts or whole numbers."""

    def num_columns(self) -> int:
        """Return the number of bins."""
        return self.num_bins

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)

    def _features(self, x: Any, what: str) -> Array:
        """Return texts as an array of bytes objects, numbers as int64."""
        if is_ragged(x):
            raise self.error("x", "rows of one length", "rows of different lengths")
        array = x if isinstance(x, np.ndarray) else np.asarray(x)
        if array.dtype.kind in "OSUT":
            texts = as_strings(x, what)
            flat = [t.encode() if isinstance(t, str) else t for t in texts.reshape(-1).tolist()]
            coded = np.empty(len(flat), object)
            coded[:] = flat
            return coded.reshape(texts.shape)
        return as_array(x, "int64", what)

    def _encoded(self, bins: Array, grad: bool) -> tuple[Array, Back | None]:
        back = (lambda dy, need_dx=True: None) if grad else None
        if self.output_mode == "int":
            return bins, back
        return encode(bins, self.output_mode, self.num_bins, self.dtype or self.default_dtype), back


@registry.add()
class Hashing(_Hashed):
    """The bin of each text or whole number by a hash, the same in every run and in Keras.

    Input of any shape; output of the same shape with ``"int"``, else as `CategoryEncoding`'s, where
    masked entries count in none. In a model texts come from ``Input(shape, dtype="string")``.
    Without a `salt` the hash is FarmHash's 64-bit fingerprint, with one SipHash. Different entries
    may have one bin.

    Parameters
    ----------
    num_bins : int
        The number of bins, that of `mask_value` included.
    mask_value : str or int, optional
        Has bin 0, and nothing else has.
    salt : int or (int, int), optional
        Hash with this key, by SipHash.
    output_mode : {"int", "one_hot", "multi_hot", "count"}
        ``"int"``: bins as int64; else as `CategoryEncoding`.
    sparse : bool, default False
        Only False.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Hashing
    >>> Hashing(3)([["A"], ["B"], ["C"]])
    array([[1],
           [0],
           [1]])
    """

    uses_mask: ClassVar[bool] = True

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_bins = self.check_size("num_bins", num_bins)
        if mask_value is not None and not isinstance(mask_value, str | bytes | int):
            raise self.error("mask_value", "a str or a whole number", repr(mask_value))
        self.mask_value, self.salt = mask_value, check_salt(self, salt)
        self.output_mode = check_mode(self, output_mode, "int")
        check_dense(self, sparse=sparse)
        self.sparse = False

    def forward(self, x: Any, grad: bool = False, mask: Any = None) -> tuple[Array, Back | None]:
        """Find the bins; there is no gradient."""
        given = self._features(x, f"layer {self.name!r}: x")
        masks = self.mask_value is not None and self.num_bins > 1
        masked = self.mask_value.encode() if isinstance(self.mask_value, str) else self.mask_value
        bins = [
            0 if masks and entry == masked else self._bin(entry, self.num_bins - masks) + masks
            for entry in given.reshape(-1).tolist()
        ]
        found = np.array(bins, np.int64).reshape(given.shape)
        return self._encoded(self.without_masked(found, mask), grad)

    def _bin(self, entry: bytes | int, count: int) -> int:
        text = entry if isinstance(entry, bytes) else str(entry).encode()
        return bucket(text, count, self.salt)


@registry.add()
class HashedCrossing(_Hashed):
    """The bin of several features together by a hash, the same in every run and in Keras.

    Inputs ``(batch,)`` or ``(batch, 1)``, each of texts or of whole numbers; output of the same
    shape with ``"int"``, or ``(batch, num_bins)``. In a model texts come from ``Input((1,),
    dtype="string")``.

    Parameters
    ----------
    num_bins : int
    output_mode : {"int", "one_hot"}
        ``"int"``: bins as int64.
    sparse : bool, default False
        Only False.
    name, dtype
        See `Layer`.
    **kwargs
        `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import HashedCrossing
    >>> HashedCrossing(5)([["A", "B", "A"], [101, 101, 102]])
    array([1, 4, 3])
    """

    several_inputs: ClassVar[bool] = True

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.num_bins = self.check_size("num_bins", num_bins)
        if output_mode not in ("int", "one_hot"):
            raise self.error("output_mode", "'int' or 'one_hot'", repr(output_mode))
        self.output_mode = output_mode
        check_dense(self, sparse=sparse)
        self.sparse = False

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape of each input, or (batch, num_bins)."""
        shapes = [tuple(shape) for shape in input_shape]
        first = shapes[0]
        batches = {shape[:1] for shape in shapes} - {(None,)}
        alike = len({shape[1:] for shape in shapes}) == 1 and len(batches) < 2
        if len(shapes) < 2 or not alike or not first or first[1:] not in ((), (1,)):
            wanted = "two inputs or more of one shape, (batch,) or (batch, 1)"
            raise self.error("x", wanted, f"shapes {shapes}")
        return (
            first if self.output_mode == "int" else encoded_shape(first, "one_hot", self.num_bins)
        )

    def compute_mask(self, x: Any, mask: Any = None) -> None:
        """Return None: there are no steps."""

    def forward(self, x: Sequence[Any], grad: bool = False) -> tuple[Array, Back | None]:
        """Find the bins; there is no gradient."""
        if not isinstance(x, list | tuple):
            raise self.error("x", "a list of arrays", f"a {type(x).__name__}")
        parts = [self._features(part, f"layer {self.name!r}: x[{i}]") for i, part in enumerate(x)]
        self.compute_output_shape([part.shape for part in parts])
        bins = np.empty(parts[0].shape, np.int64)
        rows = zip(*(part.reshape(-1).tolist() for part in parts), strict=True)
        for i, entries in enumerate(rows):
            word = _CROSSING
            for entry in entries:
                own = fingerprint(entry) if isinstance(entry, bytes) else entry % (1 << 64)
                word = combine(word, own)
            bins.reshape(-1)[i] = word % self.num_bins
        return self._encoded(bins, grad)
