"""Layers, with Keras's names, arguments and weights."""

from .base import Layer, Param, get, registry
from .core import Dense, Dropout, Input, InputLayer, Masking
from .embedding import Embedding
from .gru import GRU, SimpleRNN
from .lstm import LSTM

__all__ = [
    "GRU",
    "LSTM",
    "Dense",
    "Dropout",
    "Embedding",
    "Input",
    "InputLayer",
    "Layer",
    "Masking",
    "Param",
    "SimpleRNN",
    "get",
    "registry",
]
