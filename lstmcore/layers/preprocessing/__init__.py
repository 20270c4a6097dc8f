"""Preprocessing layers: scaling, categories, vocabularies, texts."""

from .categories import CategoryEncoding, Discretization
from .lookup import IntegerLookup, StringLookup
from .rescaling import Normalization, Rescaling
from .text_vectorization import TextVectorization

__all__ = [
    "CategoryEncoding",
    "Discretization",
    "IntegerLookup",
    "Normalization",
    "Rescaling",
    "StringLookup",
    "TextVectorization",
]
