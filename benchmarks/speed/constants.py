"""The measured constants of the C core, measured again: each against other values, in turns.

    python -m benchmarks.speed.constants [NAME ...] [--rounds 7]

For each value the core is built in a copy of the tree, and a process of its own runs the calls that
the constant decides about. The processes take turns; a ratio is the median of the rounds' ratios
to the value that stands in the sources, above 1 where the other value is slower.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.harness.machine import describe
from benchmarks.workers.common import time_calls

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "src_c", "lstmcore", "benchmarks")
BURST_SECONDS = 0.2


class Constant(NamedTuple):
    """A number in the sources, and what depends on it."""

    file: str  # below src_c
    text: str  # which stands there once, with {} for the number
    now: str
    others: tuple[str, ...]
    call: Callable[[], Callable[[], object]]  # makes the call that is timed


def forward(batch: int, steps: int, inputs: int, units: int, threads: int, training: bool = False):
    """A forward pass of the core, with backward where it is for training."""

    def make() -> Callable[[], object]:
        import numpy as np

        from lstmcore import _core

        rng = np.random.default_rng(0)
        shapes = ((inputs, 4 * units), (units, 4 * units), (4 * units,))
        weights = tuple(rng.standard_normal(s).astype("f4") * np.float32(0.1) for s in shapes)
        x = rng.standard_normal((batch, steps, inputs)).astype("f4")
        _core.set_num_threads(threads)
        cell = _core.Cell()

        def call() -> None:
            packed = _core.pack(cell, weights, backward=training)
            _core.forward(packed, x, sequences=True, training=training)

        packed = _core.pack(cell, weights, backward=training)
        return call if training else lambda: _core.forward(packed, x, sequences=True)

    return make


def product(rows: int, inner: int, columns: int):
    """A dense product of the size from which BLAS may have it."""

    def make() -> Callable[[], object]:
        import numpy as np

        from lstmcore.layers import Dense

        x = np.random.default_rng(0).standard_normal((rows, inner)).astype("f4")
        layer = Dense(columns, use_bias=False)
        layer(x)
        dy = np.ones((rows, columns), "f4")

        def call() -> None:
            layer.forward(x, True)[1](dy)

        return call

    return make


CONSTANTS = {
    # rows of a panel that stay in cache while all rows of A pass by
    "KC": Constant(
        "kernels/isa.h",
        "#define KC {} ",
        "256",
        ("128", "512", "1024"),
        forward(64, 20, 512, 512, 1),
    ),
    # flops that are worth waking a thread for
    "wake": Constant(
        "cores.c", "const double worth = {};", "4e6", ("1e6", "16e6"), forward(8, 8, 64, 128, 2)
    ),
    # flops of a step that are worth a barrier in each step
    "barrier": Constant(
        "plan.c",
        "flops / (double)spec->steps > {};",
        "1e5",
        ("3e4", "3e5"),
        forward(1, 200, 64, 128, 2),
    ),
    # flops that packing a weight costs, for forward alone
    "pack": Constant(
        "kernels/pack.h", "both ? 85 : {};", "40", ("10", "160"), forward(16, 4, 128, 128, 2, True)
    ),
    # looks at a word before a waiting thread gives its core away
    "spins": Constant(
        "threads.c", "spins < {}; spins++", "2000", ("200", "20000"), forward(2, 100, 128, 256, 2)
    ),
    # columns and inner sizes from which a large product is BLAS's
    "blas": Constant("gemm.c", "least = {},", "256", ("100000",), product(2048, 256, 256)),
}


def build(constant: Constant, value: str, folder: Path) -> Path:
    """Build a copy of the tree with this value; return its folder."""
    copy = folder / value
    copy.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignore = shutil.ignore_patterns("*.so", "__pycache__")
            shutil.copytree(ROOT / part, copy / part, ignore=ignore)
        else:
            shutil.copy2(ROOT / part, copy / part)
    source = copy / "src_c" / constant.file
    text, old = source.read_text(), constant.text.format(constant.now)
    if text.count(old) != 1:
        raise SystemExit(f"{constant.file}: expected {old!r} once")
    source.write_text(text.replace(old, constant.text.format(value)))
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "-i"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    return copy


def serve(name: str) -> None:
    """Time a burst of calls for every line that comes in; print the median in microseconds."""
    call = CONSTANTS[name].call()
    repeats = max(3, int(BURST_SECONDS / median(time_calls(call, 5))))
    for _ in sys.stdin:
        print(1e6 * median(time_calls(call, repeats)), flush=True)


def measure(name: str, rounds: int) -> dict[str, tuple[float, float]]:
    """Microseconds and ratio for each value of a constant."""
    constant = CONSTANTS[name]
    values = (constant.now, *constant.others)
    times: dict[str, list[float]] = {value: [] for value in values}
    with tempfile.TemporaryDirectory() as folder:
        workers = {}
        for value in values:
            copy = build(constant, value, Path(folder))
            workers[value] = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.speed.constants", "--serve", name],
                cwd=copy,
                env={**os.environ, "PYTHONPATH": str(copy)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        for turn in range(rounds):
            shift = turn % len(values)
            for value in values[shift:] + values[:shift]:
                worker = workers[value]
                assert worker.stdin
                assert worker.stdout
                worker.stdin.write("\n")
                worker.stdin.flush()
                times[value].append(float(worker.stdout.readline()))
        for worker in workers.values():
            worker.communicate()
    base = times[constant.now]
    return {
        value: (median(found), median(f / b for f, b in zip(found, base, strict=True)))
        for value, found in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CONSTANTS))
    parser.add_argument("--rounds", type=int, default=7, help="bursts of each value (7)")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return
    wrong = set(args.names) - set(CONSTANTS)
    if wrong:
        parser.error(f"no constant {', '.join(sorted(wrong))}: there is {', '.join(CONSTANTS)}")
    print(
        f"{describe()['cpu']}\n\n| constant | value | microseconds | to the value in the sources |"
    )
    print("|---|---:|---:|---:|")
    for name in args.names or CONSTANTS:
        for value, (time, ratio) in measure(name, max(args.rounds, 1)).items():
            print(f"| {name} | {value} | {time:.0f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
