"""Layers, with Keras's names, arguments and weights."""

from .base import Layer, Param, get, registry
from .core import Dense, Dropout, Input, InputLayer
from .gru import GRU, SimpleRNN
from .lstm import LSTM

__all__ = [
    "GRU",
    "LSTM",
    "Dense",
    "Dropout",
    "Input",
    "InputLayer",
    "Layer",
    "Param",
    "SimpleRNN",
    "get",
    "registry",
]
