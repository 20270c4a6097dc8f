"""Recurrent layers and their cells: LSTM, GRU, SimpleRNN, RNN, and the wrappers around them."""

from .bidirectional import Bidirectional
from .cell import Cell, StackedRNNCells
from .cells import GRUCell, LSTMCell, SimpleRNNCell
from .conv_lstm1d import ConvLSTM1D
from .gru import GRU, SimpleRNN
from .lstm import LSTM
from .rnn import RNN
from .time_distributed import TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "Cell",
    "ConvLSTM1D",
    "GRUCell",
    "LSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
]
