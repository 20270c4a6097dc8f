"""Description of the machine, and the load of other processes during a measurement."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path
from time import monotonic
from typing import Any


def usable_cores() -> int:
    return len(os.sched_getaffinity(0))


def describe() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "usable_cores": usable_cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


QUIET_CORES = 0.1  # average load of other processes that is tolerated


class Neighbours:
    """Load of other processes since this was created.

    Other processes slow a library that waits at OpenMP barriers far more than one that does not,
    so figures measured under load are unreliable.
    """

    def __init__(self) -> None:
        self._start = self._others(), monotonic()

    @staticmethod
    def _others() -> float:
        """Return CPU seconds since boot of all but this process and its ended children."""
        fields = Path("/proc/stat").read_text().split()
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[1:9])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return busy - sum(usage.ru_utime + usage.ru_stime for usage in usages)

    def report(self) -> float:
        """Return the average number of cores used by others, and print a warning if it is high.

        Call this after all child processes have ended.
        """
        others, begin = self._start
        cores = max(self._others() - others, 0.0) / (monotonic() - begin)
        if cores > QUIET_CORES:
            print(f"\nOther processes kept {cores:.1f} cores busy: do not trust these figures.")
        return cores
