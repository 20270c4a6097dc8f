"""Training: time of a step of `fit`, its part outside C, and other libraries' time over ours.

    python -m benchmarks.speed.fitting --rounds 5

Eight models (`fit_models.py`), batch 32, Adam, an epoch of 30 training steps. The time outside C is
measured with next to nothing to compute: the same model reduced to one unit, one time step and one
row executes the same Python and makes the same calls, and the time inside the core's functions is
subtracted. All are measured in turns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import lstmcore
from benchmarks.harness.fit_models import BATCH, FITS, STEPS, keras_epoch
from benchmarks.harness.remote import Worker, WorkerError
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
from lstmcore import _core

LIMIT = 0.15  # largest share of a training step outside C
PEERS = ("torch", "keras-jax")


class CoreClock:
    """Context that adds up the time inside the core's functions."""

    def __init__(self) -> None:
        functions = ((name, getattr(_core, name)) for name in dir(_core))
        self._own = {n: f for n, f in functions if type(f).__name__.startswith("cython_function")}

    def __enter__(self) -> CoreClock:
        self.seconds = 0.0
        for name, function in self._own.items():
            setattr(_core, name, self._timed(function))
        return self

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            begin = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += perf_counter() - begin

        return timed

    def __exit__(self, *_: object) -> None:
        for name, function in self._own.items():
            setattr(_core, name, function)


def inside(epoch: Callable[[], object]) -> Burst:
    """Return a burst function of the seconds that an epoch spends in the core."""

    def burst(repeats: int) -> list[float]:
        seconds = []
        for _ in range(repeats):
            with CoreClock() as clock:
                epoch()
            seconds.append(clock.seconds)
        return seconds

    return burst


def measure(
    name: str, peers: dict[str, Worker], benchmark: Benchmark, widths: tuple[int, ...]
) -> None:
    """Measure a case; print a line of the table and add a record."""
    bare = keras_epoch(lstmcore, name, tiny=True)
    bursts: dict[str, Burst] = {"fit": here(keras_epoch(lstmcore, name))}
    bursts |= {"bare": here(bare), "core": inside(bare)}
    for peer, worker in peers.items():
        try:
            worker.burst(name, "fit", 1)  # compiles
        except WorkerError as error:
            if "NotImplementedError" not in str(error):
                benchmark.problem(f"{peer}: {name}: {error}")
            continue
        bursts[peer] = partial(worker.burst, name, "fit")
    rounds = take_turns(bursts, benchmark.args)
    step = microseconds(rounds, "fit") / STEPS
    pairs = zip(rounds["bare"], rounds["core"], strict=True)
    outside = 1e6 * median(median(a) - median(b) for a, b in pairs) / STEPS
    times = {peer: ratio(rounds, peer, "fit") for peer in peers if peer in bursts}
    row(
        FITS[name].title,
        f"{step:.0f}",
        f"{outside:.0f}",
        f"{outside / step:.1%}",
        "yes" if outside <= LIMIT * step else "no",
        f"{BATCH / step * 1e6:.0f}",
        *(f"{times[peer]:.2f}" if peer in times else "-" for peer in PEERS),
        widths=widths,
    )
    record = {"model": name, "step_us": step, "outside_c_us": outside, "share": outside / step}
    benchmark.records.append({**record, "over_ours": times})


def main() -> int:
    options = parser(__doc__)
    names = list(FITS)
    options.add_argument(
        "--models", type=subset(names), default=names, metavar="A,B", help="(all of them)"
    )
    args = options.parse_args()
    with ExitStack() as stack:
        benchmark = Benchmark(args, stack)
        workers = {name: benchmark.peer(name) for name in PEERS}
        peers = {name: worker for name, worker in workers.items() if worker is not None}
        titles = ("us a step", "outside C", "share", "within", "samples/s")
        widths = head(f"{'fit, batch 32, Adam':50}", *titles, *(f"{p} / ours" for p in PEERS))
        for name in args.models:
            measure(name, peers, benchmark, widths)
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
