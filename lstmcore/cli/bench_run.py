"""Measurements of `lstmcore bench`.

Cases are measured in turns, in short bursts, so that other processes disturb all of them alike. A
figure is the median of the bursts' medians; its spread is their largest over their smallest, less
1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from .. import Input, Sequential, _core, layers
from ..config import DTypePolicy

ROUNDS = 7
MAX_CALLS = 2000  # in a burst
Call = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A layer of `units` units on a batch of shape (batch, steps, inputs)."""

    name: str
    batch: int
    steps: int
    inputs: int
    units: int

    @property
    def flops(self) -> int:
        """Floating point operations of the matrix products of one forward call."""
        return 2 * 4 * self.units * (self.inputs + self.units) * self.batch * self.steps


LAYERS = (
    Case("one row", 1, 100, 64, 128),
    Case("forecast", 32, 30, 1, 32),
    Case("stack", 32, 50, 8, 64),
    Case("text", 32, 100, 100, 128),
    Case("large", 32, 50, 128, 256),
)


@dataclass
class Measure:
    """One measurement.

    Parameters
    ----------
    kind : {"forward", "train", "fit", "stream"}
    name : str
    call : callable
    repeats : int
        Repetitions in one call.
    case : Case
    flops : int
        Operations of the matrix products in one repetition; 0 if they are not counted.
    bursts : list of float
        Seconds per repetition, the median of each burst.
    single : list of float
        Seconds of each repetition, for the stream only.
    """

    kind: str
    name: str
    call: Call
    repeats: int
    case: Case
    flops: int
    bursts: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)

    def burst(self, seconds: float) -> None:
        """Measure for about this time, one call at least."""
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while not taken or (time.perf_counter() < end and len(taken) < MAX_CALLS):
            begin = time.perf_counter()
            self.call()
            taken.append((time.perf_counter() - begin) / self.repeats)
        self.bursts.append(median(taken))
        self.single += taken if self.kind == "stream" else []

    def result(self, peak: float) -> dict[str, Any]:
        """Return the figures; `peak` is the speed of the bare tile in GFLOP/s."""
        seconds = median(self.bursts)
        case, speed = self.case, self.flops / seconds / 1e9
        found = {
            "kind": self.kind,
            "name": self.name,
            "batch": case.batch,
            "steps": case.steps,
            "inputs": case.inputs,
            "units": case.units,
            "seconds": seconds,
            "spread": max(self.bursts) / min(self.bursts) - 1,
            "samples_per_second": case.batch / seconds,
            "steps_per_second": case.batch * case.steps / seconds,
            "gflops": speed if self.flops else None,
            "share_of_tile": speed / peak if self.flops else None,
        }
        if self.single:
            found["p99_seconds"] = float(np.quantile(self.single, 0.99))
        return found


def create_measures(policy: str, storage: str | None = None) -> list[Measure]:
    """Create all measurements with their layers, of this policy, and data, and warm them up.

    Layers whose weights are stored in a format are not trained.
    """
    rng, dtype = np.random.default_rng(0), DTypePolicy(policy).variable_dtype
    found: list[Measure] = []
    for case in LAYERS:
        x = rng.standard_normal((case.batch, case.steps, case.inputs)).astype(dtype)
        dy = rng.standard_normal((case.batch, case.steps, case.units)).astype(dtype)
        layer = layers.LSTM(case.units, return_sequences=True, dtype=policy)
        layer.storage = storage
        forward, train = partial(layer, x), partial(_train, layer, x, dy)
        found.append(Measure("forward", case.name, forward, 1, case, case.flops))
        if storage is None:
            found.append(Measure("train", case.name, train, 1, case, 3 * case.flops))
    if storage is None:
        found += [_fit(*fit, policy, rng) for fit in _models()]
    found.append(_stream(policy, storage, rng))
    for one in found:  # builds weights, allocates memory, wakes threads
        one.burst(0)
        one.bursts.clear()
        one.single.clear()
    return found


def _train(layer: Any, x: np.ndarray, dy: np.ndarray) -> None:
    """Call forward, and the backward function with all gradients."""
    _, back = layer.forward(x, True)
    back(dy)


