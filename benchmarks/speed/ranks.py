"""Training by several processes: speed-up, overhead of a step, all-reduce, larger numbers on paper.

    python -m benchmarks.speed.ranks --ranks 1,2,4

Each number of ranks is a run of `mpiexec` with one thread a rank. `sentiment` is an
Embedding(10000, 100), LSTM(128) on 200 steps and Dense(1), trained on a fixed batch of 64 rows in
all. The overhead is what a step of a model of a few weights takes more than without a distribution,
beyond the two all-reduces. On paper a step takes the time of its rows and of two all-reduces, of
latency a and time b a byte: 2 log2(N) a + 2 (N - 1) / N bytes b (Thakur, Rabenseifner and Gropp
2005).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.harness import machine

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
BATCH, ROUNDS = 64, 5
NETWORK = {"latency_us": 20.0, "GB/s": 1.25}  # 10 Gbit/s Ethernet
FEW = 40  # steps of a round


def _model(small: bool) -> tuple[Any, Any, Any]:
    from lstmcore import Input, Sequential, layers, utils

    utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    if small:
        model = Sequential([Input((1, 1)), layers.LSTM(1), layers.Dense(1)])
        x: Any = rng.standard_normal((4 * FEW, 1, 1)).astype(np.float32)
    else:
        model = Sequential(
            [Input((200,)), layers.Embedding(10000, 100), layers.LSTM(128), layers.Dense(1)]
        )
        x = rng.integers(0, 10000, (8 * BATCH, 200))
    model.compile("adam", "mse")
    return model, x, rng.standard_normal((len(x), 1)).astype(np.float32)


def _step(small: bool, distribution: Any) -> float:
    """Return the seconds of a training step: the median of the rounds."""
    model, x, y = _model(small)
    size = 4 if small else BATCH
    fit = {"batch_size": size, "verbose": 0, "shuffle": False, "distribution": distribution}
    model.fit(x, y, **fit)
    found = []
    for _ in range(ROUNDS):
        begin = perf_counter()
        model.fit(x, y, epochs=3, **fit)
        found.append((perf_counter() - begin) / (3 * math.ceil(len(x) / size)))
    return median(found)


def _all_reduce(comm: Any, size: int) -> float:
    from mpi4py import MPI

    numbers, found = np.zeros(size, np.float32), []
    for _ in range(200 if size < 1_000_000 else 20):
        comm.Barrier()
        begin = perf_counter()
        comm.Allreduce(MPI.IN_PLACE, numbers, MPI.SUM)
        found.append(perf_counter() - begin)
    return median(found)


def measure() -> None:
    """Measure as a rank, and print what rank 0 found as JSON."""
    from lstmcore.distribution import DataParallel

    distribution = DataParallel()
    comm = distribution.comm
    figures = {
        "sentiment": _step(False, distribution),
        "small": _step(True, distribution),
        "small_alone": _step(True, None),
        "all_reduce": {size: _all_reduce(comm, size) for size in (4, 30, *SIZES)},
    }
    if not distribution.rank:
        print(json.dumps(figures))


def _run(ranks: int) -> dict[str, Any]:
    beside = Path(sys.executable).with_name("mpiexec")
    mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec"
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", "-m", __spec__.name]
    environment = {**os.environ, "LSTMCORE_NUM_THREADS": "1"}
    done = subprocess.run([*command, "--rank"], check=True, capture_output=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _on_paper(ranks: int, alone: float, weights: int) -> float:
    """Return the seconds of a step of `sentiment` on a network."""
    bytes_, a, b = 4 * weights, NETWORK["latency_us"] * 1e-6, 1 / (NETWORK["GB/s"] * 1e9)
    two = sum(
        2 * math.log2(ranks) * a + 2 * (ranks - 1) / ranks * size * b for size in (bytes_, 32)
    )
    return alone / ranks + two


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ranks", default="1,2,4", help="numbers of ranks (1,2,4)")
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rank:
        measure()
        return 0
    print(f"{machine.describe()['cpu']}, {machine.usable_cores()} cores, one thread a rank\n")
    found = {n: _run(n) for n in map(int, args.ranks.split(","))}
    first = found[min(found)]
    print("| ranks | sentiment, ms a step | speed-up | small step, us | overhead, us |")
    print("|---|---|---|---|---|")
    for n, figures in found.items():
        reduced = figures["all_reduce"]["4"] + figures["all_reduce"]["30"]
        overhead = figures["small"] - figures["small_alone"] - reduced
        print(
            f"| {n} | {1e3 * figures['sentiment']:.2f} "
            f"| {first['sentiment'] / figures['sentiment']:.2f} | {1e6 * figures['small']:.0f} "
            f"| {1e6 * overhead:.0f} |"
        )
    print("\n| all-reduce, us, of so many numbers |", " | ".join(f"{s:,}" for s in SIZES), "|")
    print("|---|" + "---|" * len(SIZES))
    for n, figures in found.items():
        times = (f"{1e6 * figures['all_reduce'][str(size)]:.0f}" for size in SIZES)
        print(f"| {n} ranks |", " | ".join(times), "|")
    weights = _model(False)[0].count_params()
    print(f"\nOn paper, {NETWORK}, {weights:,} weights, {BATCH} rows in all and {BATCH} a rank:")
    for n in (2, 4, 16, 128):
        strong = _on_paper(n, first["sentiment"], weights)
        weak = _on_paper(n, n * first["sentiment"], weights)
        print(
            f"{n:4} ranks: {first['sentiment'] / strong:6.1f} times with the same batch, "
            f"{n * first['sentiment'] / weak:6.1f} times with {n} times the batch"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
