"""Shared parts of the workers: tasks, and the loop that answers the driver's requests.

The driver writes one JSON object per line, and the worker answers each with one line:

    {"case": name, "mode": "infer" | "train", "check": file}    ->  {}; results are in `file`
    {"case": name, "mode": "infer" | "train", "repeats": n}     ->  {"seconds": [n floats]}
    {"case": name, "mode": "fit", "repeats": n}                 ->  the same, of epochs

and once, before all others, {"versions": {...}}. A failure is answered with {"error": text}.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.harness.cases import EVERY_CASE, Case

WARM_UP_SECONDS = 0.02


@dataclass(frozen=True)
class Task:
    """A case set up in one library.

    call : the timed function; returns the library's result when the computation is complete.
    results : converts the result of `call` to NumPy arrays in the common format. Inference: [y]
        with y (B, T, width). Training: [dx], then dkernel, drecurrent, dbias per layer and
        direction.
    holds : objects that must live as long as the task but are not referenced by the library.
    """

    call: Callable[[], Any]
    results: Callable[[Any], list[np.ndarray]]
    holds: Any = None


SetUp = Callable[[Case, bool, int], Task]  # (case, training, threads)


def time_calls(call: Callable[[], Any], repeats: int) -> list[float]:
    """Return seconds of each of `repeats` calls, after a warm-up of `WARM_UP_SECONDS`."""
    begin = perf_counter()
    call()
    while perf_counter() - begin < WARM_UP_SECONDS:
        call()
    seconds = []
    for _ in range(repeats):
        begin = perf_counter()
        call()
        seconds.append(perf_counter() - begin)
    return seconds


def precision() -> str | None:
    """Return the precision of products that the driver asks for; None: float32."""
    return sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] != "float32" else None


def serve(
    versions: dict[str, str],
    set_up: SetUp,
    epoch: Callable[[str], Callable[[], Any]] | None = None,
) -> None:
    """Answer the driver's requests until it closes the pipe; argv[1] is the number of threads.

    `epoch` returns a function that trains one of the models in `fit_models` for an epoch.
    """
    threads = int(sys.argv[1])
    # Libraries may print, so file 1 becomes stderr and only answers go to the pipe.
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=pipe, flush=True)

    answer({"versions": versions})
    current: tuple[str, str] | None = None
    task: Task | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if task is None or current != (request["case"], request["mode"]):
                task = None  # free the last case's memory first
                if request["mode"] == "fit":
                    assert epoch is not None
                    task = Task(epoch(request["case"]), lambda _: [])
                else:
                    task = set_up(EVERY_CASE[request["case"]], request["mode"] == "train", threads)
                current = (request["case"], request["mode"])
            if "check" in request:
                np.savez(request["check"], *task.results(task.call()))
                answer({})
            else:
                answer({"seconds": time_calls(task.call, request["repeats"])})
        except Exception as error:
            traceback.print_exc()
            answer({"error": f"{type(error).__name__}: {error}"})
