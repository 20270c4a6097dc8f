"""What the workers share: the form of a task and the loop that serves the driver.

The driver writes one JSON object a line, the worker answers each with one line:

    {"case": name, "mode": "infer" | "train", "check": file}    ->  {}; the numbers lie in `file`
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
    """A case made ready in one library.

    call : what is timed; returns what the library returns, with the work done.
    results : turns what `call` returned into NumPy arrays in the common form. Inference: [y] with
        y (B, T, width). Training: [dx], then dkernel, drecurrent, dbias per layer and direction.
    holds : what has to live as long as the task, where the library itself does not hold it.
    """

    call: Callable[[], Any]
    results: Callable[[Any], list[np.ndarray]]
    holds: Any = None


Prepare = Callable[[Case, bool, int], Task]  # (case, training, threads)


def time_calls(call: Callable[[], Any], repeats: int) -> list[float]:
    """Seconds of each of `repeats` calls, after a warm-up of a call and `WARM_UP_SECONDS`."""
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


def serve(
    versions: dict[str, str],
    prepare: Prepare,
    epoch: Callable[[str], Callable[[], Any]] | None = None,
) -> None:
    """Answer the driver's requests until it closes the pipe. argv[1]: the number of threads.

    `epoch` makes an epoch of one of the training runs in `fit_models`.
    """
    threads = int(sys.argv[1])
    # A library may print: the answers keep the pipe for themselves, file 1 becomes stderr.
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
                    task = prepare(EVERY_CASE[request["case"]], request["mode"] == "train", threads)
                current = (request["case"], request["mode"])
            if "check" in request:
                np.savez(request["check"], *task.results(task.call()))
                answer({})
            else:
                answer({"seconds": time_calls(task.call, request["repeats"])})
        except Exception as error:
            traceback.print_exc()
            answer({"error": f"{type(error).__name__}: {error}"})
