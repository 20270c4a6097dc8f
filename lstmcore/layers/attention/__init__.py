"""Attention: means of values, weighted by the match of queries and keys."""

from ...refused import names_within
from .attention import AdditiveAttention, Attention
from .group_query import GroupQueryAttention
from .multi_head import MultiHeadAttention

__all__ = [
    "AdditiveAttention",
    "Attention",
    "GroupQueryAttention",
    "MultiHeadAttention",
]

__getattr__ = names_within(__name__)
