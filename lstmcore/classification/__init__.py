"""Classification of texts, and evaluation of classifiers."""

from .classifier import TextClassifier
from .evaluation import Evaluation, evaluate_classes

__all__ = ["Evaluation", "TextClassifier", "evaluate_classes"]
