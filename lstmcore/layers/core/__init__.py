"""Core layers: Input, Embedding, Masking, Dense, CRF, Identity and the activations."""

from ...refused import names_within
from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .dense import Dense, Identity, Masking
from .embedding import Embedding
from .input import Input, InputLayer

__all__ = [
    "ELU",
    "Activation",
    "Dense",
    "Embedding",
    "Identity",
    "Input",
    "InputLayer",
    "LeakyReLU",
    "Masking",
    "PReLU",
    "ReLU",
    "Softmax",
]

__getattr__ = names_within(__name__)
