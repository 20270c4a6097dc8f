"""Layers, with Keras's names, arguments and weights."""

from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .attention import AdditiveAttention, Attention
from .base import Layer, Param, get, registry
from .batch_normalization import BatchNormalization
from .categories import CategoryEncoding, Discretization
from .cell_base import Cell, StackedRNNCells
from .cells import GRUCell, LSTMCell, SimpleRNNCell
from .convolution import Conv1D, Cropping1D, UpSampling1D, ZeroPadding1D
from .core import Dense, Identity, Masking
from .dropout import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
)
from .embedding import Embedding
from .gru import GRU, SimpleRNN
from .input import Input, InputLayer
from .joining import (
    Concatenate,
    Dot,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .lookup import IntegerLookup, StringLookup
from .lstm import LSTM
from .merging import Add, Average, Maximum, Minimum, Multiply, Subtract
from .multi_head import MultiHeadAttention
from .normalization import LayerNormalization, UnitNormalization
from .pooling import (
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)
from .preprocessing import Normalization, Rescaling
from .reshaping import Flatten, Permute, RepeatVector, Reshape
from .rnn import RNN
from .slicing import GetItem
from .text import TextVectorization
from .time_distributed import TimeDistributed
from .wrappers import Bidirectional

AvgPool1D = AveragePooling1D
Convolution1D = Conv1D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
MaxPool1D = MaxPooling1D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AvgPool1D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "Cell",
    "Concatenate",
    "Conv1D",
    "Convolution1D",
    "Cropping1D",
    "Dense",
    "Discretization",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GetItem",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "Identity",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "LSTMCell",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Param",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "ZeroPadding1D",
    "add",
    "average",
    "concatenate",
    "dot",
    "get",
    "maximum",
    "minimum",
    "multiply",
    "registry",
    "subtract",
]
