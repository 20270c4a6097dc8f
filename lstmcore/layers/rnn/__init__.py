"""Recurrent layers and their cells: LSTM, GRU, SimpleRNN, RNN, and the wrappers around them."""

from ...refused import names_within
from .bidirectional import Bidirectional
from .cell import Cell, StackedRNNCells
from .cells import GRUCell, LSTMCell, SimpleRNNCell
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
    "GRUCell",
    "LSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
]

__getattr__ = names_within(__name__)
