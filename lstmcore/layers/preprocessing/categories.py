"""CategoryEncoding and Discretization: one-hot, multi-hot and count encoding, and bins."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ...validation import Array, as_array, reals
from ..base import LARGEST, Back, Layer, Shape, registry
from ..calls import expand_mask
from .rescaling import adapt_batches


def encode(
    ids: Array, mode: str, num_columns: int, dtype: Any, weights: Array | None = None
) -> Array:
    """Encode whole numbers as one-hot, multi-hot or counts; those below 0 are ignored.

    Parameters
    ----------
    ids : ndarray of int
        Less than `num_columns`.
    mode : {"one_hot", "multi_hot", "count"}
        ``"one_hot"``: (..., num_columns), or (batch, num_columns) for (batch, 1). In the other
        modes the last axis is a sample: (..., num_columns) for (..., n).
    weights : ndarray, optional
        The weight of each number, for ``"count"``.
    """
    if mode == "one_hot":
        ids = ids[..., 0] if ids.ndim > 1 and ids.shape[-1] == 1 else ids
        y: Array = (ids[..., None] == np.arange(num_columns)).astype(dtype)
        return y
    ids = np.atleast_1d(ids)
    rows = math.prod(ids.shape[:-1])
    at = ids.reshape(rows, -1) + num_columns * np.arange(rows)[:, None]
    counted_ids = ids.reshape(at.shape) >= 0
    counted = None if weights is None else weights.reshape(at.shape)[counted_ids]
    counts = np.bincount(at[counted_ids], counted, rows * num_columns).reshape(
        *ids.shape[:-1], num_columns
    )
    return (counts > 0 if mode == "multi_hot" else counts).astype(dtype)


def encoded_shape(shape: Shape, mode: str, num_columns: int) -> Shape:
    """Return the shape of the output of `encode`."""
    if mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
        return (*shape, num_columns)
    return (*shape[:-1], num_columns)


def check_mode(layer: Layer, mode: Any, *others: str) -> str:
    """Return the name of the output mode, also for Keras's older names; ValueError if unknown."""
    names = (*others, "one_hot", "multi_hot", "count")
    old = {"binary": "multi_hot", "tf-idf": "tf_idf"}
    found = old.get(mode, mode) if isinstance(mode, str) else mode
    if found not in names:
        raise layer.error("output_mode", " or ".join(map(repr, names)), repr(mode))
    return str(found)


def check_salt(layer: Layer, salt: Any) -> list[int] | None:
    """Return the two words of a hash's key, given both or one for both; None for no key."""
    pair = [salt, salt] if isinstance(salt, int) else salt
    if pair is None:
        return None
    if not isinstance(pair, list | tuple) or [type(n) for n in pair] != [int, int]:
        raise layer.error("salt", "an int or two", repr(salt))
    return list(pair)


def check_dense(layer: Layer, **flags: bool) -> None:
    """Raise ValueError for flags that ask for sparse or ragged outputs."""
    for name, value in flags.items():
        if value:
            raise layer.error(name, "False: outputs are arrays", repr(value))


class EncodingLayer(Layer):
    """Base of the layers whose output is class indices, or their encoding; it has no gradient."""

    takes_whole: ClassVar[bool] = True

    output_mode: str

    def num_columns(self) -> int:
        """Return the number of columns."""
        raise NotImplementedError

    def has_vocabulary(self) -> bool:
        """Return True if the number of columns is known."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape, or the shape of the encoding."""
        if self.output_mode == "int":
            return input_shape
        return encoded_shape(input_shape, self.output_mode, self.num_columns())

    def compute_mask(self, x: Any, mask: Array | None = None) -> Array | None:
        """Return the mask if the output has the time axis, else None."""
        kept = self.output_mode == "int" or (self.output_mode == "one_hot" and x.shape[-1] != 1)
        return mask if kept else None

    def without_masked(self, ids: Array, mask: Any) -> Array:
        """Return indices with -1, which `encode` ignores, in the place of masked ones.

        Only where an output is for all steps together: else it has a mask.
        """
        if mask is None or mask.shape != ids.shape or self.output_mode in ("int", "one_hot"):
            return ids
        return np.where(mask, ids, -1)


