"""Trainings whose logs have the numbers that a test wants, for callbacks that watch one."""

import numpy as np

from lstmcore import Input, Sequential
from lstmcore.callbacks import Callback
from lstmcore.layers import Dense
from lstmcore.optimizers import SGD

ZEROS = np.zeros((1, 1))


class Script(Callback):
    """Puts numbers into the logs, and sets the one weight to the number of the epoch."""

    def __init__(self, numbers, name="score"):
        self.numbers, self.name = numbers, name

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.numbers[epoch]
        self.model.set_weights([np.full((1, 1), float(epoch))])


def run(callback, numbers, name="score", **kwargs):
    model = Sequential([Input((1,)), Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(SGD(0.1), "mse")
    given = [Script(numbers, name), callback]
    kwargs = {"epochs": len(numbers), "verbose": 0, "callbacks": given} | kwargs
    return model, model.fit(ZEROS, ZEROS, **kwargs)


def case_id(case):
    return "-".join(map(str, (case["numbers"], *case["given"].values())))
