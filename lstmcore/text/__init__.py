"""Language models: vocabularies, training, evaluation, and generation of text."""

from .baselines import count_baselines
from .evaluation import nats
from .files import python_documentation, read_text
from .generation import generate
from .model import LanguageModel, TextModel
from .sampling import Sampling
from .truncated import ResetStates, Streams
from .vectors import embedding_matrix, read_vectors
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
    "embedding_matrix",
    "generate",
    "nats",
    "python_documentation",
    "read_text",
    "read_vectors",
]
