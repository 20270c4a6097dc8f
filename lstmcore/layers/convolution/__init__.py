"""Layers over windows of the time axis: convolution, pooling, padding and cropping."""

from .conv1d import Conv1D, Cropping1D, UpSampling1D, ZeroPadding1D
from .pooling import (
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)

__all__ = [
    "AveragePooling1D",
    "Conv1D",
    "Cropping1D",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "MaxPooling1D",
    "UpSampling1D",
    "ZeroPadding1D",
]
