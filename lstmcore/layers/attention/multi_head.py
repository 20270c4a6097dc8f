"""MultiHeadAttention: several attention heads in parallel, each on its own projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..base import registry
from ..rnn.recurrent_parameters import constructor_arguments
from .heads import HeadsLayer

_OWN = ("num_heads", "key_dim", "value_dim", "output_shape", "attention_axes")


@registry.add()
class MultiHeadAttention(HeadsLayer):
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

    Inputs may have more axes, all of them as many: see `attention_axes`. The scores then are
    ``(batch, ..., num_heads, T ..., S ...)``, with the axes that are not attended in the first
    place, and masks can have as many of the inputs' axes as they want, in order.

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
    attention_axes : int or tuple of int, optional
        The axes of the inputs over which attention is; by default all between batch and features.
        Others count as samples: with ``(batch, docs, words, D)`` and ``attention_axes=2`` the
        words of a document attend to each other.
    sliding_window : int, optional
        Let a query see only keys that are fewer than this many steps away, along the one
        attended axis.
    flash_attention : None or False
    kernel_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"zeros"``.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
    activity_regularizer : str or Regularizer, optional
        Penalty on the outputs of all projections.
    kernel_constraint, bias_constraint : str or Constraint, optional
    use_gate : bool, default False
        Multiply the output of each head by a sigmoid of its own projection of the query, "gate".
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
        super().__init__(**constructor_arguments(locals(), *_OWN))
        self.num_heads = self.check_size("num_heads", num_heads)
        self.key_dim = self.check_size("key_dim", key_dim)
        self.value_dim = key_dim if value_dim is None else self.check_size("value_dim", value_dim)
        self.output_shape = self._check_output_shape(output_shape)
        self.attention_axes = self._check_attention_axes(attention_axes)

    def _check_output_shape(self, given: Any) -> tuple[int, ...] | None:
        if given is None:
            return None
        sizes = given if isinstance(given, tuple | list) else (given,)
        return tuple(self.check_size("output_shape", size) for size in sizes)

    def _check_attention_axes(self, given: Any) -> tuple[int, ...] | None:
        if given is None:
            return None
        axes = tuple(given) if isinstance(given, tuple | list) else (given,)
        whole = (isinstance(a, int | np.integer) and not isinstance(a, bool) for a in axes)
        if not axes or not all(whole):
            raise self.error("attention_axes", "None, an axis, or a tuple of them", repr(given))
        return tuple(int(a) for a in axes)