def _models() -> list[tuple[Case, list[Any], bool]]:
    """Return cases and layers of models whose `fit` is measured, and True if they read words."""
    forecast = [layers.LSTM(32), layers.Dense(1)]
    stack = [
        *(layers.LSTM(64, return_sequences=True), layers.LSTM(32, return_sequences=True)),
        *(layers.LSTM(16), layers.Dense(1)),
    ]
    text = [layers.Embedding(5000, 64), layers.LSTM(64), layers.Dense(1, activation="sigmoid")]
    return [
        (Case("LSTM(32), Dense(1)", 32, 30, 1, 32), forecast, False),
        (Case("LSTM(64, 32, 16), Dense(1)", 32, 50, 8, 64), stack, False),
        (Case("Embedding, LSTM(64), Dense(1)", 32, 100, 64, 64), text, True),
    ]


def _fit(
    case: Case, stack: list[Any], words: bool, policy: str, rng: np.random.Generator
) -> Measure:
    """Measure `fit` for one epoch of a few batches, per batch."""
    dtype = DTypePolicy(policy).variable_dtype
    shape = (case.steps,) if words else (case.steps, case.inputs)
    model = Sequential([Input(shape, dtype="int32" if words else dtype), *stack], dtype=policy)
    model.compile(optimizer="adam", loss="binary_crossentropy" if words else "mse")
    batches = max(2, min(20, 1_000_000_000 // (3 * case.flops)))
    size = (batches * case.batch, *shape)
    x = rng.integers(1, 5000, size) if words else rng.standard_normal(size).astype(dtype)
    y = rng.integers(0, 2, (len(x), 1)).astype(dtype)
    call = partial(model.fit, x, y, batch_size=case.batch, epochs=1, verbose=0)
    return Measure("fit", case.name, call, batches, case, 0)


def _stream(policy: str, storage: str | None, rng: np.random.Generator) -> Measure:
    """Measure one step of a stream: one row of inputs through a layer with states."""
    case = Case("LSTM(128)", 1, 1, 64, 128)
    dtype = DTypePolicy(policy).variable_dtype
    model = Sequential([Input((None, 64), dtype=dtype), layers.LSTM(128)], dtype=policy)
    if storage is not None:
        model.quantize(storage, verbose=0)
    x = rng.standard_normal(64).astype(dtype)
    return Measure("stream", case.name, partial(model.stream().step, x), 1, case, case.flops)


def measure_all(
    seconds: float, policy: str, advance: Callable[[], object], storage: str | None = None
) -> dict[str, Any]:
    """Measure everything.

    Parameters
    ----------
    seconds : float
        The approximate duration, not counting the creation of models.
    policy : str
        The name of the policy of the layers.
    advance : callable
        Called after each round.
    storage : str, optional
        The format of the layers' weights, one of `lstmcore.quantization.FORMATS`.

    Returns
    -------
    dict
        ``dtype``, the policy; ``storage`` and the ``dot_product`` for it; ``isa``, ``threads``,
        ``tile_gflops`` of the arrays' dtype, ``rounds``, ``seconds``, ``away``: the share of the
        time that this process was without its core; and ``results``.
    """
    begin, busy = time.perf_counter(), time.thread_time()
    everything = create_measures(policy, storage)
    dtype = DTypePolicy(policy).variable_dtype
    end = max(begin + seconds, time.perf_counter() + 0.5 * seconds)
    tiles = []
    for number in range(ROUNDS):
        remaining = end - time.perf_counter()
        if number and remaining <= 0:
            break
        tiles += [_core.tile_gflops(dtype, seconds=0.001) for _ in range(20)]
        shift = number % len(everything)  # so that none always follows the same one
        each = max(remaining, 0) / (ROUNDS - number) / len(everything)
        for one in everything[shift:] + everything[:shift]:
            one.burst(each)
        advance()
    tile, threads = median(tiles), _core.get_num_threads()
    taken = time.perf_counter() - begin
    return {
        "dtype": policy,
        "storage": storage,
        "dot_product": None if storage is None else _core.dot_product(storage),
        "isa": _core.isa(),
        "threads": threads,
        "tile_gflops": tile,
        "rounds": len(everything[0].bursts),
        "seconds": taken,
        "away": max(0.0, 1 - (time.thread_time() - busy) / taken),
        "results": [one.result(tile * threads) for one in everything],
    }
