"""Texts into classes: a classifier with its vocabulary, and how well it does."""

from .classifier import TextClassifier
from .evaluation import Evaluation, evaluate_classes

__all__ = ["Evaluation", "TextClassifier", "evaluate_classes"]
