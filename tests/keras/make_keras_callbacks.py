"""Makes keras_callbacks.json: what Keras's callbacks decide, for tests/callbacks.

    python tests/keras/make_keras_callbacks.py      (in any environment with Keras 3)

Each case is a sequence of numbers, one an epoch, that another callback puts into the logs under
the name "score"; the file has what was done in each epoch. All numbers have few decimals and no
ties that rounding would decide.
"""

import itertools
import json
import tempfile
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import keras
import numpy as np

keras.config.set_floatx("float64")

SEQUENCES = {
    "falling": [1.0, 0.9, 0.81, 0.72, 0.63, 0.51],
    "valley": [1.0, 0.8, 0.5, 0.61, 0.72, 0.83, 0.44, 0.95, 0.96, 0.97],
    "flat": [0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7],
    "slow": [1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.79],
    "rising": [0.1, 0.2, 0.33, 0.41, 0.52, 0.64],
    "noisy": [0.9, 0.95, 0.7, 0.75, 0.71, 0.6, 0.66, 0.58, 0.7, 0.8, 0.9, 0.3],
}
STOPPING = {
    "patience": [0, 1, 3],
    "mode": ["min", "max"],
    "min_delta": [0, 0.05],
    "baseline": [None, 0.55],
    "start_from_epoch": [0, 2],
}
PLATEAU = {
    "patience": [1, 2],
    "mode": ["min", "max"],
    "min_delta": [1e-4, 0.05],
    "cooldown": [0, 2],
    "min_lr": [0.0, 0.03],
    "factor": [0.5],
}
CHECKPOINT = {"mode": ["min", "max"], "initial_value_threshold": [None, 0.65]}


def options(grid):
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


class Script(keras.callbacks.Callback):
    """Puts the numbers into the logs, and sets the one weight to the number of the epoch."""

    def __init__(self, numbers):
        super().__init__()
        self.numbers = numbers

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = self.numbers[epoch]
        self.model.set_weights([np.full((1, 1), float(epoch))])


def run(callback, numbers):
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse")
    zeros = np.zeros((1, 1))
    callbacks = [Script(numbers), callback]
    history = model.fit(
        zeros, zeros, epochs=len(numbers), verbose=0, shuffle=False, callbacks=callbacks
    )
    return model, history


def stopping():
    for (name, numbers), given in itertools.product(SEQUENCES.items(), options(STOPPING)):
        callback = keras.callbacks.EarlyStopping("score", restore_best_weights=True, **given)
        model, history = run(callback, numbers)
        yield {
            "numbers": name,
            "given": given,
            "epochs": len(history.epoch),
            "stopped": callback.stopped_epoch,
            "best": float(callback.best),
            "weight": float(model.get_weights()[0][0, 0]),
        }


def plateau():
    for (name, numbers), given in itertools.product(SEQUENCES.items(), options(PLATEAU)):
        callback = keras.callbacks.ReduceLROnPlateau("score", **given)
        _, history = run(callback, numbers)
        rates = [round(rate, 12) for rate in history.history["learning_rate"]]
        yield {"numbers": name, "given": given, "rates": rates}


def checkpoint():
    for (name, numbers), given in itertools.product(SEQUENCES.items(), options(CHECKPOINT)):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/{{epoch:02d}}-{{score:.2f}}.weights.h5"
            callback = keras.callbacks.ModelCheckpoint(
                path, "score", save_best_only=True, save_weights_only=True, **given
            )
            run(callback, numbers)
            files = sorted(p.name.removesuffix(".weights.h5") for p in Path(folder).iterdir())
        yield {"numbers": name, "given": given, "files": files}


def main():
    out = {"sequences": SEQUENCES}
    for kind in (stopping, plateau, checkpoint):
        out[kind.__name__] = list(kind())
        print(kind.__name__, len(out[kind.__name__]))
    text = json.dumps(out).replace('{"numbers"', '\n{"numbers"')  # a line for each case
    (Path(__file__).parent / "data" / "keras_callbacks.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
