"""Latency beside a busy neighbour: calls of one thread and of all, with a core taken and without.

    python -m benchmarks.speed.neighbour --calls 3000

Another program keeps one core busy. A call on all cores waits there for whatever that program has
of the core, so the library is to notice and to use one thread: p99 should be within 1.5 times that
of one thread. Every figure comes from a process of its own, as each has its own team of threads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter, sleep
from typing import Any

import numpy as np

from benchmarks.harness import machine
from lstmcore import Input, Sequential, _core, set_num_threads
from lstmcore.layers import LSTM, Dense, Embedding

WORST = 1.5  # p99 of all threads over that of one, beside a neighbour
REST = 0.3  # seconds until a neighbour is at work
BUSY = "while True: pass"


def a_row() -> Callable[[], Any]:
    """Return the prediction of one row of 200 tokens."""
    model = Sequential([Input((200,)), Embedding(10000, 100), LSTM(128), Dense(1)])
    tokens = np.random.default_rng(0).integers(0, 10000, (1, 200))
    return lambda: model.predict_on_batch(tokens)


def a_batch() -> Callable[[], Any]:
    """Return a training step on 32 rows of 50 steps."""
    model = Sequential([Input((50, 8)), LSTM(64), Dense(1)])
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 50, 8)).astype(np.float32), np.zeros((32, 1), np.float32)
    return lambda: model.train_on_batch(x, y)


CALLS = {"row": a_row, "train": a_batch}


def measure(name: str, threads: int, calls: int) -> list[float]:
    """Return p50, p99 and mean of a call in milliseconds."""
    set_num_threads(threads)
    call, taken = CALLS[name](), []
    for number in range(calls + 50):
        begin = perf_counter()
        call()
        if number >= 50:
            taken.append(1e3 * (perf_counter() - begin))
    return [*np.percentile(taken, (50, 99)).tolist(), float(np.mean(taken))]


def in_its_process(name: str, threads: int, calls: int, busy: bool) -> list[float]:
    own = [sys.executable, "-m", "benchmarks.speed.neighbour", "--one", name]
    with ExitStack() as stack:
        if busy:
            neighbour = subprocess.Popen([sys.executable, "-c", BUSY])
            stack.callback(neighbour.kill)
            os.sched_setaffinity(neighbour.pid, {max(os.sched_getaffinity(0))})
            sleep(REST)
        command = [*own, "--threads", str(threads), "--calls", str(calls)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: list[float] = json.loads(done.stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=3000, help="calls of each figure")
    parser.add_argument("--one", choices=CALLS, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one, args.threads, args.calls)))
        return 0
    cores = machine.usable_cores()
    print(f"{machine.describe()['cpu']}, {cores} cores, {_core.isa()}\n")
    print("| call  | neighbour | threads | p50, ms | p99, ms | mean, ms |")
    print("|-------|-----------|--------:|--------:|--------:|---------:|")
    within = True
    for name in CALLS:
        for busy in (False, True):
            p99 = {}
            for threads in (1, cores):
                figures = in_its_process(name, threads, args.calls, busy)
                p99[threads] = figures[1]
                shown = " | ".join(f"{figure:7.2f}" for figure in figures)
                print(f"| {name:5} | {'busy' if busy else '-':9} | {threads:7} | {shown}  |")
            if busy:
                within = within and p99[cores] <= WORST * p99[1]
    print(f"\np99 beside a neighbour within {WORST} times that of one thread:", within)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
