"""Normalization layers: to mean 0 and variance 1, or to norm 1."""

from .batch_normalization import BatchNormalization
from .layer_normalization import LayerNormalization, UnitNormalization

__all__ = [
    "BatchNormalization",
    "LayerNormalization",
    "UnitNormalization",
]
