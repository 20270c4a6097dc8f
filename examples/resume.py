"""Fault tolerance: training that is killed in the middle of an epoch resumes to the same weights.

Usage: python resume.py [--epochs 6]             shows it: three runs, one killed, one resumed
       python resume.py run FOLDER [--epochs 6]  one run; start it again if it was killed
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from lstmcore.callbacks import BackupAndRestore, LambdaCallback
from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.utils import create_sequences, set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("command", nargs="?", default="show", choices=["show", "run"])
parser.add_argument("folder", nargs="?", type=Path)
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--kill-after", type=int, default=-1, metavar="BATCHES")


def run(folder, epochs, kill_after):
    set_random_seed(0)
    x, y = create_sequences(np.sin(np.arange(600) / 5), 20)
    model = Sequential([LSTM(16, input_shape=(20, 1), dropout=0.1), Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    done = 0

    def count(batch, logs):
        nonlocal done
        done += 1
        if done == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)  # kill -9, which a process cannot handle

    backup = BackupAndRestore(folder / "backup", save_freq=5)  # every five batches
    callbacks = [backup, LambdaCallback(on_train_batch_end=count)]
    history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=callbacks)
    model.save(folder / "model.safetensors")
    print(f"{done} batches in this process; loss {history.history['loss'][-1]:.6f}")


def show(epochs):
    from lstmcore import load_model

    with tempfile.TemporaryDirectory() as name:

        def start(title, folder, *more):
            folder.mkdir(exist_ok=True)
            command = [sys.executable, __file__, "run", folder, "--epochs", str(epochs), *more]
            print(f"{title}: ", end="", flush=True)
            status = subprocess.run(command).returncode
            if status:
                print(f"ended by signal {-status}")

        whole, killed = Path(name, "whole"), Path(name, "killed")
        start("not killed  ", whole)
        start("killed      ", killed, "--kill-after", "13")
        start("started anew", killed)
        a, b = (load_model(f / "model.safetensors").get_weights() for f in (whole, killed))
        same = all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))
        print(f"the same weights, to the last bit: {same}")


if __name__ == "__main__":
    options = parser.parse_args()
    if options.command == "show":
        show(options.epochs)
    else:
        run(options.folder or Path("resume"), options.epochs, options.kill_after)
