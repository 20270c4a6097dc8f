"""The driver's side of a worker process, which is stopped between requests.

Thread pools of the measured libraries spin while they wait for work. A worker that is not being
measured is therefore stopped (SIGSTOP), and continued (SIGCONT) for its turn.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness.peers import LIBRARIES, ROOT


class WorkerError(Exception):
    """Error answer, or unexpected end, of a worker."""


class Worker:
    """A library in its own process, pinned to the first `threads` usable cores."""

    def __init__(self, name: str, python: str, threads: int):
        self.name = name
        # Closed by `close`: it must live as long as the process that writes to it.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        cores = sorted(os.sched_getaffinity(0))[:threads]
        self._process = subprocess.Popen(
            [
                python,
                "-m",
                f"benchmarks.workers.{LIBRARIES[name].worker}",
                str(threads),
                LIBRARIES[name].precision,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            # Its own process group: Ctrl-C reaches the driver only, and if the driver is killed
            # the kernel continues and hangs up the stopped groups that it leaves behind.
            process_group=0,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        try:
            self.versions: dict[str, str] = self._read()["versions"]
        except WorkerError:
            self.close()
            raise

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._errors.seek(0)
            lines = self._errors.read().strip().splitlines() or ["no message"]
            raise WorkerError(f"ended with code {code}: {lines[-1]}")
        self._process.send_signal(signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        if self._process.poll() is not None:
            raise WorkerError("ended earlier")
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def check(self, case: str, mode: str, file: Path) -> None:
        """Have a case set up, and the results of one call written to `file` (.npz)."""
        self._ask(case=case, mode=mode, check=str(file))

    def burst(self, case: str, mode: str, repeats: int) -> list[float]:
        """Return the seconds of each of `repeats` successive calls."""
        seconds: list[float] = self._ask(case=case, mode=mode, repeats=repeats)["seconds"]
        return seconds

    def close(self) -> None:
        """End the process in any state."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._errors):
            if file is not None:
                file.close()
