"""MultiHeadAttention: several attention heads in parallel, each on its own projections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import constraints, initializers, regularizers
from ..._binding.numpy_blas import matmul
from ...context import in_training
from ...random.masks import Draws, check_rate, check_seed
from ...validation import Array, as_mask, plain_array
from ..base import Back, Layer, Shape, registry
from .projection import Projection
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
)


@registry.add()
class MultiHeadAttention(Layer):
    """Several attention heads in parallel on projections of the inputs, then projected together.

    Called as ``layer(query, value, key=None)``: query ``(batch, T, D)``, value and key
    ``(batch, S, ...)``; output ``(batch, T, D)``. A head computes ``softmax(q @ k.T /
    sqrt(key_dim)) @ v``. The weights are ``kernel (D, num_heads, key_dim)`` and ``bias (num_heads,
    key_dim)`` of "query", "key" and, with `value_dim`, "value", and ``kernel (num_heads,
    value_dim, D)`` and ``bias (D,)`` of "attention_output". Masks come with the inputs. A query
    for which all values are masked gets 0 from all heads, so its output is the bias (Keras gives
    that or a mean of masked values, depending on the call).

    The call takes ``attention_mask``, bools that can be broadcast to ``(batch, T, S)`` or
    ``(batch, num_heads, T, S)``; ``query_mask``, ``value_mask`` and ``key_mask`` instead of the
    masks of the inputs; ``return_attention_scores=True`` for a second output, the weights
    ``(batch, num_heads, T, S)`` before dropout; and ``use_causal_mask=True``.

    Parameters
    ----------
    num_heads : int
    key_dim : int
        The size of a head for queries and keys.
    value_dim : int, optional
        The size of a head for values; default `key_dim`.
    dropout : float, default 0.0
        The fraction of weights that is dropped in training.
    use_bias : bool, default True
    output_shape : int or tuple of int, optional
        The last axes of the output; default those of the query.
    attention_axes : None or (1,)
        Attention is over time; other axes are not supported.
    sliding_window : int, optional
        Let a query see only keys that are fewer than this many steps away.
    flash_attention : None or False
    kernel_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"zeros"``.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
    activity_regularizer : str or Regularizer, optional
        Penalty on the outputs of all four projections.
    kernel_constraint, bias_constraint : str or Constraint, optional
    use_gate : False
        Gated attention is not supported.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import MultiHeadAttention
    >>> x = np.zeros((2, 5, 6))
    >>> MultiHeadAttention(num_heads=2, key_dim=3)(x, x, use_causal_mask=True).shape
    (2, 5, 6)
    """

    several_inputs = True
    uses_mask = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.num_heads = self.check_size("num_heads", num_heads)
        self.key_dim = self.check_size("key_dim", key_dim)
        self.value_dim = key_dim if value_dim is None else self.check_size("value_dim", value_dim)
        self.dropout = check_rate(self, "dropout", dropout)
        self.use_bias = bool(use_bias)
        self.output_shape = self._check_output_shape(output_shape)
        self.attention_axes = attention_axes
        self.sliding_window = sliding_window
        if sliding_window is not None:
            self.sliding_window = self.check_size("sliding_window", sliding_window)
        self.flash_attention, self.use_gate = flash_attention, use_gate
        self._check_unsupported()
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.seed, self._generator = seed, check_seed(self, seed)
        self._projections: tuple[Projection, ...] = ()

    def _check_output_shape(self, given: Any) -> tuple[int, ...] | None:
        if given is None:
            return None
        sizes = given if isinstance(given, tuple | list) else (given,)
        return tuple(self.check_size("output_shape", size) for size in sizes)

    def _check_unsupported(self) -> None:
        """Raise ValueError for options of Keras that are not supported."""
        axes = self.attention_axes
        if axes is not None and axes != 1 and list(np.atleast_1d(axes)) != [1]:
            raise self.error("attention_axes", "None or 1, the time axis", repr(axes))
        if self.flash_attention:
            raise self.error("flash_attention", "None or False: there is none for CPUs", True)
        if self.use_gate:
            raise self.error("use_gate", "False: there is no gated attention", True)

    # -- building ------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        check_parts(self, input_shape)
        query, value, key = input_shape[0], input_shape[1], input_shape[-1]
        self._features = [
            self.check_size(f"features of {name}", shape[2])
            for name, shape in zip(PARTS, (query, value, key), strict=True)
        ]
        d_query, d_value, d_key = self._features
        heads, ends = self.num_heads, self.output_shape or (d_query,)
        self._projections = (
            self._project("query", query, (d_query,), (heads, self.key_dim)),
            self._project("key", key, (d_key,), (heads, self.key_dim)),
            self._project("value", value, (d_value,), (heads, self.value_dim)),
            self._project(
                "attention_output",
                (*query[:2], heads, self.value_dim),
                (heads, self.value_dim),
                ends,
            ),
        )

    def _project(
        self, name: str, shape: Shape, inputs: tuple[int, ...], outputs: tuple[int, ...]
    ) -> Projection:
        weight_options = {
            f"{weight}_{kind}": getattr(self, f"{weight}_{kind}")
            for weight in ("kernel", "bias")
            for kind in ("initializer", "regularizer", "constraint")
        }
        regularizer = self.activity_regularizer
        layer = Projection(
            inputs,
            outputs,
            self.use_bias,
            weight_options,
            activity_regularizer=regularizer,
            name=name,
        )
        layer.build_for(shape, str(self.dtype))
        return layer

    def sublayers(self) -> Sequence[Layer]:
        """Return the projections of query, key, value and output; none before `build`."""
        return self._projections

    @property
    def query_dense(self) -> Projection:
        """The projection of queries."""
        return self._projections[0]

    @property
    def key_dense(self) -> Projection:
        """The projection of keys."""
        return self._projections[1]

    @property
    def value_dense(self) -> Projection:
        """The projection of values."""
        return self._projections[2]

    @property
    def output_dense(self) -> Projection:
        """The projection of the heads' outputs."""
        return self._projections[3]

    # -- calls ---------------------------------------------------------------------------------

    def __call__(  # type: ignore[override]
        self,
        query: Any,
        value: Any = None,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
        *,
        mask: Any = None,
    ) -> Any:
        """Compute the output for arrays, or record a call on symbolic tensors.

        Parameters
        ----------
        query, value, key : array_like, (batch, time, features)
            The key defaults to the value. All may come in one list, as for other layers of
            several inputs.
        query_mask, value_mask, key_mask : array_like of bool, (batch, time), optional
            True for unmasked steps.
        attention_mask : array_like of bool, optional
            True for the steps of the value that each query may see, (batch, T, S).
        return_attention_scores, use_causal_mask : bool, default False
        training : bool, default False
        mask : list of masks, optional
            The first three masks in one list.
        """
        options = {
            "query_mask": query_mask,
            "value_mask": value_mask,
            "key_mask": key_mask,
            "attention_mask": attention_mask,
            "return_attention_scores": return_attention_scores or None,
            "use_causal_mask": use_causal_mask or None,
        }
        given = {name: option for name, option in options.items() if option is not None}
        x = query if value is None else [query, value] if key is None else [query, value, key]
        return super().__call__(x, training=training, mask=mask, **given)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the query's shape, its last axis replaced by `output_shape` if that is given."""
        query: Shape = tuple(input_shape[0])
        return query if self.output_shape is None else (*query[:-1], *self.output_shape)

    def call_output_shape(
        self, input_shape: Any, return_attention_scores: bool = False, **options: Any
    ) -> Any:
        """Return the output's shape; with `return_attention_scores` a pair, with the scores'."""
        output = self.compute_output_shape(input_shape)
        if not return_attention_scores:
            return output
        query, value = input_shape[0], input_shape[1]
        return output, (query[0], self.num_heads, query[1], value[1])

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask of the query."""
        return masks_of(x, mask)[0]

    def forward_with_mask(
        self,
        x: Any,
        grad: bool = False,
        mask: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        **options: Any,
    ) -> tuple[Any, Back | None, Any]:
        """Return the output, the backward function, and the mask of the query."""
        self._check(x)
        masks = masks_of(x, mask)
        for i, given in enumerate((query_mask, value_mask, key_mask)):
            if given is not None:
                what = f"layer {self.name!r}: {PARTS[i]}_mask"
                masks[i] = as_mask(given, x[min(i, len(x) - 1)].shape, what)
        y, back = self.forward(x, grad, mask=masks, **options)
        return y, back, masks[0]

    def penalize(self, y: Any, back: Back | None, mask: Any) -> Back | None:
        """Return `back`: the projections have the activity regularizer."""
        return back

    def _combined_mask(
        self, masks: list[Array | None], given: Any, shape: tuple[int, ...]
    ) -> Array | None:
        """Return a mask of the scores that can be broadcast to (batch, heads, T, S)."""
        query_mask, value_mask, key_mask = masks
        queries, keys = shape[2:]
        values = combine_masks(value_mask, key_mask)
        unmasked = combine_masks(
            None if query_mask is None else query_mask[:, None, :, None],
            None if values is None else values[:, None, None],
        )
        if self.sliding_window is not None:
            away = np.arange(queries)[:, None] - np.arange(keys)
            unmasked = combine_masks(unmasked, np.abs(away) < self.sliding_window)
        if given is None:
            return unmasked
        given = plain_array(given, f"layer {self.name!r}: attention_mask")
        if given.dtype.kind not in "biuf":
            raise self.error("attention_mask", "truth values", f"dtype {given.dtype}")
        given = given.astype(np.bool_, copy=False)
        per_head = given[:, None] if given.ndim == 3 else given
        try:
            np.broadcast_to(per_head, shape)
        except ValueError:
            wanted = f"shape {(shape[0], *shape[2:])}, or what can be broadcast to it"
            raise self.error("attention_mask", wanted, f"shape {given.shape}") from None
        return combine_masks(unmasked, per_head)

    def forward(
        self,
        x: Any,
        grad: bool = False,
        mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Back | None]:
        """Compute the output, with the scores if asked for, and the backward function."""
        self._check(x)
        masks = masks_of(x, mask)
        seen = combine_masks(masks[1], masks[2])
        query, value = clear_masked(x[0], masks[0]), clear_masked(x[1], seen)
        key = clear_masked(x[2], seen) if len(x) == 3 else value
        projected: Any = [
            layer.run(part, grad, part_mask)[:2]
            for layer, part, part_mask in zip(
                self._projections, (query, key, value), (masks[0], seen, seen), strict=False
            )
        ]
        (q, q_back), (k, k_back), (v, v_back) = projected
        scale = 1 / math.sqrt(self.key_dim)
        q = q * scale  # not in place: an activity regularizer may still hold q
        scores = matmul_transposed(_swap_heads(q), _swap_heads(k))
        unmasked = self._combined_mask(masks, attention_mask, scores.shape)
        if use_causal_mask:
            unmasked = combine_masks(unmasked, causal_mask(*scores.shape[2:]))
        factors = None
        if self.dropout and in_training(grad):
            factors = Draws(self._generator).scale(scores.shape, self.dropout, scores.dtype)
        context = pooled_empty((*q.shape[:3], self.value_dim), q.dtype)
        weights, _, attend_back = attend(
            scores, _swap_heads(v), unmasked, factors, _swap_heads(context)
        )
        y, y_back, _ = self.output_dense.run(context, grad, masks[0])
        out = (y, weights) if return_attention_scores else y
        if not grad:
            return out, None

        def back(dy: Any, need_dx: bool = True) -> list[Array] | None:
            dout, dweights = dy if return_attention_scores else (dy, None)
            assert y_back is not None
            dcontext = y_back(np.zeros_like(y) if dout is None else dout)
            dq, dk, dv = (pooled_empty(part.shape, part.dtype) for part in (q, k, v))
            d = attend_back(_swap_heads(dcontext), _swap_heads(dv), dweights, None)
            matmul(d, _swap_heads(k), out=_swap_heads(dq))
            matmul(d.swapaxes(-1, -2), _swap_heads(q), out=_swap_heads(dk))
            dq *= scale
            dquery, dkey = q_back(dq, need_dx=need_dx), k_back(dk, need_dx=need_dx)
            dvalue = v_back(dv, need_dx=need_dx)
            if not need_dx:
                return None
            return [dquery, dvalue, dkey] if len(x) == 3 else [dquery, dvalue + dkey]

        return out, back

    def _check(self, x: Any) -> None:
        listed = isinstance(x, list | tuple)
        shapes = [part.shape for part in x] if listed else np.shape(x)
        check_parts(self, shapes)
        query, value, key = shapes[0], shapes[1], shapes[-1]
        for name, shape, features in zip(PARTS, (query, value, key), self._features, strict=True):
            if shape[2] != features:
                raise self.error(name, f"{features} features", f"shape {shape}")


def _swap_heads(x: Array) -> Array:
    """Swap the axes of steps and heads."""
    return x.transpose(0, 2, 1, 3)
