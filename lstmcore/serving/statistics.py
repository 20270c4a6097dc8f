"""Statistics of a model, with the names and nanoseconds of Triton's statistics extension."""

from __future__ import annotations

import time
from typing import Any

from .batching import Job


class Statistics:
    """Counts and durations since a version of a model was loaded."""

    def __init__(self) -> None:
        self.last = 0  # milliseconds since the epoch
        self.rows = self.executions = 0
        self._sums = {name: [0, 0] for name in ("success", "fail", "queue", "compute_infer")}
        self._batches: dict[int, list[int]] = {}

    def add(self, name: str, nanoseconds: int) -> None:
        """Count a request: one of success or fail."""
        entry = self._sums[name]
        entry[0] += 1
        entry[1] += nanoseconds

    def add_batch(self, jobs: list[Job]) -> None:
        """Count a batch that was computed."""
        first = jobs[0]
        self.last = time.time_ns() // 1_000_000
        self.rows += first.together
        self.executions += 1
        for job in jobs:
            self.add("queue", job.started - job.queued)
            self.add("compute_infer", job.ended - job.started)
        batch = self._batches.setdefault(first.together, [0, 0])
        batch[0] += 1
        batch[1] += first.ended - first.started

    def describe(self, name: str, version: str) -> dict[str, Any]:
        """Return the entry of a model in the answer."""
        nothing = _pair([0, 0])
        others = ("compute_input", "compute_output", "cache_hit", "cache_miss")
        return {
            "name": name,
            "version": version,
            "last_inference": self.last,
            "inference_count": self.rows,
            "execution_count": self.executions,
            "inference_stats": {
                **{key: _pair(entry) for key, entry in self._sums.items()},
                **dict.fromkeys(others, nothing),
            },
            "batch_stats": [
                {
                    "batch_size": rows,
                    "compute_input": nothing,
                    "compute_infer": _pair(entry),
                    "compute_output": nothing,
                }
                for rows, entry in sorted(self._batches.items())
            ],
        }


def _pair(entry: list[int]) -> dict[str, int]:
    return {"count": entry[0], "ns": entry[1]}
