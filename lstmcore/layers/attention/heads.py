"""HeadsLayer, base of the layers with several attention heads, each on its own projections."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ... import _core, activations
from ...random.masks import check_rate, check_seed
from ...validation import Array, as_mask
from ..base import Back, Layer, Shape
from ..weight_options import set_weight_options
from .attended_axes import AttendedAxes, check_attended
from .projection import Projection
from .scoring import PARTS, clear_masked, combine_masks, dropout_factors, masks_of


class HeadsLayer(Layer):
    """Base of `MultiHeadAttention` and `GroupQueryAttention`.

    A subclass sets `num_heads`, `key_dim` and `value_dim`, and may set the attributes below.

    Attributes
    ----------
    key_value_heads : int or None
        The number of heads of keys and values, each for several heads of queries; None for one
        each.
    output_shape : tuple of int or None
        The last axes of the output; None for those of the query.
    attention_axes : tuple of int or None
        See `AttendedAxes`.

    Parameters
    ----------
    dropout, use_bias, sliding_window, flash_attention, kernel_initializer, bias_initializer, \
kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint, use_gate, seed
        See `MultiHeadAttention`.
    **kwargs
        See `Layer`.
    """

    several_inputs = True
    uses_mask = True
    never_called: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("_compute_attention", "_masked_softmax", "_compute_attention_mask"),
        "give the call attention_mask=, or write a layer with call(query, value)",
    )
    num_heads: int
    key_dim: int
    value_dim: int
    key_value_heads: int | None = None
    output_shape: tuple[int, ...] | None = None
    attention_axes: tuple[int, ...] | None = None
    most_axes: ClassVar[int | None] = None  # of an input

    def __init__(
        self,
        *,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = check_rate(self, "dropout", dropout)
        self.use_bias, self.use_gate = bool(use_bias), bool(use_gate)
        self.sliding_window = sliding_window
        if sliding_window is not None:
            self.sliding_window = self.check_size("sliding_window", sliding_window)
        self.flash_attention = flash_attention
        if flash_attention:
            raise self.error("flash_attention", "None or False: there is none for CPUs", True)
        set_weight_options(self, locals(), "kernel", "bias")
        self.seed, self._generator = seed, check_seed(self, seed)
        self._projections: dict[str, Projection] = {}
        self._last_attended: tuple[Any, AttendedAxes | None] = (None, None)

    # -- building ------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        self._attended(input_shape)
        query, value, key = input_shape[0], input_shape[1], input_shape[-1]
        self._features = [
            self.check_size(f"features of {name}", shape[-1])
            for name, shape in zip(PARTS, (query, value, key), strict=True)
        ]
        d_query, d_value, d_key = self._features
        heads, ends = self.num_heads, self.output_shape or (d_query,)
        pairs, inner = self.key_value_heads or heads, (heads, self.value_dim)
        self._projections = {
            "query": self._project("query", query, (d_query,), (heads, self.key_dim)),
            "key": self._project("key", key, (d_key,), (pairs, self.key_dim)),
        }
        if self.use_gate:
            self._projections["gate"] = self._project("gate", query, (d_query,), inner)
        self._projections |= {
            "value": self._project("value", value, (d_value,), (pairs, self.value_dim)),
            "attention_output": self._project(
                "attention_output", (*query[:2], *inner), inner, ends
            ),
        }

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
            activations.get("sigmoid" if name == "gate" else None),
            activity_regularizer=regularizer,
            name=name,
        )
        layer.build_for(shape, str(self.dtype))
        return layer

    def sublayers(self) -> Sequence[Layer]:
        """Return the projections of query, key, value and output; none before `build`."""
        return list(self._projections.values())

    @property
    def query_dense(self) -> Projection:
        """The projection of queries."""
        return self._projections["query"]

    @property
    def key_dense(self) -> Projection:
        """The projection of keys."""
        return self._projections["key"]

    @property
    def value_dense(self) -> Projection:
        """The projection of values."""
        return self._projections["value"]

    @property
    def output_dense(self) -> Projection:
        """The projection of the heads' outputs."""
        return self._projections["attention_output"]

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
        query, value, key : array_like, (batch, time, features) or (batch, ..., features)
            The key defaults to the value. All may come in one list, as for other layers of
            several inputs.
        query_mask, value_mask, key_mask : array_like of bool, (batch, time), optional
            True for unmasked steps.
        attention_mask : array_like of bool, optional
            True for the steps of the value that each query may see: (batch, T, S), or any of the
            first axes of the scores and their last ones.
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

    def compute_output_shape(
        self, query_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> Shape:
        """Return the query's shape, its last axis replaced by `output_shape` if that is given.

        Takes the shapes one by one, as Keras does, or in one list.
        """
        if value_shape is not None:
            query_shape = [query_shape, value_shape, *([] if key_shape is None else [key_shape])]
        self._attended(query_shape)
        query: Shape = tuple(query_shape[0])
        return query if self.output_shape is None else (*query[:-1], *self.output_shape)

    def call_output_shape(
        self, input_shape: Any, return_attention_scores: bool = False, **options: Any
    ) -> Any:
        """Return the output's shape; with `return_attention_scores` a pair, with the scores'."""
        output = self.compute_output_shape(input_shape)
        if not return_attention_scores:
            return output
        axes = self._attended(input_shape)
        return output, axes.scores_shape(input_shape[0], input_shape[1], self.num_heads)

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
        axes = self._check(x)
        shapes = [part.shape for part in x]
        scores_shape = axes.scores_shape(shapes[0], shapes[1], self.num_heads)
        masks = [
            axes.whole_mask(m, s)
            for m, s in zip(masks_of(x, mask), (*shapes[:2], shapes[-1]), strict=True)
        ]
        axes.check_order(self, use_causal_mask or self.sliding_window is not None)
        attended: dict[str, Any] = {
            "seen": axes.scores_masks(self, masks, attention_mask, scores_shape),
            "causal": use_causal_mask,
            "scores": return_attention_scores,
        }
        seen = combine_masks(masks[1], masks[2])
        query, value = clear_masked(x[0], masks[0]), clear_masked(x[1], seen)
        key = clear_masked(x[2], seen) if len(x) == 3 else value
        parts = [(query, masks[0]), (key, seen), (value, seen)]
        y, weights, attend_back = self._attend(parts, axes, grad, attended)
        outputs = y if weights is None else (y, axes.scores(weights, scores_shape))
        if not grad:
            return outputs, None

        def back(dy: Any, need_dx: bool = True) -> list[Array] | None:
            dout, dweights = dy if return_attention_scores else (dy, None)
            dout = np.zeros_like(y) if dout is None else dout
            if weights is not None and dweights is not None:
                dweights = np.ascontiguousarray(dweights).reshape(weights.shape)
            dquery, dkey, dvalue = attend_back(dout, dweights, need_dx)
            if not need_dx:
                return None
            return [dquery, dvalue, dkey] if len(x) == 3 else [dquery, dvalue + dkey]

        return outputs, back

    def _attend(
        self,
        parts: Sequence[tuple[Array, Array | None]],
        axes: AttendedAxes,
        grad: bool,
        attended: dict[str, Any],
    ) -> tuple[Array, Array | None, Any]:
        """Compute all heads.

        Parameters
        ----------
        parts : sequence of (ndarray, mask)
            Query, key and value.
        axes : AttendedAxes
        grad : bool
        attended : dict
            What the core's `attention_forward` is told of masks and scores.

        Returns
        -------
        y : ndarray
        weights : ndarray, (samples, heads, T, S), or None
            Before dropout; None if they are not wanted.
        back : callable
            ``back(dy, dweights, need_dx)`` returns dquery, dkey, dvalue.
        """
        names = ("query", "key", "value")
        runs = [
            self._projections[name].run(part, grad, mask)[:2]
            for name, (part, mask) in zip(names, parts, strict=True)
        ]
        q, k, v = (axes.flatten(y) for y, _ in runs)
        shapes = [part.shape for part, _ in parts]
        scores_shape = (q.shape[0], self.num_heads, q.shape[1], k.shape[1])
        context, weights, tape = _core.attention_forward(
            q,
            k,
            v,
            scale=1 / math.sqrt(self.key_dim),
            window=self.sliding_window,
            factors=dropout_factors(self.dropout, self._generator, scores_shape, grad, q.dtype),
            training=grad,
            **attended,
        )
        context = axes.unflatten(context, shapes[0])
        gated, gate_back = self._gated(parts[0], context, grad)
        y, y_back, _ = self.output_dense.run(gated, grad, parts[0][1])

        def back(dy: Array, dweights: Array | None, need_dx: bool) -> tuple[Any, ...]:
            assert y_back is not None
            assert tape is not None
            dcontext, dgated = gate_back(y_back(dy), need_dx)
            flat = _core.attention_backward(tape, axes.flatten(dcontext), dweights)
            ends = zip(runs, map(axes.unflatten, flat, shapes), strict=True)
            dquery, dkey, dvalue = [
                one_back(d, need_dx=need_dx) for (_, one_back), d in ends if one_back is not None
            ]
            return dquery if dgated is None else dquery + dgated, dkey, dvalue

        return y, weights, back

    # -- parts of a call -----------------------------------------------------------------------

    def _gated(
        self, query: tuple[Array, Array | None], context: Array, grad: bool
    ) -> tuple[Array, Any]:
        """Return the heads' outputs times their gate, if there is one, and its backward function.

        That returns the gradients of the heads' outputs and, through the gate, of the query.
        """
        if not self.use_gate:
            return context, lambda d, need_dx: (d, None)
        part, mask = query
        gate, gate_back, _ = self._projections["gate"].run(part, grad, mask)

        def back(d: Array, need_dx: bool) -> tuple[Array, Array | None]:
            assert gate_back is not None
            return d * gate, gate_back(d * context, need_dx=need_dx)

        return context * gate, back

    def _attended(self, shapes: Any) -> AttendedAxes:
        """Check the shapes of query, value and perhaps key; the last ones are remembered."""
        known, axes = self._last_attended
        if axes is None or known != shapes:
            axes = check_attended(self, shapes, self.attention_axes, self.most_axes)
            self._last_attended = (shapes, axes)
        return axes

    def _check(self, x: Any) -> AttendedAxes:
        listed = isinstance(x, list | tuple)
        shapes: Any = [part.shape for part in x] if listed else np.shape(x)
        axes = self._attended(shapes)
        query, value, key = shapes[0], shapes[1], shapes[-1]
        for name, shape, features in zip(PARTS, (query, value, key), self._features, strict=True):
            if shape[-1] != features:
                raise self.error(name, f"{features} features", f"shape {shape}")
        return axes
