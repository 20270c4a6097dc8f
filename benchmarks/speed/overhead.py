"""Overhead around the kernels: a training step's Python, a user's loss, import, files, wheel size.

    python -m benchmarks.speed.overhead --repeats 15

The step's figures are taken in turns: an epoch of `fit`, one with a loss of five ops, which is
derived, and one of the bare core calls.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.harness.machine import Neighbours
from lstmcore import Sequential, _core, ops
from lstmcore.layers import LSTM, Dense

ROOT = Path(__file__).resolve().parents[2]
SAMPLES, STEPS, FEATURES, UNITS, BATCH = 1000, 10, 1, 50, 32
LAZY = ("scipy", "safetensors", "tqdm")
IMPORT = f"""
import sys, time
import numpy
begin = time.perf_counter()
import lstmcore
seconds = time.perf_counter() - begin
early = [name for name in {LAZY} if name in sys.modules]
assert not early, f"import lstmcore imported {{early}}"
print(seconds)
"""
OLD_FILE = ROOT / "tests/interchange/keras/files/keras_2.2.4.zip"  # written by genuine Keras
OPEN = """
import sys, time
import lstmcore
begin = time.perf_counter()
lstmcore.load_model(sys.argv[1])
print(time.perf_counter() - begin)
"""


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((SAMPLES, STEPS, FEATURES), np.float32)
    return x, rng.standard_normal((SAMPLES, 1), np.float32)


def five_ops(y_true: Any, y_pred: Any) -> Any:
    """A loss like the mean squared error, of five ops."""
    return ops.mean(ops.log(ops.add(ops.square(ops.subtract(y_true, y_pred)), 1.0)), axis=-1)


def fit_epoch(loss: Any) -> Callable[[], object]:
    """Return a function that trains LSTM(50) and Dense(1) for an epoch with `fit`."""
    x, y = data()
    model = Sequential([LSTM(UNITS), Dense(1)])
    model.compile(optimizer="adam", loss=loss)
    return lambda: model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)


def kernels_epoch() -> Callable[[], None]:
    """Return a function for the epoch of `fit_epoch` as bare calls of the core, without layers."""
    x, y = data()
    gates = 4 * UNITS
    shapes = [(FEATURES, gates), (UNITS, gates), (gates,), (UNITS, 1), (1,)]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    rng = np.random.default_rng(1)
    weights = rng.uniform(-0.1, 0.1, ends[-1]).astype(np.float32)
    grads, m, v = (np.zeros_like(weights) for _ in range(3))

    def windows(flat: np.ndarray) -> list[np.ndarray]:
        parts = np.split(flat, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    *lstm, kernel, bias = windows(weights)
    dkernel, drecurrent, dbias, ddense, ddense_bias = windows(grads)
    packed = _core.pack(_core.Cell(), tuple(lstm))
    batches = [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, SAMPLES, BATCH)]
    step = 0

    def epoch() -> None:
        nonlocal step
        for rows, dy in batches:
            step += 1
            grads.fill(0)
            _core.pack(packed.cell, tuple(lstm), out=packed)
            h, _, tape = _core.forward(packed, rows, training=True)
            _core.dense_forward(h, kernel, bias)
            dh = _core.dense_backward(h, kernel, dy, dkernel=ddense, dbias=ddense_bias)
            grads_of_lstm = (dkernel, drecurrent, dbias)
            _core.backward(packed, rows, tape, dh, grads=grads_of_lstm, need_dx=False)
            rule = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "step": step}
            _core.optimize("adam", weights, grads, (m, v), 1e-3, **rule)

    return epoch


def steps_in_turns(repeats: int) -> list[float]:
    """Return microseconds per training step: `fit`, with a derived loss, the kernels alone."""
    epochs = fit_epoch("mse"), fit_epoch(five_ops), kernels_epoch()
    times: list[list[float]] = [[] for _ in epochs]
    for turn in range(repeats + 2):
        for epoch, seconds in zip(epochs, times, strict=True):
            begin = perf_counter()
            epoch()
            if turn >= 2:  # two warm-up rounds
                seconds.append(perf_counter() - begin)
    per_step = 1e6 / math.ceil(SAMPLES / BATCH)
    return [median(seconds) * per_step for seconds in times]


def in_new_processes(repeats: int, code: str, *arguments: str) -> float:
    """Return the median of the seconds that code prints, each time in a new process."""
    seconds = []
    for _ in range(repeats + 1):  # the first one fills the disk cache
        run = subprocess.run(
            [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
        )
        seconds.append(float(run.stdout))
    return median(seconds[1:])


def opening_seconds(repeats: int) -> float:
    """Return seconds of `load_model` of a Keras 2 model, the reader's import included."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(OLD_FILE) as archive:
        return in_new_processes(repeats, OPEN, archive.extract("nested.h5", folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15, help="times each is measured (15)")
    repeats = max(parser.parse_args().repeats, 9)
    neighbours = Neighbours()
    whole, derived, kernels = steps_in_turns(repeats)
    print(f"fit: LSTM({UNITS}) + Dense(1) on ({SAMPLES}, {STEPS}, {FEATURES}), batch {BATCH}, Adam")
    print(f"  a step                     {whole:8.1f} us")
    print(f"  kernels alone              {kernels:8.1f} us")
    print(f"  Python around the kernels  {whole - kernels:8.1f} us")
    print(f"  more for a loss of 5 ops   {derived - whole:8.1f} us")
    print(f"import lstmcore, beyond numpy {in_new_processes(repeats, IMPORT) * 1e3:7.1f} ms")
    print(f"first .h5 of Keras 2 opened   {opening_seconds(repeats) * 1e3:7.1f} ms")
    for wheel in sorted((ROOT / "dist").glob("*.whl")):
        print(f"{wheel.name} {wheel.stat().st_size / 1e6:.2f} MB")
    neighbours.report()


if __name__ == "__main__":
    main()
