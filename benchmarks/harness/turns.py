"""Measurement in turns, for benchmarks that call lstmcore in their own process."""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.harness import machine
from benchmarks.harness.agreement import TOLERANCE, difference
from benchmarks.harness.peers import find_python
from benchmarks.harness.remote import Worker, WorkerError
from benchmarks.workers.common import time_calls

MIN_CALLS, MAX_CALLS = 2, 2000
Burst = Callable[[int], list[float]]  # repeats -> seconds of each call
Rounds = dict[str, list[list[float]]]  # name -> per round, the seconds of each call


def here(call: Callable[[], Any]) -> Burst:
    """Return a function that measures bursts of a call in this process."""
    return partial(time_calls, call)


def take_turns(bursts: dict[str, Burst], args: argparse.Namespace) -> Rounds:
    """Measure all bursts in `args.rounds` rounds of `args.burst` seconds each, in rotating order.

    If a call takes more than a second there are at most 3 rounds.
    """
    names = list(bursts)
    seconds = {name: median(bursts[name](3)) for name in names}
    calls = {
        name: min(max(math.ceil(args.burst / seconds[name]), MIN_CALLS), MAX_CALLS)
        for name in names
    }
    rounds: Rounds = {name: [] for name in names}
    for round_number in range(args.rounds if max(seconds.values()) < 1 else min(args.rounds, 3)):
        shift = round_number % len(names)  # so that none always follows the same one
        for name in names[shift:] + names[:shift]:
            rounds[name].append(bursts[name](calls[name]))
    return rounds


def microseconds(rounds: Rounds, name: str) -> float:
    """Return the time of a call in microseconds: the median of the rounds' medians."""
    return 1e6 * median(map(median, rounds[name]))


def ratio(rounds: Rounds, one: str, other: str) -> float:
    """Return the time of `one` relative to `other`: the median of the rounds' ratios."""
    pairs = zip(rounds[one], rounds[other], strict=True)
    return median(median(a) / median(b) for a, b in pairs)


def subset(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return the type of an option that takes some of the `known` names, separated by commas."""

    def split(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            message = f"unknown: {', '.join(unknown)}; there are {', '.join(known)}"
            raise argparse.ArgumentTypeError(message)
        return [name for name in known if name in names]

    return split


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that these benchmarks share."""
    made = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    cores = machine.usable_cores()
    made.add_argument("--rounds", type=int, default=9, help="bursts of each (9)")
    made.add_argument("--burst", type=float, default=0.2, help="seconds of calls a burst (0.2)")
    made.add_argument("--threads", type=int, default=cores, help="(all usable cores)")
    made.add_argument("--no-peer", action="store_true", help="lstmcore alone")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return made


class Benchmark:
    """Execution of a benchmark: the peers' processes, the records, the JSON file."""

    def __init__(self, args: argparse.Namespace, stack: ExitStack):
        self.args, self.stack = args, stack
        self.records: list[dict[str, Any]] = []
        self.versions: dict[str, dict[str, str]] = {}
        self.problems = 0
        self.info = machine.describe()
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
        print(f"{self.info['cpu']}, {args.threads} threads")
        self.neighbours = machine.Neighbours()

    def peer(self, name: str) -> Worker | None:
        """Start a peer's process; return None if it is not wanted or not installed."""
        python = None if self.args.no_peer else find_python(name)
        if python is None:
            print(f"{name}: left out (python -m benchmarks.harness.peers {name} installs it)")
            return None
        try:
            worker = Worker(name, python, self.args.threads)
        except WorkerError as error:
            self.problem(f"{name}: left out: {error}")
            return None
        self.stack.callback(worker.close)
        self.versions[name] = worker.versions
        return worker

    def agrees(self, peer: Worker, case: str, mode: str, ours: list[np.ndarray]) -> bool:
        """Return True if the peer's results for a case agree with ours."""
        with tempfile.TemporaryDirectory() as scratch:
            files = [Path(scratch) / f"{name}.npz" for name in ("ours", "peer")]
            np.savez(files[0], *ours)
            try:
                peer.check(case, mode, files[1])
            except WorkerError as error:
                self.problem(f"{peer.name}: {case}: {error}")
                return False
            gap = difference(files[0], files[1])
        if not gap <= TOLERANCE["float32"]:
            self.problem(f"{peer.name}: {case}: {gap:.1e} off lstmcore")
        return gap <= TOLERANCE["float32"]

    def problem(self, text: str) -> None:
        print(text, flush=True)
        self.problems += 1

    def finish(self) -> int:
        """Write the file and return the exit code; call this after the peers have ended."""
        self.info["neighbours_cores"] = self.neighbours.report()
        if self.args.json:
            settings = {name: getattr(self.args, name) for name in ("threads", "rounds", "burst")}
            report = {"machine": self.info, "versions": self.versions, **settings}
            report["results"] = self.records
            self.args.json.write_text(json.dumps(report, indent=1) + "\n")
        return 1 if self.problems else 0


def row(*cells: str, widths: tuple[int, ...]) -> None:
    """Print one line of a table; the first column is text, the others are numbers."""
    first = f"{cells[0]:{widths[0]}}"
    rest = [f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True)]
    print("|", " | ".join([first, *rest]), "|", flush=True)


def head(*cells: str) -> tuple[int, ...]:
    """Print the head of a table, and return the widths of its columns."""
    widths = (max(36, len(cells[0])), *(max(9, len(cell)) for cell in cells[1:]))
    row(*cells, widths=widths)
    rules = ["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]
    print("|" + "|".join(rules) + "|")
    return widths
