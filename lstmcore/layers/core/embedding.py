"""Embedding: a learned vector for each index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ... import constraints, initializers, regularizers
from ...quantization.storage import Product, from_short
from ...validation import Array, plain_array
from ..base import Back, Layer, Param, Shape, registry
from ..calls import expand_mask
from ..stored import stored

_CHUNK = 1 << 16  # elements scattered at once: their indices stay in cache


@registry.add()
class Embedding(Layer):
    """Look up a learned vector for each index.

    Input ``(batch, ...)``, usually ``(batch, time)``; output ``(batch, ..., output_dim)``. The
    weights are ``embeddings (input_dim, output_dim)``.

    Parameters
    ----------
    input_dim : int
        The number of vectors: indices are from 0 to ``input_dim - 1``.
    output_dim : int
        The size of a vector.
    embeddings_initializer : str or Initializer
        Default ``"uniform"``.
    embeddings_regularizer : str or Regularizer, optional
        Penalty on the vectors, added to the loss in training.
    embeddings_constraint : str or Constraint, optional
        Applied to the vectors after each optimizer step.
    mask_zero : bool, default False
        Index 0 is padding: these steps are masked.
    weights : array_like, (input_dim, output_dim), optional
        The initial vectors; not a part of the config, since files and copies have the weights.
    input_length : int, optional
        The number of indices in a sample: short for ``input_shape=(input_length,)``.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Embedding
    >>> Embedding(10, 4)([[1, 2, 9], [3, 0, 0]]).shape
    (2, 3, 4)
    """

    takes_whole: ClassVar[bool] = True

    init_only = ("batch_input_shape", "weights", "input_length")

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        *,
        input_length: int | None = None,
        **kwargs: Any,
    ) -> None:
        if input_length is not None and "input_shape" not in kwargs:
            kwargs["input_shape"] = (input_length,)
        super().__init__(**kwargs)
        self.input_dim = self.check_size("input_dim", input_dim)
        self.output_dim = self.check_size("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self._initial_values = None if weights is None else self._check_weights(weights)

    def _check_weights(self, weights: Any) -> Array:
        if isinstance(weights, list | tuple) and len(weights) == 1 and np.ndim(weights[0]) == 2:
            weights = weights[0]  # Keras also accepts a list, as for `set_weights`
        array = plain_array(weights, f"layer {self.name!r}: weights").copy()
        shape = (self.input_dim, self.output_dim)
        if array.shape != shape or array.dtype.kind not in "biuf":
            raise self.error("weights", f"numbers of shape {shape}", f"{array.dtype} {array.shape}")
        return array

    @property
    def embeddings(self) -> Param:
        """The vectors; a layer that was given `weights` is built for it."""
        if not self.built and self._initial_values is not None and not self.is_building:
            self.build()
        if not self._params:
            raise AttributeError(f"layer {self.name!r} has no embeddings before it is built")
        return self._params[0]

    def get_weights(self) -> list[Array]:
        """Return a copy of the vectors in a list; those given to the constructor at once."""
        if not self.built and self._initial_values is not None:
            self.build()
        return super().get_weights()

    @property
    def input_dtype(self) -> str:
        """The dtype that input arrays are converted to: int64."""
        return "int64"

    def build(self, input_shape: Shape | None = None) -> None:
        start = self._initial_values
        draw: Any = self.embeddings_initializer if start is None else lambda shape, dtype: start
        shape = (self.input_dim, self.output_dim)
        self.add_weight(
            shape,
            draw,
            name="embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def stored_products(self) -> Sequence[Product]:
        """Return the vectors, each with a scale of its own."""
        return (Product((self.embeddings,), (1,)),)

    def look_up(self, x: Array, grad: bool = False) -> Array:
        """Return the vectors of these indices, from the table as the layer stores it."""
        if self.storage is None:
            vectors: Array = self.embeddings.value.take(x, axis=0)
            return vectors
        (table,), scale = stored(self, "vectors", partial(self._store, self.storage), grad)
        rows = table.take(x, axis=0)
        if scale is None:
            return from_short(rows)
        return rows.astype(np.float32) * scale.take(x)[..., None]

    def _store(self, storage: str) -> tuple[list[Array], Array | None]:
        (product,) = Embedding.stored_products(self)
        return product.store([self.embeddings.value], storage)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape with `output_dim` appended."""
        return (*input_shape, self.output_dim)

    def compute_mask(self, x: Any, mask: Array | None = None) -> Array | None:
        """Return the mask of x; with `mask_zero`, indices of 0 are masked as well."""
        if not self.mask_zero:
            return mask
        unmasked: Array = x != 0
        if mask is None:
            return unmasked
        # a step may have several indices, and only some of them may be padding
        return unmasked & expand_mask(mask, unmasked.ndim)

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Look up the vectors; the backward function returns None, since indices have no dx."""
        x = np.ascontiguousarray(x, np.int64)
        # read as unsigned, a negative number is a very large one: one comparison finds both
        if x.size and x.view(np.uint64).max() >= self.input_dim:
            wrong = x[(x < 0) | (x >= self.input_dim)][0]
            raise self.error("x", f"whole numbers from 0 to {self.input_dim - 1}", wrong)
        y = self.look_up(x, grad)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> None:
            _scatter(self.embeddings.grad, x.reshape(-1), dy)

        return y, back


def _scatter(grad: Array, rows: Array, dy: Array) -> None:
    """Add the vectors dy to rows of grad, in a fixed order: every run gives the same sums."""
    units = grad.shape[1]
    into, dy, columns = grad.reshape(-1), dy.reshape(-1), np.arange(units)
    step = max(1, _CHUNK // units)
    for start in range(0, len(rows), step):
        at = rows[start : start + step, None] * units + columns
        # np.add.at is several times as fast on a flat array as on rows
        np.add.at(into, at.reshape(-1), dy[start * units : (start + step) * units])
