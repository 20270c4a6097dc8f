"""Layers, with Keras's names, arguments and weights."""

from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .attention import AdditiveAttention, Attention
from .base import Layer, Param, get, registry
from .categories import CategoryEncoding, Discretization
from .cell_base import Cell, StackedRNNCells
from .cells import GRUCell, LSTMCell, SimpleRNNCell
from .core import Dense, Masking
from .dropout import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
)
from .convolution import Conv1D, Cropping1D, UpSampling1D, ZeroPadding1D
from .core import Dense, Dropout, Input, InputLayer, Masking
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
from .lstm import LSTM
from .merging import Add, Average, Maximum, Minimum, Multiply, Subtract
from .reshaping import Flatten, Permute, RepeatVector, Reshape
from .multi_head import MultiHeadAttention
from .pooling import (
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)
from .preprocessing import Normalization, Rescaling
from .rnn import RNN
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
    "AlphaDropout",
    "Average",
    "AdditiveAttention",
    "Attention",
    "Bidirectional",
    "Cell",
    "Concatenate",
    "AveragePooling1D",
    "AvgPool1D",
    "Bidirectional",
    "CategoryEncoding",
    "Cell",
    "Conv1D",
    "Convolution1D",
    "Cropping1D",
    "Dense",
    "Dot",
    "Discretization",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Layer",
    "LeakyReLU",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "PReLU",
    "MultiHeadAttention",
    "MaxPool1D",
    "MaxPooling1D",
    "Normalization",
    "Param",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Reshape",
    "Rescaling",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "add",
    "average",
    "concatenate",
    "dot",
    "UpSampling1D",
    "ZeroPadding1D",
    "get",
    "maximum",
    "minimum",
    "multiply",
    "registry",
    "subtract",
]
