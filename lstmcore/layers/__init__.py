"""Layers, with Keras's names, arguments and weights."""

from .base import Layer, Param, get, registry
from .cell_base import Cell, StackedRNNCells
from .cells import GRUCell, LSTMCell, SimpleRNNCell
from .core import Dense, Dropout, Masking
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
    "Bidirectional",
    "Cell",
    "Dense",
    "Dropout",
    "Embedding",
    "GRUCell",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Layer",
    "Masking",
    "Param",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "get",
    "registry",
]
