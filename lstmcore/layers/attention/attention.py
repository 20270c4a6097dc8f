"""Attention and AdditiveAttention: means of the values, weighted by attention scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import _core
from ..._binding.numpy_blas import matmul
from ...context import in_training
from ...random.masks import Draws, check_rate, check_seed
from ...validation import Array
from ..base import Back, Layer, Shape, registry
from .scoring import (
    PARTS,
    attend,
    causal_mask,
    check_parts,
    clear_masked,
    combine_masks,
    masks_of,
    matmul_transposed,
    pooled_empty,
    sizes_agree,
)

BLOCK = 1 << 17  # elements of a block of additive scores: small enough for a core's cache


# -- scores --------------------------------------------------------------------------------------

ScoresBack = Callable[[Array], tuple[Array, Array]]


def _dot_scores(
    query: Array, key: Array, scale: Any
) -> tuple[Array, Callable[[Array], tuple[Array, Array, float]]]:
    """Return the products of queries and keys; `back` returns dquery, dkey, dscale."""
    scaled = query if scale is None else query * scale

    def back(d: Array) -> tuple[Array, Array, float]:
        dquery = matmul(d, key, out=pooled_empty(query.shape, d.dtype))
        dkey = matmul(d.swapaxes(-1, -2), scaled, out=pooled_empty(key.shape, d.dtype))
        if scale is None:
            return dquery, dkey, 0.0
        dscale = float(np.vdot(dquery, query))
        dquery *= scale
        return dquery, dkey, dscale

    return matmul_transposed(scaled, key), back


def _blocks(samples: int, queries: int, row: int) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of samples and queries, given the number of elements a query takes."""
    queries_each = max(1, min(queries, BLOCK // row))
    samples_each = max(1, BLOCK // (row * queries_each)) if queries_each == queries else 1
    for s in range(0, samples, samples_each):
        for q in range(0, queries, queries_each):
            yield slice(s, s + samples_each), slice(q, q + queries_each)


def _additive_scores(
    query: Array, key: Array, factors: Array
) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Return ``sum(factors * tanh(query + key))``; `back` returns dquery, dkey, dfactors.

    The tanh of all pairs would take `features` times the memory of the scores. So it is computed
    block by block, and recomputed in the backward function.
    """
    (samples, queries, features), keys = query.shape, key.shape[1]
    scores = pooled_empty((samples, queries, keys), query.dtype)

    def blocks() -> Iterator[tuple[slice, slice, Array]]:
        for s, q in _blocks(samples, queries, keys * features):
            part = query[s, q, None]
            t = pooled_empty((*part.shape[:2], keys, features), query.dtype)
            _core.activate("tanh", np.add(part, key[s, None], out=t))
            yield s, q, t

    for s, q, t in blocks():
        matmul(t, factors, out=scores[s, q])

    def back(d: Array) -> tuple[Array, Array, Array]:
        dquery, dkey = pooled_empty(query.shape, query.dtype), np.zeros_like(key)
        dfactors = np.zeros_like(factors)
        for s, q, t in blocks():
            part = d[s, q]
            dfactors += matmul(part.reshape(-1), t.reshape(-1, features))
            np.multiply(t, t, out=t)  # the derivative of tanh is 1 - t**2
            rows, columns = part[..., None, :], part.swapaxes(1, 2)[..., None, :]
            dquery[s, q] = part.sum(2)[..., None] - matmul(rows, t)[..., 0, :]
            dkey[s] += part.sum(1)[..., None] - matmul(columns, t.swapaxes(1, 2))[..., 0, :]
        dquery *= factors
        dkey *= factors
        return dquery, dkey, dfactors

    return scores, back


# -- layers --------------------------------------------------------------------------------------


class BaseAttention(Layer):
    """Base of `Attention` and `AdditiveAttention`; a subclass computes the scores."""

    several_inputs = True
    uses_mask = True
    call_order = ("mask", "training", "return_attention_scores", "use_causal_mask")

    def __init__(self, *, dropout: float = 0.0, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dropout = check_rate(self, "dropout", dropout)
        self.seed, self._generator = seed, check_seed(self, seed)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)

    def _check(self, shapes: Any) -> None:
        check_parts(self, shapes)
        query, key = shapes[0], shapes[-1]
        if not sizes_agree(query[2], key[2]):
            name = PARTS[len(shapes) - 1]
            raise self.error(name, f"as many features as query has, {query[2]}", key[2])

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return (batch, steps of the query, features of the value)."""
        query, value = input_shape[0], input_shape[1]
        return (*query[:-1], value[-1])

    def call_output_shape(
        self, input_shape: Any, return_attention_scores: bool = False, **options: Any
    ) -> Any:
        """Return the output's shape; with `return_attention_scores` a pair, with the scores'."""
        output = self.compute_output_shape(input_shape)
        if not return_attention_scores:
            return output
        return output, (*input_shape[0][:-1], input_shape[1][1])

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask of the query."""
        return masks_of(x, mask)[0]

    def forward_with_mask(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Return the output, the backward function and the mask, that of the scores too."""
        y, back, out_mask = super().forward_with_mask(x, grad, mask, **options)
        return y, back, [out_mask, out_mask] if isinstance(y, tuple) else out_mask

    def _scores(self, query: Array, key: Array) -> tuple[Array, ScoresBack]:
        raise NotImplementedError

    def forward(
        self,
        x: Any,
        grad: bool = False,
        mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Back | None]:
        """Compute the output, with the scores if asked for, and the backward function."""
        self._check([part.shape for part in x] if isinstance(x, list | tuple) else np.shape(x))
        query_mask, value_mask, _ = masks_of(x, mask)
        query, value = clear_masked(x[0], query_mask), clear_masked(x[1], value_mask)
        key = clear_masked(x[2], value_mask) if len(x) == 3 else value
        scores, scores_back = self._scores(query, key)
        unmasked = None if value_mask is None else value_mask[:, None]
        unmasked = combine_masks(
            unmasked, causal_mask(*scores.shape[1:]) if use_causal_mask else None
        )
        factors = None
        if self.dropout and in_training(grad):
            factors = Draws(self._generator).scale(scores.shape, self.dropout, scores.dtype)
        y = pooled_empty((*query.shape[:2], value.shape[2]), value.dtype)
        _, used, attend_back = attend(scores, value, unmasked, factors, y)
        if query_mask is not None:
            y[~query_mask] = 0
        outputs = (y, used) if return_attention_scores else y
        if not grad:
            return outputs, None

        def back(dy: Any, need_dx: bool = True) -> list[Array] | None:
            if not need_dx and not self._params:
                return None
            dout, dused = dy if return_attention_scores else (dy, None)
            if query_mask is not None and dout is not None:
                dout = np.where(query_mask[..., None], dout, dout.dtype.type(0))
            dvalue = pooled_empty(value.shape, value.dtype)
            dquery, dkey = scores_back(attend_back(dout, dvalue, None, dused))
            if not need_dx:
                return None
            if len(x) == 3:
                return [dquery, dvalue, dkey]
            dvalue += dkey
            return [dquery, dvalue]

        return outputs, back


@registry.add()
class Attention(BaseAttention):
    """Dot-product attention (Luong): the mean of the values, weighted by how well the keys match.

    ``softmax(query @ key.T) @ value``. Called on a list: query ``(batch, Tq, n)``, value
    ``(batch, Tv, m)`` and, unless it is the value, key ``(batch, Tv, n)``; output
    ``(batch, Tq, m)``. The output is 0 where the query is masked, and masked values have no
    weight. A query for which all values are masked gets 0 (in Keras a mean of masked values).

    The call takes ``mask=[query_mask, value_mask]``, ``return_attention_scores=True`` for a
    second output, the weights ``(batch, Tq, Tv)``, and ``use_causal_mask=True``, with which a
    step cannot see later ones.

    Parameters
    ----------
    use_scale : bool, default False
        Multiply the products by a learned weight, ``scale ()``.
    score_mode : {"dot", "concat"}, default "dot"
        How a query and a key are compared. ``"concat"`` sums ``tanh(scale * (query + key))`` and
        multiplies it by the weight ``concat_score_weight ()``.
    dropout : float, default 0.0
        The fraction of weights that is dropped in training.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import Attention
    >>> h = np.zeros((2, 5, 3))
    >>> y, weights = Attention()([h, h], return_attention_scores=True, use_causal_mask=True)
    >>> y.shape, weights[0, 1]
    ((2, 5, 3), array([0.5, 0.5, 0. , 0. , 0. ], dtype=float32))
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout=dropout, seed=seed, **kwargs)
        self.use_scale = bool(use_scale)
        if score_mode not in ("dot", "concat"):
            raise self.error("score_mode", "'dot' or 'concat'", repr(score_mode))
        self.score_mode = score_mode

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        self.concat_score_weight = None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _scores(self, query: Array, key: Array) -> tuple[Array, ScoresBack]:
        scale = None if self.scale is None else self.scale.value
        if self.concat_score_weight is not None:
            return self._concat_scores(query, key, scale)
        scores, scores_back = _dot_scores(query, key, scale)

        def back(d: Array) -> tuple[Array, Array]:
            dquery, dkey, dscale = scores_back(d)
            if self.scale is not None:
                self.scale.grad[...] += dscale
            return dquery, dkey

        return scores, back

    def _concat_scores(self, query: Array, key: Array, scale: Any) -> tuple[Array, ScoresBack]:
        weight = self.concat_score_weight
        assert weight is not None
        factors = np.full(query.shape[-1], weight.value, query.dtype)
        inside = [part if scale is None else part * scale for part in (query, key)]
        scores, scores_back = _additive_scores(inside[0], inside[1], factors)

        def back(d: Array) -> tuple[Array, Array]:
            dquery, dkey, dfactors = scores_back(d)
            weight.grad[...] += dfactors.sum()
            if self.scale is not None:
                self.scale.grad[...] += np.vdot(dquery, query) + np.vdot(dkey, key)
                dquery *= scale
                dkey *= scale
            return dquery, dkey

        return scores, back


@registry.add()
class AdditiveAttention(BaseAttention):
    """Attention by the score ``sum(scale * tanh(query + key))`` (Bahdanau).

    Called like `Attention`, with the same shapes; query and key have the same number of features.

    Parameters
    ----------
    use_scale : bool, default True
        Use the weights ``scale (features,)``; otherwise the sum is unweighted.
    dropout, seed, **kwargs
        See `Attention`.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(dropout=dropout, **kwargs)
        self.use_scale = bool(use_scale)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.scale = None
        if self.use_scale:
            features = self.check_size("features of query", input_shape[0][-1])
            self.scale = self.add_weight((features,), "glorot_uniform", name="scale")

    def _check(self, shapes: Any) -> None:
        super()._check(shapes)
        if self.built and self.scale is not None and shapes[0][-1] != self.scale.shape[0]:
            raise self.error("query", f"{self.scale.shape[0]} features", shapes[0][-1])

    def _scores(self, query: Array, key: Array) -> tuple[Array, ScoresBack]:
        scale = self.scale
        factors = np.ones(query.shape[-1], query.dtype) if scale is None else scale.value
        scores, scores_back = _additive_scores(query, key, factors)

        def back(d: Array) -> tuple[Array, Array]:
            dquery, dkey, dfactors = scores_back(d)
            if scale is not None:
                scale.grad[...] += dfactors
            return dquery, dkey

        return scores, back
