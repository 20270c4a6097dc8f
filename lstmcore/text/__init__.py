"""Texts, token by token: vocabularies, language models, and writing with them."""

from .baselines import count_baselines
from .batches import ResetStates, Streams
from .files import python_documentation, read_text
from .generation import generate
from .model import LanguageModel, TextModel
from .sampling import Sampling
from .vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary

__all__ = [
    "CharacterVocabulary",
    "LanguageModel",
    "ResetStates",
    "Sampling",
    "Streams",
    "TextModel",
    "Vocabulary",
    "WordVocabulary",
    "count_baselines",
    "generate",
    "python_documentation",
    "read_text",
]
