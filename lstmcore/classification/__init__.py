"""Classification of texts, and evaluation of classifiers."""

from .classifier import TextClassifier
from .evaluation import Evaluation, evaluate_classes
from .multi_label import MultiLabelEvaluation

__all__ = ["Evaluation", "MultiLabelEvaluation", "TextClassifier", "evaluate_classes"]
