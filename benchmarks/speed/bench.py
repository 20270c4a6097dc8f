"""Inference and training of LSTM layers: lstmcore and its peers, measured in turns.

    python -m benchmarks.speed.bench --cases stream,forecast --modes infer --json bench.json

Each library has its own process. In each round every process executes one short burst of calls
while the others are stopped, so that drift of the machine affects all of them alike. Before a case
is timed, the results of all libraries are compared; one with different results is not timed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness import machine
from benchmarks.harness.agreement import TOLERANCE, difference
from benchmarks.harness.cases import CASES, Case
from benchmarks.harness.peers import LIBRARIES, OURS, find_python, folder, is_ours
from benchmarks.harness.remote import Worker, WorkerError
from benchmarks.harness.turns import MAX_CALLS, MIN_CALLS, subset

MODES = {"infer": "Layer inference", "train": "Layer training (forward + backward, all gradients)"}


def best_peer_over_ours(medians: dict[str, float], ours: str = OURS) -> float | None:
    peers = [value for name, value in medians.items() if not is_ours(name)]
    return min(peers) / medians[ours] if peers and ours in medians else None


class Bench:
    """Execution of the benchmark: settings, started workers, and problems."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.workers: list[Worker] = []
        self.problems = 0

    def problem(self, text: str) -> None:
        print(text, flush=True)
        self.problems += 1

    def start(self, stack: ExitStack) -> None:
        """Start the workers; print the names of peers that are not installed."""
        for name in self.args.libs:
            python = find_python(name)
            if python is None:
                print(
                    f"{name}: not installed (python -m benchmarks.harness.peers {name}), left out"
                )
                continue
            try:
                worker = Worker(name, python, self.args.threads)
            except WorkerError as error:
                self.problem(f"{name}: left out: {error}")
                continue
            stack.callback(worker.close)
            self.workers.append(worker)
            print(f"{name}:", ", ".join(f"{key} {value}" for key, value in worker.versions.items()))

    def agreeing(self, workers: list[Worker], case: str, mode: str) -> list[Worker]:
        """Return the workers whose results agree with the first one; print the others' names."""
        good: list[Worker] = []
        with tempfile.TemporaryDirectory() as scratch:
            first = None
            for worker in workers:
                file = Path(scratch) / f"{worker.name}.npz"
                try:
                    worker.check(case, mode, file)
                except WorkerError as error:
                    self.problem(f"{worker.name}: {case}, {mode}: {error}")
                    continue
                first = first or file
                tolerance = TOLERANCE[LIBRARIES[worker.name].precision]
                if (gap := difference(first, file)) <= tolerance:
                    good.append(worker)
                else:
                    self.problem(f"{worker.name}: {case}, {mode}: {gap:.1e} off {first.stem}")
        return good

    def measure(self, workers: list[Worker], case: str, mode: str) -> dict[str, list[float]]:
        """Return microseconds per call: the median of each burst, by library."""
        calls: dict[str, int] = {}
        bursts: dict[str, list[float]] = {worker.name: [] for worker in workers}
        for turn in range(self.args.rounds):
            shift = turn % max(len(workers), 1)  # so that none always follows the same one
            for worker in workers[shift:] + workers[:shift]:
                name = worker.name
                try:
                    if name not in calls:
                        seconds = median(worker.burst(case, mode, 3))
                        wanted = math.ceil(self.args.burst / seconds)
                        calls[name] = min(max(wanted, MIN_CALLS), MAX_CALLS)
                    bursts[name].append(median(worker.burst(case, mode, calls[name])) * 1e6)
                except WorkerError as error:
                    self.problem(f"{name}: {case}, {mode}: {error}")
                    bursts.pop(name)
                    workers = [other for other in workers if other is not worker]
        return bursts

    def table(self, mode: str, cases: list[Case]) -> list[dict[str, Any]]:
        """Measure a mode, print it row by row, and return the records."""
        workers = [w for w in self.workers if mode == "infer" or LIBRARIES[w.name].training]
        names, width = [worker.name for worker in workers], max(len(str(case)) for case in cases)
        widths = [max(11, len(name)) for name in names]

        def row(first: str, cells: Iterable[str], last: str) -> None:
            padded = (f"{c:>{w}} |" for c, w in zip(cells, widths, strict=True))
            print("|", f"{first:{width}} |", *padded, f"{last:>16} |")
            sys.stdout.flush()

        print(f"\n{MODES[mode]}, microseconds, {self.args.threads} threads\n")
        row("case: B, T, I, H", names, "best peer / ours")
        print(f"|{'-' * (width + 2)}|{''.join('-' * (w + 1) + ':|' for w in widths)}{'-' * 17}:|")
        records = []
        for case in cases:
            bursts = self.measure(self.agreeing(workers, case.name, mode), case.name, mode)
            medians = {name: median(values) for name, values in bursts.items()}
            times = best_peer_over_ours(medians, self.args.ours)
            cells = [f"{medians[name]:.1f}" if name in medians else "-" for name in names]
            row(str(case), cells, f"{times:.2f}" if times else "-")
            records.append(
                {
                    "case": case.name,
                    "mode": mode,
                    "median_us": medians,
                    "bursts_us": bursts,
                    "best_peer_over_ours": times,
                }
            )
        return records

    def run(self) -> list[dict[str, Any]]:
        records = []
        for mode in self.args.modes if self.workers else []:
            cases = [CASES[name] for name in self.args.cases]
            if cases := [case for case in cases if mode == "infer" or case.train]:
                records += self.table(mode, cases)
        return records


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    in_float32 = [name for name, library in LIBRARIES.items() if library.precision == "float32"]
    for option, known, usual in (
        ("cases", CASES, list(CASES)),
        ("modes", MODES, list(MODES)),
        ("libs", LIBRARIES, in_float32),
    ):
        what = f"out of {','.join(known)} ({'all' if len(usual) == len(known) else 'in float32'})"
        parser.add_argument(
            f"--{option}", type=subset(list(known)), default=usual, metavar="A,B", help=what
        )
    parser.add_argument(
        "--ours", choices=list(filter(is_ours, LIBRARIES)), default=OURS, help="in the last column"
    )
    parser.add_argument("--rounds", type=int, default=7, help="bursts per library and case (7)")
    parser.add_argument("--burst", type=float, default=0.2, help="seconds of calls a burst (0.2)")
    parser.add_argument(
        "--threads", type=int, default=machine.usable_cores(), help="(all usable cores)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    args = parser.parse_args()
    if not 1 <= args.threads <= (cores := machine.usable_cores()):
        parser.error(f"--threads must be 1 to {cores}, the usable cores")
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    return args


def main() -> int:
    args = parse()
    info = machine.describe()
    print(f"{info['cpu']}, {info['usable_cores']} usable cores")
    print(f"peers from {folder()}")
    bench = Bench(args)
    neighbours = machine.Neighbours()
    with ExitStack() as stack:
        bench.start(stack)
        records = bench.run()
    info["neighbours_cores"] = neighbours.report()
    if args.json:
        settings = {name: getattr(args, name) for name in ("threads", "rounds", "burst")}
        versions = {worker.name: worker.versions for worker in bench.workers}
        report = {"machine": info, "versions": versions, **settings, "results": records}
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if bench.workers and not bench.problems else 1


if __name__ == "__main__":
    sys.exit(main())
