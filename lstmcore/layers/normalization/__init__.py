"""Normalization layers: to mean 0 and variance 1, or to norm 1."""

from ...refused import names_within
from .batch_normalization import BatchNormalization
from .group_normalization import GroupNormalization
from .layer_normalization import LayerNormalization, UnitNormalization
from .rms_normalization import RMSNormalization
from .spectral_normalization import SpectralNormalization

__all__ = [
    "BatchNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "RMSNormalization",
    "SpectralNormalization",
    "UnitNormalization",
]

__getattr__ = names_within(__name__)
