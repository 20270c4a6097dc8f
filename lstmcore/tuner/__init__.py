"""Hyperparameter search with Keras Tuner's API on top of Optuna: ``import lstmcore.tuner as kt``.

It needs ``pip install lstmcore[tuner]``. Optuna draws hyperparameters, stores the study and prunes
trials; this package trains the models, in one or several processes, and lets a search survive its
processes.
"""

from .hypermodel import HyperModel
from .hyperparameters import HyperParameters
from .objective import Objective
from .plots import importances, plot_history, plot_importance
from .searches import BayesianOptimization, GridSearch, Hyperband, RandomSearch
from .trial import Trial
from .tuner import Tuner

__all__ = [
    "BayesianOptimization",
    "GridSearch",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "Objective",
    "RandomSearch",
    "Trial",
    "Tuner",
    "importances",
    "plot_history",
    "plot_importance",
]
