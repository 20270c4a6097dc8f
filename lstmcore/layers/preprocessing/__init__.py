"""Preprocessing layers: scaling, categories, vocabularies, texts."""

from .categories import CategoryEncoding, Discretization
from .hashed_features import (
    HashedCrossing,
    Hashing,
)
from .lookup import IntegerLookup, StringLookup
from .mel_spectrogram import (
    MelSpectrogram,
)
from .plain_texts import strip_html
from .rescaling import Normalization, Rescaling
from .stft_spectrogram import (
    STFTSpectrogram,
)
from .text_vectorization import TextVectorization

__all__ = [
    "CategoryEncoding",
    "Discretization",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "MelSpectrogram",
    "Normalization",
    "Rescaling",
    "STFTSpectrogram",
    "StringLookup",
    "TextVectorization",
    "strip_html",
]
