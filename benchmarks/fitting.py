"""Whole training runs: what a step of `fit` takes, and how much of it is not C.

    python benchmarks/fitting.py --repeats 9

Eight models, batch 32, Adam. What a step spends outside C is measured where there is next to
nothing to compute: the same model, cut down to one unit, one step and one row, runs the same Python
and makes the same calls. Of its time that inside the core's functions is taken off. All take turns
in one run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from lstmcore import Input, Model, Sequential, _core
from lstmcore.layers import (
    LSTM,
    Attention,
    Bidirectional,
    Concatenate,
    Dense,
    Embedding,
)
from machine import Neighbours

BATCH = 32
LIMIT = 0.15  # of a step may be outside C


class Sizes:
    """The sizes of a model, or ones that leave nothing to compute."""

    def __init__(self, tiny: bool) -> None:
        self.tiny, self.batch = tiny, 1 if tiny else BATCH

    def __call__(self, n: int) -> int:
        return 1 if self.tiny else n


def forecast(s: Sizes, activation: str = "tanh") -> Any:
    return Sequential([Input((s(10), 1)), LSTM(s(50), activation=activation), Dense(1)])


def forecast_relu(s: Sizes) -> Any:
    return forecast(s, "relu")


def sentiment(s: Sizes) -> Any:
    layers = [Embedding(s(10000), s(100)), LSTM(s(128)), Dense(1, activation="sigmoid")]
    return Sequential([Input((s(200),), dtype="int32"), *layers])


def stacked(s: Sizes) -> Any:
    layers = [LSTM(s(64), return_sequences=True), LSTM(s(32), return_sequences=True), LSTM(s(16))]
    return Sequential([Input((s(50), s(8))), *layers, Dense(1)])


def bidirectional(s: Sizes) -> Any:
    first = Bidirectional(LSTM(s(64), return_sequences=True))
    return Sequential([Input((s(50), s(8))), first, Bidirectional(LSTM(s(32))), Dense(1)])


def attention(s: Sizes) -> Any:
    x = Input((s(50), s(8)))
    h = LSTM(s(64), return_sequences=True)(x)
    return Model(x, Dense(1)(Concatenate()([h, Attention()([h, h])])))


def regularized(s: Sizes) -> Any:
    rates = {"dropout": 0.2, "recurrent_dropout": 0.2, "kernel_regularizer": "l2"}
    return Sequential([Input((s(50), s(8))), LSTM(s(64), **rates), Dense(1)])


def characters(s: Sizes) -> Any:
    layers = [LSTM(s(128), return_sequences=True), LSTM(s(128))]
    return Sequential([Input((s(40), s(60))), *layers, Dense(s(60), activation="softmax")])


MODELS: dict[str, tuple[Callable[[Sizes], Any], str]] = {
    "LSTM(50) on (10, 1), Dense": (forecast, "mse"),
    'the same with activation="relu"': (forecast_relu, "mse"),
    "Embedding(10000, 100), LSTM(128) on 200, Dense": (sentiment, "binary_crossentropy"),
    "LSTM 64, 32, 16 on (50, 8), Dense": (stacked, "mse"),
    "Bidirectional 64, 32 on (50, 8), Dense": (bidirectional, "mse"),
    "LSTM(64) on (50, 8), Attention, Concatenate, Dense": (attention, "mse"),
    "LSTM(64, both dropouts, l2) on (50, 8), Dense": (regularized, "mse"),
    "LSTM 128, 128 on (40, 60), Dense softmax": (characters, "categorical_crossentropy"),
}


def epoch_of(build: Callable[[Sizes], Any], loss: str, tiny: bool) -> tuple[Callable[[], Any], int]:
    """An epoch of `fit`, and how many steps it has."""
    sizes, rng = Sizes(tiny), np.random.default_rng(0)
    model = build(sizes)
    model.compile("adam", loss)
    steps = 30
    samples = steps * sizes.batch
    shape = (samples, *model.input_shape[1:])
    x = rng.standard_normal(shape, np.float32)
    if build is sentiment:
        x = rng.integers(0, sizes(10000), shape)
    y = np.zeros((samples, *model.output_shape[1:]), np.float32)
    y[..., 0] = 1
    return lambda: model.fit(x, y, batch_size=sizes.batch, verbose=0), steps


class CoreClock:
    """Adds up the time inside the core's functions, while it is entered."""

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


def measure(build: Callable[[Sizes], Any], loss: str, repeats: int) -> tuple[float, float]:
    """Seconds of a step, and of what of it is outside C; in turns."""
    (epoch, steps), (bare, bare_steps) = (epoch_of(build, loss, tiny) for tiny in (False, True))
    times: tuple[list[float], ...] = ([], [], [])
    for turn in range(repeats + 1):
        for run, seconds in zip((epoch, bare), times, strict=False):
            begin = perf_counter()
            run()
            seconds.append(perf_counter() - begin)
        with CoreClock() as clock:
            bare()
        times[2].append(clock.seconds)
        if not turn:  # to warm up
            for seconds in times:
                seconds.clear()
    whole, small, core = (median(seconds) for seconds in times)
    return whole / steps, (small - core) / bare_steps


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9, help="epochs each is measured (9)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    neighbours, figures = Neighbours(), {}
    print(f"{'a step of fit, batch 32, Adam':52}{'us':>9}{'outside C':>14}{'samples/s':>12}")
    for name, (build, loss) in MODELS.items():
        whole, bare = measure(build, loss, arguments.repeats)
        share = bare / whole
        figures[name] = {"step_us": whole * 1e6, "outside_c": share}
        flag = "" if share < LIMIT else f"  over {LIMIT:.0%}"
        rate = BATCH / whole
        print(f"{name:52}{whole * 1e6:9.0f}{share:10.1%} {bare * 1e6:3.0f}{rate:12.0f}{flag}")
    neighbours.report()
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
