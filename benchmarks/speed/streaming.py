"""Latency of streams: `step` and `feed` from Python, the kernel alone, and ONNX Runtime.

    python -m benchmarks.speed.streaming --cases stream-128-1 --json streaming.json

One row of 64 inputs per step. ONNX Runtime's `run` takes the states as inputs and returns them. A
step of 128 units should take at most 1.2 times the kernel's time plus 3 us. p50 and p99 are over
all calls of all rounds. Results are compared first.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness.cases import STREAMS, Case
from benchmarks.harness.remote import Worker
from benchmarks.harness.turns import (
    Benchmark,
    Burst,
    Rounds,
    head,
    here,
    parser,
    row,
    subset,
    take_turns,
)
from lstmcore import Input, Sequential, _core
from lstmcore.layers import LSTM

PEER = "onnxruntime"
COLUMNS = ("ours", "kernel", PEER)


def stream_of(case: Case) -> Any:
    """Return a stream through one LSTM with the case's weights."""
    layer = LSTM(case.hidden, return_sequences=True)
    model = Sequential([Input((None, case.inputs)), layer])
    model.set_weights(case.weights()[0])
    return model.stream(batch_size=case.batch)


def percentiles(rounds: Rounds, name: str) -> tuple[float, float]:
    """Return p50 and p99 of all calls in microseconds."""
    if name not in rounds:
        return np.nan, np.nan
    p50, p99 = 1e6 * np.percentile(np.concatenate(rounds[name]), [50, 99])
    return float(p50), float(p99)


def measure(case: Case, peer: Worker | None, benchmark: Benchmark, widths: tuple[int, ...]) -> None:
    """Measure a case; print a line of the table and add a record."""
    stream, x = stream_of(case), case.x()
    bursts: dict[str, Burst] = {}
    if case.steps == 1:
        first = np.ascontiguousarray(x[:, 0])
        bursts["ours"] = here(lambda: stream.step(first))
        # The kernel's own calls, one step each, timed in C: a list of seconds.
        bursts["kernel"] = partial(_core.stream_seconds, stream)
    else:
        bursts["ours"] = here(lambda: stream.feed(x))
    stream.reset()  # the peer's first call begins with zeros too
    if peer is not None and benchmark.agrees(peer, case.name, "infer", [stream.feed(x)]):
        bursts[PEER] = partial(peer.burst, case.name, "infer")
    rounds = take_turns(bursts, benchmark.args)
    figures = {name: percentiles(rounds, name) for name in COLUMNS}
    (ours, _), (kernel, _) = figures["ours"], figures["kernel"]
    limit = 1.2 * kernel + 3
    numbers = [*(us for name in COLUMNS for us in figures[name]), limit]
    row(str(case), *("-" if np.isnan(us) else f"{us:.2f}" for us in numbers), widths=widths)
    known = {name: figures[name] for name in bursts}
    record = {"case": case.name, "p50_p99_us": known}
    benchmark.records.append({**record, "within": ours <= limit if "kernel" in bursts else None})


def main() -> int:
    options = parser(__doc__)
    names = list(STREAMS)
    options.add_argument(
        "--cases", type=subset(names), default=names, metavar="A,B", help="(all of them)"
    )
    args = options.parse_args()
    with ExitStack() as stack:
        benchmark = Benchmark(args, stack)
        peer = benchmark.peer(PEER)
        columns = [f"{name} p{p}" for name in COLUMNS for p in (50, 99)]
        widths = head("case: B, T, I, H", *columns, "1.2 kernel + 3")
        for name in args.cases:
            measure(STREAMS[name], peer, benchmark, widths)
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
