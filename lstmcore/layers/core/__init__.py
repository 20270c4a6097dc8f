"""Core layers: Input, Embedding, Masking, Dense, CRF, Identity and the activations."""

from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .crf import CRF
from .dense import Dense, Identity, Masking
from .einsum_dense import EinsumDense
from .embedding import Embedding
from .input import Input, InputLayer
from .lambda_layer import Lambda
from .reversible_embedding import ReversibleEmbedding
from .wrapper import Pipeline, Wrapper

__all__ = [
    "CRF",
    "ELU",
    "Activation",
    "Dense",
    "EinsumDense",
    "Embedding",
    "Identity",
    "Input",
    "InputLayer",
    "Lambda",
    "LeakyReLU",
    "Masking",
    "PReLU",
    "Pipeline",
    "ReLU",
    "ReversibleEmbedding",
    "Softmax",
    "Wrapper",
]
