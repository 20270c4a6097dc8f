"""Accuracy of models on public data sets: one line for each task, with a baseline.

    python -m benchmarks.accuracy.tasks --data FOLDER
    python -m benchmarks.accuracy.tasks --data FOLDER --only digits,chorales --json accuracy.json
    python -m benchmarks.accuracy.tasks --data FOLDER --only chorales --seeds 0,1,2 \\
        --dtype mixed_bfloat16
    python -m benchmarks.accuracy.tasks --data FOLDER --quantize int8,bfloat16

A task is a function ``name(data_dir, seed=, quantize=)`` in a module of this folder. It trains with
the seed and returns its figure on the test part, the target, a baseline and the seconds of
training; and, for the formats of `quantize`, the figures of the trained model in them. The exit
code is 1 if a task missed its target or has no data.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstmcore.config import dtype_policy, set_dtype_policy
from lstmcore.utils import show_config

from .stored import changes

WIDTHS = (10, 34, 8, 8, 9, 8)
HEAD = ("task", "figure", "reached", "target", "baseline", "seconds")


class Task(NamedTuple):
    """Module of a task's function, and the meaning of its figure."""

    module: str
    what: str
    higher: bool = True  # is better


TASKS = {
    "tagging": Task("labelling", "UD EWT, words with right UPOS"),
    "chorales": Task("music", "JSB Chorales, nats a step", False),
    "digits": Task("speech", "spoken digits, share right"),
    "polarity": Task("classify", "sentence polarity, share right"),
    "vowels": Task("classify", "Japanese vowels, share right"),
    "shakespeare": Task("text", "tiny Shakespeare, nats a character", False),
}
# If a result has both, the figure is of the last epoch, not of the best one on the test part.
OTHER_NAMES = {
    "figure": ("last_epoch", "nats_per_character", "accuracy"),
    "baseline": ("baselines",),
}


class Missing(Exception):
    """The function of a task does not exist, or a package it needs is not installed."""


def find(name: str) -> Callable[..., dict[str, Any]]:
    """Return the function of a task."""
    module = TASKS[name].module
    try:
        found: Callable[..., dict[str, Any]]
        found = getattr(importlib.import_module(f"benchmarks.accuracy.{module}"), name)
    except (ImportError, AttributeError) as error:
        raise Missing(f"{module}.py: {error}") from None
    return found


def number(found: dict[str, Any], key: str) -> float | None:
    """Return a number of a result; of several baselines the best."""
    for name in (key, *OTHER_NAMES.get(key, ())):
        value = found.get(name)
        if isinstance(value, dict):
            better = max if found["higher"] else min
            value = better(value.values(), default=None)
        if value is not None:
            return float(value)
    return None


def measure(name: str, data: Path, seed: int, quantize: Sequence[str]) -> dict[str, Any]:
    """Execute a task; return its result, with numbers under the names of the table."""
    begin = time.perf_counter()
    found = find(name)(data, seed=seed, quantize=quantize)
    found = {**found, "task": name, "seed": seed, "higher": TASKS[name].higher}
    numbers = {key: number(found, key) for key in ("figure", "target", "baseline", "seconds")}
    if numbers["seconds"] is None:
        numbers["seconds"] = time.perf_counter() - begin
    figure, target = numbers["figure"], numbers["target"]
    if figure is None or target is None:
        raise ValueError(f"{name}: expected a result with a figure and a target, got {found}")
    reached = figure >= target if found["higher"] else figure <= target
    return {**found, **numbers, "reached": bool(reached)}


def line(*cells: str) -> str:
    """Return a line of the table: two cells of text, then numbers."""
    text = [f"{c:<{w}}" for c, w in zip(cells[:2], WIDTHS[:2], strict=True)]
    return "  ".join(text + [f"{c:>{w}}" for c, w in zip(cells[2:], WIDTHS[2:], strict=True)])


def shown(found: dict[str, Any]) -> str:
    """Return the line of a task in the table."""
    places = 3 if found["higher"] else 2
    cells = ["-" if found[k] is None else f"{found[k]:.{places}f}" for k in ("figure", "baseline")]
    target = (">= " if found["higher"] else "<= ") + f"{found['target']:g}"
    what = TASKS[found["task"]].what
    text = line(found["task"], what, cells[0], target, cells[1], f"{found['seconds']:.0f}")
    notes = [] if found["reached"] else ["MISSED"]
    notes += [f"seed {found['seed']}"] if found["seed"] else []
    notes += [str(found["note"])] if found.get("note") else []
    return "  ".join([text, *notes, *changes(found, places + 2)])


def spread(records: Sequence[dict[str, Any]]) -> str:
    """Return a line of the figures of one task with several seeds."""
    figures = np.array([record["figure"] for record in records])
    return (
        f"{records[0]['task']}: {len(figures)} seeds: mean {figures.mean():.4f}, from "
        f"{figures.min():.4f} to {figures.max():.4f}, standard deviation {figures.std(ddof=1):.4f}"
    )


def names(text: str) -> list[str]:
    """Parse names of tasks separated by commas."""
    found = [name.strip() for name in text.split(",")]
    for name in found:
        if name not in TASKS:
            raise argparse.ArgumentTypeError(f"no task {name!r}; there are {', '.join(TASKS)}")
    return found


def seeds(text: str) -> list[int]:
    """Parse seeds separated by commas."""
    return [int(part) for part in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of data sets")
    parser.add_argument("--only", type=names, default=list(TASKS), metavar="NAME,...")
    parser.add_argument("--seeds", type=seeds, default=[0], metavar="SEED,...")
    parser.add_argument("--dtype", metavar="POLICY", help="of all layers: mixed_bfloat16")
    parser.add_argument(
        "--quantize",
        type=lambda text: text.split(","),
        default=[],
        metavar="FORMAT,...",
        help="test the trained model in these formats, too",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    args = parser.parse_args()
    if not args.data.is_dir():
        parser.error(f"--data: no folder {args.data}")
    if args.dtype is not None:
        set_dtype_policy(args.dtype)
    config: list[str] = []
    show_config(config.append)
    print("\n".join([*config, f"dtype {dtype_policy().name}"]), flush=True)
    lines, records, good = [line(*HEAD)], [], True
    for name, seed in ((name, seed) for name in args.only for seed in args.seeds):
        print(f"-- {name}, seed {seed}", flush=True)
        try:
            found = measure(name, args.data, seed, args.quantize)
        except Missing as error:
            lines.append(line(name, TASKS[name].what, *"----") + f"  left out: {error}")
            records.append({"task": name, "left_out": str(error)})
            continue
        except FileNotFoundError as error:
            lines.append(line(name, TASKS[name].what, *"----") + f"  no data: {error.filename}")
            records.append({"task": name, "no_data": str(error.filename)})
            good = False
            continue
        good = good and found["reached"]
        lines.append(shown(found))
        records.append(found)
        print(lines[-1], flush=True)
    for name in args.only if len(args.seeds) > 1 else ():
        of_task = [r for r in records if r["task"] == name and "figure" in r]
        lines += [spread(of_task)] if len(of_task) > 1 else []
    print("\n".join(["", *lines]))
    if args.json:
        whole = {"config": config, "dtype": dtype_policy().name, "tasks": records}
        with args.json.open("w", encoding="utf-8") as file:
            json.dump(whole, file, indent=1, default=str)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
