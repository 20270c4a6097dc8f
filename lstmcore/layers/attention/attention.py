"""Attention and AdditiveAttention: means of the values, weighted by attention scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _core
from ...random.masks import check_rate, check_seed
from ...validation import Array
from ..base import Back, Layer, Shape, registry
from ..parameters import Param
from .scoring import (
    PARTS,
    check_parts,
    clear_masked,
    dropout_factors,
    in_rows,
    masks_of,
    sizes_agree,
)


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

    def _score_weights(self, query: Array) -> Array | None:
        """Return the weights (features,) of additive scores; None for dot products."""
        raise NotImplementedError

    def _add_gradient(self, dweights: Array) -> None:
        """Add the gradient of those weights to that of the weight they come from."""

    def _score_scale(self) -> Param | None:
        """Return the learned factor of products, or of what is inside the tanh."""
        return None

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
        query, value, key = in_rows(x[0]), in_rows(x[1]), in_rows(x[-1])
        seen = [] if value_mask is None else [value_mask[:, None, None]]
        cleared = query_mask if return_attention_scores else None
        if cleared is not None:  # a masked query has no output, but it has scores
            query = clear_masked(query, cleared)
        elif query_mask is not None:
            seen.append(query_mask[:, None, :, None])
        shape = (*query.shape[:2], value.shape[1])
        weights, scale = self._score_weights(query), self._score_scale()
        y, scores, tape = _core.attention_forward(
            query,
            key,
            value,
            weights=weights,
            scale=1.0 if scale is None else float(scale.value),
            seen=tuple(seen),
            causal=use_causal_mask,
            factors=dropout_factors(self.dropout, self._generator, shape, grad, query.dtype),
            dropped=True,
            scores=return_attention_scores,
            training=grad,
        )
        if cleared is not None:
            y[~cleared] = 0
        outputs = (y, scores) if return_attention_scores else y
        if tape is None:
            return outputs, None

        def back(dy: Any, need_dx: bool = True) -> list[Array] | None:
            if not need_dx and not self._params:
                return None
            dout, dscores = dy if return_attention_scores else (dy, None)
            if cleared is not None and dout is not None:
                dout = np.where(cleared[..., None], dout, dout.dtype.type(0))
            dweights = None if weights is None else np.zeros_like(weights)
            dquery, dkey, dvalue = _core.attention_backward(
                tape,
                None if dout is None else in_rows(dout),
                None if dscores is None else np.ascontiguousarray(dscores),
                dweights=dweights,
                dscale=None if scale is None else scale.grad,
                one_gradient=len(x) == 2,
            )
            if dweights is not None:
                self._add_gradient(dweights)
            if not need_dx:
                return None
            return [dquery, dvalue, dkey] if len(x) == 3 else [dquery, dvalue]

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

    def _score_weights(self, query: Array) -> Array | None:
        weight = self.concat_score_weight
        return None if weight is None else np.full(query.shape[-1], weight.value, query.dtype)

    def _add_gradient(self, dweights: Array) -> None:
        if self.concat_score_weight is not None:
            self.concat_score_weight.grad[...] += dweights.sum()

    def _score_scale(self) -> Param | None:
        return self.scale


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

    def _score_weights(self, query: Array) -> Array:
        scale = self.scale
        return np.ones(query.shape[-1], query.dtype) if scale is None else scale.value

    def _add_gradient(self, dweights: Array) -> None:
        if self.scale is not None:
            self.scale.grad[...] += dweights
