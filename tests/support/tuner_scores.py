"""Searches without trainings: a function of the hyperparameters is the score."""

import pytest

import lstmcore.tuner as kt
from lstmcore import Input, Sequential
from lstmcore.layers import Dense

optuna = pytest.importorskip("optuna")


def dummy(hp):
    """The smallest model: what is tested is which hyperparameters there are."""
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    return model


class Scores(kt.HyperModel):
    """A function in the place of training."""

    def __init__(self, ask, score):
        super().__init__()
        self.ask, self.score = ask, score

    def build(self, hp):
        self.ask(hp)
        return dummy(hp)

    def fit(self, hp, model, *args, **kwargs):
        return self.score(hp)


def memory():
    """A storage without files, for what needs many trials."""
    return optuna.storages.InMemoryStorage()


def tried(tuner):
    return [trial.hyperparameters.values for trial in tuner.trials.values()]
