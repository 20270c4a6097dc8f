"""Rows of different lengths: our masked and padded training steps, and torch's packed sequences.

    python -m benchmarks.speed.ragged --cases ragged-128-100 --json ragged.json

Lengths are uniform in 1 to T. The masked training step computes at best the unmasked share of all
time steps, so masked / padded should be at most that share plus 0.1. Forward and backward with all
gradients; torch's input and gradient are packed before the timing. Results are compared first.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from functools import partial

from benchmarks.harness.cases import RAGGED, Case
from benchmarks.harness.layer_step import Step
from benchmarks.harness.remote import Worker
from benchmarks.harness.turns import (
    Benchmark,
    Burst,
    head,
    here,
    microseconds,
    parser,
    ratio,
    row,
    subset,
    take_turns,
)
from lstmcore.layers import LSTM

HEAD = ("case: B, T, I, H", "real", "masked us", "padded us", "/ padded", "within", "torch us")
ALLOWED = 0.1  # above the share of unmasked steps


def measure(
    case: Case, torch: Worker | None, benchmark: Benchmark, widths: tuple[int, ...]
) -> None:
    """Measure a case; print a line of the table and add a record."""
    layers = [LSTM(case.hidden, return_sequences=True) for _ in range(2)]
    masked = Step(layers[0], case, masked=True).set_weights(case)
    padded = Step(layers[1], case).set_weights(case)
    bursts: dict[str, Burst] = {"masked": here(masked.train), "padded": here(padded.train)}
    if torch is not None and benchmark.agrees(torch, case.name, "train", masked.results()):
        bursts["torch"] = partial(torch.burst, case.name, "train")
    rounds = take_turns(bursts, benchmark.args)
    unmasked, share = float(case.mask().mean()), ratio(rounds, "masked", "padded")
    times = ratio(rounds, "torch", "masked") if "torch" in bursts else None
    medians = {name: microseconds(rounds, name) for name in bursts}
    row(
        str(case),
        f"{unmasked:.2f}",
        f"{medians['masked']:.1f}",
        f"{medians['padded']:.1f}",
        f"{share:.2f}",
        "yes" if share <= unmasked + ALLOWED else "no",
        f"{medians['torch']:.1f}" if times else "-",
        f"{times:.1f}" if times else "-",
        widths=widths,
    )
    record = {"case": case.name, "real": unmasked, "median_us": medians}
    benchmark.records.append({**record, "masked_over_padded": share, "torch_over_masked": times})


def main() -> int:
    options = parser(__doc__)
    names = list(RAGGED)
    options.add_argument(
        "--cases", type=subset(names), default=names, metavar="A,B", help="(all of them)"
    )
    args: argparse.Namespace = options.parse_args()
    with ExitStack() as stack:
        benchmark = Benchmark(args, stack)
        torch = benchmark.peer("torch")
        widths = head(*HEAD, "torch / masked")
        for name in args.cases:
            measure(RAGGED[name], torch, benchmark, widths)
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
