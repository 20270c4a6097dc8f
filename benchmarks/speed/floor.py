"""Efficiency on one core: speed of the whole layer relative to the bare tile.

    python -m benchmarks.speed.floor [--rounds 7]

The bare tile multiplies panels in L1, which is the peak of the arithmetic units. The layer performs
the same multiplications and everything around them. Inference counts 2 T B 4H (I + H) operations,
forward and backward three times that; training packs the weights in every call.
"""

from __future__ import annotations

import argparse
import math
import os
from itertools import product
from statistics import median

from benchmarks.harness.cases import Case
from benchmarks.harness.machine import Neighbours
from benchmarks.workers.common import time_calls
from benchmarks.workers.ours import set_up
from lstmcore import _core

STEPS, BATCHES = 50, (16, 32, 64)
SIZES = ((64, 128), (128, 128), (128, 256), (256, 512))  # (I, H)
BURST_SECONDS = 0.05


def operations(case: Case, training: bool) -> int:
    forward = 2 * case.steps * case.batch * 4 * case.hidden * (case.inputs + case.hidden)
    return 3 * forward if training else forward


def against_tile(case: Case, training: bool, rounds: int) -> tuple[float, float]:
    """Return GFLOP/s of tile and layer, medians of bursts in turns."""
    call = set_up(case, training, 1).call
    repeats = math.ceil(BURST_SECONDS / median(time_calls(call, 3)))
    tile, layer = [], []
    for _ in range(rounds):
        tile.append(_core.tile_gflops(dtype="float32"))
        layer.append(operations(case, training) / median(time_calls(call, repeats)) / 1e9)
    return median(tile), median(layer)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="bursts of tile and layer (7)")
    rounds = max(parser.parse_args().rounds, 1)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    neighbours = Neighbours()
    print(f"one core, {_core.isa()}, float32, T = {STEPS}: GFLOP/s\n")
    print("|   I,   H |  B | tile | inference |      % | forward + backward |      % |")
    print("|---------:|---:|-----:|----------:|-------:|-------------------:|-------:|")
    for (inputs, hidden), batch in product(SIZES, BATCHES):
        case = Case("floor", batch, STEPS, inputs, hidden)
        tile, infer = against_tile(case, False, rounds)
        tile_train, train = against_tile(case, True, rounds)
        print(
            f"| {inputs:3}, {hidden:3} | {batch:2} | {(tile + tile_train) / 2:4.0f}"
            f" | {infer:9.1f} | {100 * infer / tile:5.1f}%"
            f" | {train:18.1f} | {100 * train / tile_train:5.1f}% |",
            flush=True,
        )
    neighbours.report()


if __name__ == "__main__":
    main()
