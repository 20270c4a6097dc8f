"""A training run for tests/callbacks/test_backup.py, to be killed and started again.

    python resumed_run.py OUT BACKUP_DIR SAVE_FREQ KILL_AT

BACKUP_DIR "-": without a backup. KILL_AT: "never", "epoch.batch", "epoch.test", or "write.n": after
the n-th backup has been written beside its target and before it is moved there.
"""

import json
import os
import signal
import sys

import numpy as np

from lstmcore import Input, Sequential, callbacks
from lstmcore.layers import LSTM, Dense, Dropout
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed

OUT, BACKUP, FREQ, KILL = sys.argv[1:]


class Kill(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if f"{self.epoch}.{batch}" == KILL:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_test_begin(self, logs=None):
        self.on_train_batch_end("test")


def kill_in_write(n, replace=os.replace, done=[]):  # noqa: B006 - counts the calls
    def deadly(source, target):
        done.append(target)
        if len(done) == n:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    return deadly


def main():
    set_random_seed(7)
    rng = np.random.default_rng(3)
    x = rng.standard_normal((43, 6, 2)).astype(np.float32)
    y = rng.standard_normal(43).astype(np.float32)
    model = Sequential(
        [
            Input((6, 2)),
            LSTM(4, return_sequences=True, dropout=0.2, recurrent_dropout=0.1),
            Dropout(0.3, seed=5),
            LSTM(3),
            Dense(1),
        ]
    )
    model.compile(Adam(0.01), "mse", metrics=["mae"])
    given = [
        callbacks.EarlyStopping("val_loss", patience=4, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss", patience=1, factor=0.7, min_delta=0.05),
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        callbacks.CSVLogger(f"{OUT}.csv"),
        Kill(),
    ]
    if BACKUP != "-":
        freq = FREQ if FREQ == "epoch" else int(FREQ)
        given.insert(0, callbacks.BackupAndRestore(BACKUP, freq))
    if KILL.startswith("write"):
        os.replace = kill_in_write(int(KILL[6:]))
    history = model.fit(
        *(x, y),
        **{"epochs": 6, "batch_size": 8, "validation_split": 0.2, "verbose": 0},
        callbacks=given,
    )
    stop = next(c for c in given if isinstance(c, callbacks.EarlyStopping))
    result = {
        "history": history.history,
        "epoch": history.epoch,
        "iterations": model.optimizer.iterations,
        "rate": model.optimizer.learning_rate,
        "stop": [stop.wait, stop.best, stop.best_epoch, stop.stopped_epoch],
        "drawn": float(np.random.default_rng(0).random()),
    }
    np.savez(OUT, *model.get_weights(), result=json.dumps(result))


if __name__ == "__main__":
    main()
