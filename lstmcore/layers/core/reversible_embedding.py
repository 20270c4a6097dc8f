"""ReversibleEmbedding: an embedding whose weights also turn vectors back into logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ...quantization.storage import Product
from ...ragged import as_batch
from ...validation import Array, check_whole
from ..base import Back, Shape, registry
from ..parameters import Param
from ..stored import dense_gradients, dense_product
from .embedding import Embedding


@registry.add()
class ReversibleEmbedding(Embedding):
    """An `Embedding` that can be called in reverse, from vectors to a logit for each index.

    ``layer(x)`` looks vectors up; ``layer(h, reverse=True)``, h ``(batch, ..., output_dim)``,
    returns ``h @ embeddings.T``, ``(batch, ..., input_dim)``: the tied weights of language models
    (Press and Wolf, "Using the Output Embedding to Improve Language Models", 2017). The mask of h
    goes on to the logits.

    Parameters
    ----------
    input_dim, output_dim : int
        The number of vectors and their size; see `Embedding`.
    tie_weights : bool, default True
        False: the reverse has weights of its own, ``reverse_embeddings (output_dim, input_dim)``.
    embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero
        See `Embedding`.
    reverse_dtype : optional
        None, or the layer's dtype.
    logit_soft_cap : float, optional
        Bound the logits z softly: ``logit_soft_cap * tanh(z / logit_soft_cap)``.
    **kwargs
        See `Embedding`.

    Examples
    --------
    >>> from lstmcore.layers import ReversibleEmbedding
    >>> layer = ReversibleEmbedding(10, 4)
    >>> layer(layer([[1, 2, 9]]), reverse=True).shape
    (1, 3, 10)
    """

    call_order: ClassVar[tuple[str, ...]] = ("reverse", "training", "mask")

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
            mask_zero,
            **kwargs,
        )
        self.tie_weights = bool(tie_weights)
        self.reverse_dtype = (
            None
            if reverse_dtype is None
            else self.check_policy("reverse_dtype", reverse_dtype).variable_dtype
        )
        cap = logit_soft_cap
        if cap is not None:
            number = isinstance(cap, int | float | np.number) and not isinstance(cap, bool)
            if not number or not 0 < cap < np.inf:
                raise self.error("logit_soft_cap", "a finite number > 0, or None", repr(cap))
        self.logit_soft_cap = None if cap is None else float(cap)
        self.reverse_embeddings: Param | None = None

    def build(self, input_shape: Shape | None = None) -> None:
        super().build(input_shape)
        if self.reverse_dtype not in (None, self.dtype):
            raise self.error("reverse_dtype", f"None or {self.dtype}", self.reverse_dtype)
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            self.reverse_embeddings = self.add_weight(
                shape, self.embeddings_initializer, name="reverse_embeddings"
            )

    def stored_products(self) -> Sequence[Product]:
        """Return the vectors, and the weights of the reverse if it has its own."""
        own = () if self.reverse_embeddings is None else (Product((self.reverse_embeddings,)),)
        return (*super().stored_products(), *own)

    def prepare_call(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Convert arrays and masks for a call; indices stay as they are, vectors too."""
        what = f"layer {self.name!r}: x"
        x, padding = as_batch(x, None, what)
        mask = padding if mask is None else self.convert_mask(mask, x, what)
        if not self.built:
            self.build_for(x.shape, self.dtype or self.default_dtype)
        self.materialize()
        return x, mask

    def compute_output_shape(self, input_shape: Shape, reverse: bool = False) -> Shape:
        """Return the input's shape with `output_dim` appended; in reverse with `input_dim` last."""
        if reverse:
            self._check_vectors(input_shape)
            return (*input_shape[:-1], self.input_dim)
        return super().compute_output_shape(input_shape)

    def call_output_shape(self, input_shape: Any, reverse: bool = False, **options: Any) -> Any:
        """Return the shape of the output of a call."""
        return self.compute_output_shape(input_shape, reverse)

    def compute_mask(self, x: Any, mask: Array | None = None) -> Array | None:
        """Return the mask of x; of indices with `mask_zero`, 0 is masked as well."""
        return mask if x.dtype.kind == "f" else super().compute_mask(x, mask)

    def forward_with_mask(
        self, x: Any, grad: bool = False, mask: Any = None, reverse: Any = False, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Return the output, the backward function and the mask, that of the input in reverse."""
        if reverse:
            x = np.asarray(x, self.dtype)
        else:
            check_whole(x, f"layer {self.name!r} ({type(self).__name__}): x")
            x = np.asarray(x, np.int64)
        return super().forward_with_mask(x, grad, mask, reverse=bool(reverse), **options)

    def forward(
        self, x: Array, grad: bool = False, reverse: bool = False
    ) -> tuple[Array, Back | None]:
        """Look the vectors up, or compute logits, and their backward function."""
        if not reverse:
            return super().forward(x, grad)
        self._check_vectors(x.shape)
        tied, cap = self.reverse_embeddings is None, self.logit_soft_cap
        weight = self.embeddings if self.reverse_embeddings is None else self.reverse_embeddings
        kernel = weight.value.T if tied else weight.value
        if self.storage is None:
            kernel = np.ascontiguousarray(kernel)
        rows = np.ascontiguousarray(x.reshape(-1, self.output_dim))
        y = dense_product(self, rows, kernel, None, grad)
        if cap is not None:
            y = cap * np.tanh(y / cap)
        if not grad:
            return y.reshape(*x.shape[:-1], self.input_dim), None

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dz = np.ascontiguousarray(dy).reshape(y.shape)
            if cap is not None:
                dz = dz * (1 - (y / cap) ** 2)
            dkernel = np.zeros_like(kernel) if tied else weight.grad
            dx = dense_gradients(self, rows, kernel, dz, dkernel, need_dx=need_dx)
            if tied:
                weight.grad += dkernel.T
            return None if dx is None else dx.reshape(x.shape)

        return y.reshape(*x.shape[:-1], self.input_dim), back

    def _check_vectors(self, shape: Shape) -> None:
        if len(shape) < 2 or shape[-1] != self.output_dim:
            wanted = f"vectors of size {self.output_dim} with reverse=True"
            raise self.error("x", wanted, f"shape {tuple(shape)}")
