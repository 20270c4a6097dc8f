"""Attention: the means of values, weighted by how queries match keys."""

from .attention import AdditiveAttention, Attention
from .multi_head import MultiHeadAttention

__all__ = [
    "AdditiveAttention",
    "Attention",
    "MultiHeadAttention",
]
