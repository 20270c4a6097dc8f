"""GroupQueryAttention: heads of queries in groups, each with one head of keys and values."""

from __future__ import annotations

from typing import Any, ClassVar

from ..base import registry
from ..rnn.recurrent_parameters import constructor_arguments
from .heads import HeadsLayer

_OWN = ("head_dim", "num_query_heads", "num_key_value_heads")


@registry.add("GroupedQueryAttention")
class GroupQueryAttention(HeadsLayer):
    """Multi-head attention whose heads share keys and values in groups, Ainslie et al. 2023.

    Called as `MultiHeadAttention` is, on arrays of three axes, with the same masks and options;
    output ``(batch, T, D)``. With one head of keys and values it is multi-query attention, with
    as many as there are of queries multi-head attention. The weights are ``kernel (D, heads,
    head_dim)`` and ``bias (heads, head_dim)`` of "query", "key" and "value", and ``kernel
    (num_query_heads, head_dim, D)`` and ``bias (D,)`` of "attention_output".

    Parameters
    ----------
    head_dim : int
        The size of a head.
    num_query_heads : int
    num_key_value_heads : int
        A divisor of `num_query_heads`.
    dropout : float, default 0.0
        The fraction of weights that is dropped in training.
    use_bias : bool, default True
    sliding_window : int, optional
        Let a query see only keys that are fewer than this many steps away.
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
    >>> from lstmcore.layers import GroupQueryAttention
    >>> x = np.zeros((2, 5, 6))
    >>> GroupQueryAttention(3, num_query_heads=4, num_key_value_heads=2)(x, x).shape
    (2, 5, 6)
    """

    most_axes: ClassVar[int | None] = 3

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
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
        self.head_dim = self.key_dim = self.value_dim = self.check_size("head_dim", head_dim)
        self.num_query_heads = self.check_size("num_query_heads", num_query_heads)
        self.num_key_value_heads = self.check_size("num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            wanted = f"a divisor of num_query_heads={num_query_heads}"
            raise self.error("num_key_value_heads", wanted, num_key_value_heads)
        self.num_heads, self.key_value_heads = self.num_query_heads, self.num_key_value_heads
