"""Layers over windows of the time axis: convolution, pooling, padding and cropping."""

from .adaptive_pooling import AdaptiveAveragePooling1D, AdaptiveMaxPooling1D
from .conv1d import Conv1D, Cropping1D, UpSampling1D, ZeroPadding1D
from .conv1d_transpose import Conv1DTranspose
from .pooling import AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D
from .separable_conv1d import DepthwiseConv1D, SeparableConv1D

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveMaxPooling1D",
    "AveragePooling1D",
    "Conv1D",
    "Conv1DTranspose",
    "Cropping1D",
    "DepthwiseConv1D",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "MaxPooling1D",
    "SeparableConv1D",
    "UpSampling1D",
    "ZeroPadding1D",
]
