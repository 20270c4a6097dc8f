"""Layers, with Keras's names, arguments and weights."""

from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .attention import AdditiveAttention, Attention
from .base import Layer, Param, get, registry
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
from .rnn import RNN
from .time_distributed import TimeDistributed
from .wrappers import Bidirectional

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
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
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
    "Param",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Reshape",
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
    "get",
    "maximum",
    "minimum",
    "multiply",
    "registry",
    "subtract",
]