@registry.add()
class CategoryEncoding(EncodingLayer):
    """Encode whole numbers as one-hot, multi-hot or counts; masked ones count in none.

    Input ``(batch, n)`` of numbers from 0 to ``num_tokens - 1`` (others are an error), output
    ``(batch, num_tokens)``, or ``(batch, n, num_tokens)`` for ``"one_hot"``.

    Parameters
    ----------
    num_tokens : int
        The number of categories.
    output_mode : {"multi_hot", "one_hot", "count"}
        1 for every number that occurs in a sample; a vector for each number; the number of
        occurrences.
    sparse : bool, default False
        Only False.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import CategoryEncoding
    >>> CategoryEncoding(4, "count")([[0, 1, 1], [3, 3, 3]])
    array([[1., 2., 0., 0.],
           [0., 0., 0., 3.]], dtype=float32)
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_tokens is None:
            raise self.error("num_tokens", "how many there are, or use IntegerLookup", "None")
        self.num_tokens = self.check_size("num_tokens", num_tokens)
        self.output_mode = check_mode(self, output_mode)
        check_dense(self, sparse=sparse)
        self.sparse = False

    @property
    def input_dtype(self) -> str:
        """The dtype that input arrays are converted to: int64."""
        return "int64"

    uses_mask = True
    call_order = ("count_weights", "training", "mask")

    def num_columns(self) -> int:
        """Return the number of columns."""
        return self.num_tokens

    def forward(
        self, x: Array, grad: bool = False, count_weights: Any = None, mask: Any = None
    ) -> tuple[Array, Back | None]:
        """Encode x; `count_weights`, of the shape of x, are weights for mode ``"count"``."""
        x = as_array(x, "int64", f"layer {self.name!r}: x")
        x = x if mask is None else np.where(expand_mask(mask, x.ndim), x, 0)
        if x.min() < 0 or x.max() >= self.num_tokens:
            wrong = x[(x < 0) | (x >= self.num_tokens)][0]
            raise self.error("x", f"whole numbers from 0 to {self.num_tokens - 1}", wrong)
        if count_weights is not None:
            if self.output_mode != "count":
                raise self.error("count_weights", "output_mode='count'", repr(self.output_mode))
            count_weights = as_array(count_weights, self.dtype, "count_weights")
            if count_weights.shape != x.shape:
                raise self.error("count_weights", f"shape {x.shape}", count_weights.shape)
        x = self.without_masked(x, mask)
        y = encode(x, self.output_mode, self.num_tokens, self.dtype, count_weights)
        return y, (lambda dy, need_dx=True: None) if grad else None


@registry.add()
class Discretization(EncodingLayer):
    """The index of the bin in which each number lies, of the shape of the input.

    In the modes that encode, masked numbers do not count.

    Parameters
    ----------
    bin_boundaries : sequence of float, optional
        The ascending boundaries: ``[0, 1]`` gives three bins, below 0, from 0 to below 1, and
        from 1.
    num_bins : int, optional
        The number of bins that `adapt` learns, each with about the same number of values.
    epsilon : float, default 0.01
        The error of the learned quantiles, as a fraction of the data.
    output_mode : {"int", "one_hot", "multi_hot", "count"}
        ``"int"``: the index of the bin, as int32; else as `CategoryEncoding`.
    sparse : bool, default False
        Only False.
    dtype, name
        See `Layer`.
    **kwargs
        `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Discretization
    >>> Discretization([0.0, 1.0])([[-1.5, 0.0, 0.7, 3.4]])
    array([[0, 1, 1, 2]], dtype=int32)
    """

    takes_whole: ClassVar[bool] = False

    uses_mask = True

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, name=name, **kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            got = "neither" if num_bins is None else "both"
            raise self.error("bin_boundaries and num_bins", "one of them", got)
        if not 0 < epsilon < 1:
            raise self.error("epsilon", "a number between 0 and 1", repr(epsilon))
        self.num_bins = None if num_bins is None else self.check_size("num_bins", num_bins)
        self.epsilon = float(epsilon)
        self.output_mode = check_mode(self, output_mode, "int")
        check_dense(self, sparse=sparse)
        self.sparse = False
        self.bin_boundaries: list[float] | None = None
        if bin_boundaries is not None:
            self._set(bin_boundaries)

    def _set(self, boundaries: Any) -> None:
        what = f"layer {self.name!r} ({type(self).__name__}): bin_boundaries"
        rising = np.array(reals(what, boundaries))
        if not np.isfinite(rising).all() or (np.diff(rising) < 0).any():
            raise self.error("bin_boundaries", "finite numbers that rise", f"{boundaries!r:.80}")
        if rising.size >= LARGEST:
            raise self.error("bin_boundaries", f"fewer than {LARGEST}", rising.size)
        self.bin_boundaries = rising.tolist()

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Discretization:
        """Build a layer from the result of `get_config`, learned boundaries included."""
        if config.get("num_bins") is None or config.get("bin_boundaries") is None:
            return cls(**config)
        layer = cls(**{**config, "bin_boundaries": None})
        layer._set(config["bin_boundaries"])
        return layer

    def num_columns(self) -> int:
        """Return the number of columns."""
        if self.bin_boundaries is None:
            assert self.num_bins is not None
            return self.num_bins
        return len(self.bin_boundaries) + 1

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn boundaries from data, replacing those learned before.

        Parameters
        ----------
        data : array_like, or batches of them
        steps : int, optional
            The number of batches to take.
        """
        if self.num_bins is None:
            raise self.error("adapt", "a layer made with num_bins", "one with bin_boundaries")
        what = f"layer {self.name!r}: data"
        summary = np.zeros((2, 0))
        for batch in adapt_batches(data, what, steps):
            values = np.sort(as_array(batch, "float32", what).reshape(-1))
            share = max(values.size * self.epsilon, 1)
            some = values[int(share - 1) :: int(share)].astype(np.float64)
            summary = np.concatenate([np.stack([some, np.full_like(some, share)]), summary], axis=1)
            summary = _compress_summary(summary[:, summary[0].argsort(kind="stable")], self.epsilon)
        if summary.shape[1] == 0:
            raise ValueError(f"{what}: expected at least one batch, got none")
        self._set(_compress_summary(summary, 1 / self.num_bins)[0, :-1])

    def forward(self, x: Array, grad: bool = False, mask: Any = None) -> tuple[Array, Back | None]:
        """Find the bins; there is no gradient."""
        if self.bin_boundaries is None:
            raise self.error("bin_boundaries", "some, or a call of adapt before", "none")
        ids = np.digitize(x, np.asarray(self.bin_boundaries, x.dtype))
        back = (lambda dy, need_dx=True: None) if grad else None
        if self.output_mode == "int":
            return ids.astype(np.int32), back
        ids = self.without_masked(ids, mask)
        return encode(ids, self.output_mode, self.num_columns(), self.dtype), back


def _compress_summary(summary: Array, share: float) -> Array:
    """Compress a quantile summary to values that are a fraction `share` of the weight apart.

    A summary has a row of ascending values and a row of their weights.
    """
    if summary.shape[1] * share < 1:
        return summary
    weight = summary[1].cumsum()
    at = share + np.arange(0.0, 1.0, share)
    values, upto = (np.interp(at, weight / weight[-1], v) for v in (summary[0], weight))
    return np.stack([values, np.diff(upto, prepend=0.0)])
