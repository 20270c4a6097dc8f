"""Models for the tests of the tuner, where the processes of a search can import them.

    python tuner_models.py DIRECTORY KILL_AT [N_JOBS]

runs `search` in that directory; KILL_AT "training.epoch" kills the process there, trainings counted
from 0; "slowly" lets every epoch take three tenths of a second.
"""

import os
import signal
import sys
import time

import numpy as np

import lstmcore
from lstmcore import Input, Sequential
from lstmcore import tuner as kt
from lstmcore.callbacks import Callback
from lstmcore.layers import LSTM, Dense
from lstmcore.optimizers import Adam

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 5, 1)).astype("f4")
Y = X.sum(axis=1)
DATA = {"x": X[:32], "y": Y[:32], "validation_data": (X[32:], Y[32:]), "epochs": 2}


def build_model(hp):
    """An LSTM of a size and with a learning rate that are searched."""
    model = Sequential([Input((5, 1)), LSTM(hp.Int("units", 2, 8, step=2)), Dense(1)])
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(Adam(rate), loss="mse", metrics=["mae"])
    return model


class Kill(Callback):
    """Kills its process in one epoch of one training."""

    def __init__(self, when):
        self.when = when

    def on_epoch_end(self, epoch, logs=None):
        if self.when == "slowly":
            time.sleep(0.3)
        if f"{Kill.trainings}.{epoch}" == self.when:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_begin(self, logs=None):
        Kill.trainings += 1

    trainings = -1


class KillOnce(Callback):
    """Kills its process as often as a file is not there yet, and for certain sizes always."""

    def __init__(self, folder, always=()):
        self.folder, self.always = str(folder), always

    def on_epoch_end(self, epoch, logs=None):
        units = self.model.layers[0].units
        mark = os.path.join(self.folder, f"killed-{units}")
        if units in self.always or not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)


class Interrupt(Callback):
    """Ctrl-C in the training of one trial."""

    def __init__(self, when):
        self.when, self.seen = when, [-1]

    def __deepcopy__(self, memo):
        return self  # it counts trainings

    def on_train_begin(self, logs=None):
        self.seen[0] += 1
        if self.seen[0] == self.when:
            raise KeyboardInterrupt


def make(directory, **options):
    """The search of the tests."""
    options = {"max_trials": 4, "seed": 5, "executions_per_trial": 2, **options}
    return kt.RandomSearch(build_model, "val_loss", directory=directory, **options)


def outcome(tuner):
    """What of a search has to be the same in every run: to the last bit."""
    return {
        name: (trial.status, trial.hyperparameters.values, trial.score, trial.best_step)
        for name, trial in tuner.trials.items()
    }


if __name__ == "__main__":
    lstmcore.set_num_threads(1)
    jobs = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    tuner = make(sys.argv[1], n_jobs=jobs)
    print("begins", flush=True)
    tuner.search(**DATA, callbacks=[Kill(sys.argv[2])])
