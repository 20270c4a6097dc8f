"""Layers over windows of the time axis: convolution, pooling, padding and cropping."""

from .adaptive_pooling import AdaptiveAveragePooling1D, AdaptiveMaxPooling1D
from .conv1d import Conv1D, Cropping1D, UpSampling1D, ZeroPadding1D
from .conv1d_transpose import Conv1DTranspose
from .pooling import AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D
from .separable_conv1d import DepthwiseConv1D, SeparableConv1D

AvgPool1D = AveragePooling1D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
MaxPool1D = MaxPooling1D
SeparableConvolution1D = SeparableConv1D

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveMaxPooling1D",
    "AveragePooling1D",
    "AvgPool1D",
    "Conv1D",
    "Conv1DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Cropping1D",
    "DepthwiseConv1D",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "MaxPool1D",
    "MaxPooling1D",
    "SeparableConv1D",
    "SeparableConvolution1D",
    "UpSampling1D",
    "ZeroPadding1D",
]
