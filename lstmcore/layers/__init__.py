"""Layers, with Keras's names, arguments and weights."""

from .base import Layer, Param, get, registry
from .core import Dense, Dropout, Input, InputLayer
from .recurrent import LSTM

__all__ = ["LSTM", "Dense", "Dropout", "Input", "InputLayer", "Layer", "Param", "get", "registry"]
