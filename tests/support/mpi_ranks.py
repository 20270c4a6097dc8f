"""A training run for `mpiexec`: writes what rank 0 has; a first argument says which run."""

import json
import os
import sys
from pathlib import Path

import numpy as np

import lstmcore
from lstmcore import Input, Sequential, callbacks, layers, regularizers
from lstmcore.distribution import DataParallel


def samples(n=43):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 6, 3)).astype(np.float32)
    return x, x.sum((1, 2))[:, None] + 0.1 * rng.standard_normal((n, 1)).astype(np.float32)


def plain(dropout=0.0):
    lstmcore.utils.set_random_seed(1 + int(os.environ.get("PMI_RANK", 0)))  # begins as rank 0's
    model = Sequential(
        [
            Input((None, 3)),
            layers.Masking(),
            layers.LSTM(5, kernel_regularizer=regularizers.L2(0.01), dropout=dropout),
            layers.BatchNormalization() if dropout < 0 else layers.Dense(4, "tanh"),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def several():
    lstmcore.utils.set_random_seed(1)
    x = Input((None, 3))
    h = layers.LSTM(5, return_sequences=True)(layers.Masking()(x))
    model = lstmcore.Model(x, [layers.Dense(1)(h), layers.Dense(1)(layers.LSTM(2)(h))])
    model.compile("sgd", ["mse", "mae"], loss_weights=[0.3, 1.0])
    return model


def train(what, folder, distribution):
    x, y = samples()
    ragged = [row[: 2 + i % 5] for i, row in enumerate(x)]
    options = {"epochs": 3, "batch_size": 10, "verbose": 0, "distribution": distribution}
    options["callbacks"] = [callbacks.CSVLogger(folder / f"{what}.csv")]
    if what == "several":
        model = several()
        x[:, 3:] *= (np.arange(43) % 3 > 0)[:, None, None]
        history = model.fit(x, [np.repeat(y[:, None], 6, 1), y], **options)
    elif what == "ragged":
        model = plain()
        history = model.fit(ragged, y, sample_weight=np.arange(43.0), **options)
    elif what == "resumed":
        model = plain()
        options["callbacks"].append(callbacks.BackupAndRestore(folder / "backup", save_freq=2))
        options["callbacks"].append(Stop(distribution, int(os.environ.get("STOP", 0))))
        history = model.fit(x, y, **options)
    else:
        model = plain(0.5 if what == "dropout" else 0)
        history = model.fit(x, y, validation_data=(x[:9], y[:9]), **options)
    return model, history.history


class Stop(callbacks.Callback):
    """Ends a process in the middle, as `kill -9` does."""

    def __init__(self, distribution, at):
        self.last = distribution is not None and distribution.rank == distribution.size - 1
        self.at = at

    def on_train_batch_end(self, batch, logs=None):
        self.at -= 1
        if self.at == 0 and self.last:
            os._exit(9)


def main():
    what, folder = sys.argv[1], Path(sys.argv[2])
    distribution = DataParallel(check_every=2) if len(sys.argv) > 3 else None
    if what == "broken" and distribution.rank == 1:
        raise ValueError("rank 1 cannot go on")
    model, history = train(what, folder, distribution)
    weights = np.concatenate([w.ravel() for w in model.get_weights()])
    if distribution is None:
        np.save(folder / "alone.npy", weights)
        (folder / "alone.json").write_text(json.dumps(history))
        return
    distribution.check(model._flat)
    if distribution.rank == 0:
        np.save(folder / f"{distribution.size}.npy", weights)
        (folder / f"{distribution.size}.json").write_text(json.dumps(history))


if __name__ == "__main__":
    main()
