"""Layers, with Keras's names, arguments and weights."""

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
from .lstm import LSTM
from .rnn import RNN
from .wrappers import Bidirectional

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "ActivityRegularization",
    "AlphaDropout",
    "Bidirectional",
    "Cell",
    "Dense",
    "Dropout",
    "Embedding",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Layer",
    "Masking",
    "Param",
    "SimpleRNN",
    "SimpleRNNCell",
    "SpatialDropout1D",
    "StackedRNNCells",
    "get",
    "registry",
]
